package lease_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/lease"
)

// view is what a table shows: who lives, and who holds which server ("a:1,2 b:3").
func view(live, held string) *lease.View {
	v := &lease.View{Live: strings.Fields(live), Leases: map[string]lease.Lease{}}
	for part := range strings.FieldsSeq(held) {
		holder, names, _ := strings.Cut(part, ":")
		for name := range strings.SplitSeq(names, ",") {
			v.Leases["server/"+name] = lease.Lease{Name: "server/" + name, Holder: strings.Trim(holder, "-"), Epoch: 1}
		}
	}
	return v
}

func servers(names string) []string {
	var all []string
	for name := range strings.FieldsSeq(names) {
		all = append(all, "server/"+name)
	}
	return all
}

func TestStep(t *testing.T) {
	const wanted = "1 2 3 4 5 6"
	for _, test := range []struct {
		name       string
		live, held string
		unsettled  bool
		take, give int // by a
	}{
		{name: "who is alone takes all", live: "a", take: 6},
		{name: "two take half each", live: "a b", take: 3},
		{name: "who has its share takes no more", live: "a b", held: "a:1,2,3"},
		{name: "what others hold is theirs", live: "a b", held: "b:1,2,3,4,5,6"},
		{name: "who has more than its share gives the rest back", live: "a b", held: "a:1,2,3,4,5,6", give: 3},
		{name: "nothing moves while shares differ by one", live: "a b c d", held: "a:1,2 b:3,4 c:5 d:6"},
		{name: "what a dead one held is taken", live: "a b", held: "a:1,2 b:3,4 c:5,6", take: 1},
		{name: "what a dead one held is left to it while the table was away", live: "a b", held: "a:1,2 c:5,6", unsettled: true, take: 1},
		{name: "what was given back is taken at once", live: "a b", held: "b:4,5,6 -:1,2,3", unsettled: true, take: 3},
		{name: "who does not live takes nothing and gives all back", live: "b", held: "a:1,2", take: 0, give: 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			take, give := lease.Step("a", servers(wanted), view(test.live, test.held), !test.unsettled)
			if len(take) != test.take || len(give) != test.give {
				t.Errorf("Step: got take %v and give %v, want %d and %d", take, give, test.take, test.give)
			}
		})
	}
}

func TestKindsAreSharedEachForItself(t *testing.T) {
	wanted := append(servers("1 2"), "sink/oncall", "sink/hook")
	take, _ := lease.Step("a", wanted, view("a b", ""), true)
	kinds := map[string]int{}
	for _, name := range take {
		kind, _, _ := strings.Cut(name, "/")
		kinds[kind]++
	}
	if diff := cmp.Diff(map[string]int{"server": 1, "sink": 1}, kinds); diff != "" {
		t.Errorf("what a takes (-want +got):\n%s", diff)
	}
}

// TestReplicasComeToRest lets replicas that see the same table step in turn: soon each has its
// share, and nothing moves any more.
func TestReplicasComeToRest(t *testing.T) {
	wanted := servers("1 2 3 4 5 6 7 8 9 10 11")
	held := view("a b c", "").Leases
	moved := 0
	rounds := func(live string) (counts map[string]int) {
		for range 6 {
			moved = 0
			for me := range strings.FieldsSeq(live) {
				v := &lease.View{Live: strings.Fields(live), Leases: held}
				take, give := lease.Step(me, wanted, v, true)
				moved += len(take) + len(give)
				for _, name := range take {
					held[name] = lease.Lease{Name: name, Holder: me}
				}
				for _, name := range give {
					held[name] = lease.Lease{Name: name}
				}
			}
		}
		counts = map[string]int{}
		for _, l := range held {
			counts[l.Holder]++
		}
		return counts
	}
	for _, step := range []struct {
		live string
		want map[string]int
	}{
		{"a b c", map[string]int{"a": 4, "b": 4, "c": 3}},
		{"b c", map[string]int{"b": 6, "c": 5}},
		{"b c d", map[string]int{"b": 4, "c": 4, "d": 3}},
		{"d", map[string]int{"d": 11}},
	} {
		if diff := cmp.Diff(step.want, rounds(step.live)); diff != "" || moved != 0 {
			t.Errorf("while %s live: %d moved in the last round, want 0; who holds how many (-want +got):\n%s", step.live, moved, diff)
		}
	}
}
