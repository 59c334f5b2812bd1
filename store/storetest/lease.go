package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"watchdog/cycle"
	"watchdog/lease"
	"watchdog/outbox"
)

const (
	long  = time.Hour
	ended = -time.Second // a replica that lives no more
)

// take gives the leases that a replica takes, which lives for a time.
func take(t testing.TB, s Store, replica string, lives time.Duration, names ...string) []lease.Lease {
	t.Helper()
	_, err := s.Renew(t.Context(), replica, lives)
	must(t, err)
	taken, err := s.Take(t.Context(), replica, names)
	must(t, err)
	return taken
}

func see(t testing.TB, s Store) *lease.View {
	t.Helper()
	v, err := s.Renew(t.Context(), "onlooker", long)
	must(t, err)
	return v
}

var leaseTests = []contract{
	{"a lease has one holder, and another epoch for each", func(t *testing.T, s Store) {
		first := lease.Lease{Name: "server/prod", Holder: "a", Epoch: 1}
		equal(t, "a takes", []lease.Lease{first}, take(t, s, "a", long, "server/prod"))
		equal(t, "b takes", []lease.Lease(nil), take(t, s, "b", long, "server/prod"))
		must(t, s.Return(t.Context(), []lease.Lease{first}))
		second := lease.Lease{Name: "server/prod", Holder: "b", Epoch: 2}
		equal(t, "b takes what a gave back", []lease.Lease{second}, take(t, s, "b", long, "server/prod"))
		must(t, s.Return(t.Context(), []lease.Lease{first}))
		equal(t, "what is held", map[string]lease.Lease{"server/prod": second}, see(t, s).Leases)
	}},
	{"hundreds are taken and given back, but for what others hold", func(t *testing.T, s Store) {
		var names, rest []string
		for i := range 250 {
			names = append(names, fmt.Sprintf("server/%03d", i))
			if i%50 > 0 {
				rest = append(rest, names[i])
			}
		}
		theirs := take(t, s, "b", long, names[0], names[50], names[100], names[150], names[200])
		mine := take(t, s, "a", long, names...)
		var got []string
		for _, l := range mine {
			got = append(got, l.Name)
		}
		equal(t, "a takes", rest, got)
		must(t, s.Return(t.Context(), append(mine[1:], theirs[0])))
		held := map[string]string{}
		for name, l := range see(t, s).Leases {
			if l.Holder != "" {
				held[name] = l.Holder
			}
		}
		want := map[string]string{names[1]: "a", names[50]: "b", names[100]: "b", names[150]: "b", names[200]: "b"}
		equal(t, "who holds what", want, held)
	}},
	{"what a replica held that lives no more can be taken", func(t *testing.T, s Store) {
		take(t, s, "a", ended, "server/prod", "server/archive")
		equal(t, "who lives", "b onlooker", func() string {
			_, err := s.Renew(t.Context(), "b", long)
			must(t, err)
			return strings.Join(see(t, s).Live, " ")
		}())
		equal(t, "b takes", []lease.Lease{{Name: "server/prod", Holder: "b", Epoch: 2}}, take(t, s, "b", long, "server/prod"))
	}},
	{"one who leaves leaves all at once", func(t *testing.T, s Store) {
		take(t, s, "a", long, "server/prod", "sink/oncall")
		must(t, s.Leave(t.Context(), "a"))
		equal(t, "what is held", map[string]lease.Lease{
			"server/prod": {Name: "server/prod", Epoch: 1}, "sink/oncall": {Name: "sink/oncall", Epoch: 1},
		}, see(t, s).Leases)
	}},
	{"who has lost a lease commits nothing", func(t *testing.T, s Store) {
		mine := s.Held(take(t, s, "a", ended, "server/prod")[0])
		must(t, mine.Restore(t.Context(), "prod", new(remembered)))
		must(t, mine.Commit(t.Context(), &cycle.Outcome{Server: "prod", ServerMemory: bytes("up")}))
		theirs := s.Held(take(t, s, "b", long, "server/prod")[0])
		before := everything(t, s)
		stale := whole()
		stale.Server = "prod"
		if err := mine.Commit(t.Context(), &stale); !errors.Is(err, lease.ErrLost) {
			t.Errorf("Commit of who lost it: got error %v, want lease.ErrLost", err)
		}
		if err := mine.Restore(t.Context(), "prod", new(remembered)); !errors.Is(err, lease.ErrLost) {
			t.Errorf("Restore of who lost it: got error %v, want lease.ErrLost", err)
		}
		equal(t, "the store", before, everything(t, s))
		must(t, theirs.Restore(t.Context(), "prod", new(remembered)))
		must(t, theirs.Commit(t.Context(), &stale))
	}},
	{"a commit whose answer was lost is not made twice", func(t *testing.T, s Store) {
		held := take(t, s, "a", long, "server/prod")[0]
		o := whole()
		o.Server = "prod"
		answered, lost := s.Held(held), s.Held(held)
		must(t, lost.Restore(t.Context(), "prod", new(remembered)))
		must(t, answered.Commit(t.Context(), &o))
		once := everything(t, s)
		must(t, lost.Commit(t.Context(), &o)) // the same one, as if it had not returned
		equal(t, "the store", once, everything(t, s))
		next := cycle.Outcome{Server: "prod", ServerMemory: bytes("later")}
		must(t, lost.Commit(t.Context(), &next))
		equal(t, "what is remembered", []string{"later"}, restore(t, s, "prod").Server)
	}},
	{"a tenure that goes on in other hands knows where it stands", func(t *testing.T, s Store) {
		held := take(t, s, "a", long, "server/prod")[0]
		o := cycle.Outcome{Server: "prod", ServerMemory: bytes("up")}
		must(t, s.Held(held).Commit(t.Context(), &o))
		again := s.Held(held)
		must(t, again.Restore(t.Context(), "prod", new(remembered)))
		must(t, again.Commit(t.Context(), &cycle.Outcome{Server: "prod", ServerMemory: bytes("later")}))
	}},
	{"who takes over a sink is given at once what was in hand there", func(t *testing.T, s Store) {
		first := take(t, s, "a", ended, "sink/hook")[0]
		say(t, s, message("1", "hook", "a"))
		_, _, err := s.Claim(t.Context(), outbox.Request{Sink: "hook", Now: at(0), Limit: 1, Lease: at(60)})
		must(t, err)
		must(t, s.VoidClaims(t.Context(), lease.Lease{Name: "sink/hook", Holder: "b", Epoch: 2}, "hook"))
		equal(t, "Claim by who has not taken over", "", claim(t, s, "hook", 1))
		second := take(t, s, "b", long, "sink/hook")[0]
		must(t, s.VoidClaims(t.Context(), first, "hook"))
		equal(t, "Claim after the first one woke up", "", claim(t, s, "hook", 1))
		must(t, s.VoidClaims(t.Context(), second, "hook"))
		equal(t, "Claim by who has taken over", "1", claim(t, s, "hook", 1))
	}},
}
