//go:build linux

package fleet_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/internal/chaos"
	"watchdog/internal/fleet"
)

// at is a moment of a run, in seconds.
func at(seconds float64) time.Time {
	return time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC).Add(time.Duration(seconds * float64(time.Second)))
}

// history makes one of lines such as these, where s is a server, a1 and b1 are processes, and @1 is
// an epoch:
//
//	0 a1 takes s@1      the database gives it, and the process says so; also: takes-silently
//	1 a1 says s@1       it only says so
//	2 a1 commits s@1#3  its third commit; the transaction bears the number of the second
//	2 decides s         a transition, by the transaction of that second
//	2 b1 for a1 commits s@1#3  the same, but b1 did it
//	3 a1 gives s@1      it gives the lease back
//	4..10 a1 checks s   every two seconds
//	5-9 a1 fails        cannot work; 5- is for ever; "5-9 fails" is the database
//
// It ends with the last line, in peace for the last two and a half seconds.
func history(film string) *fleet.History {
	h, last := &fleet.History{}, 0.0
	var dead []string
	servers, living := map[string]bool{}, map[string]bool{}
	for line := range strings.SplitSeq(film, ", ") {
		words := strings.Fields(line)
		from, to := span(words[0])
		last = max(last, from, to)
		by := words[1]
		if len(words) > 3 && words[2] == "for" {
			by = words[1]
			words = slices.Delete(words, 1, 3)
		}
		who, does, what := "", words[1], words[len(words)-1]
		if words[1] != "decides" && words[1] != "fails" {
			who, does = words[1], words[2]
		} else if len(words) == 2 {
			what = ""
		}
		if len(words) == 3 && words[2] == "fails" {
			who, does = words[1], "fails"
		}
		living[who] = who != ""
		server, rest, _ := strings.Cut(what, "@")
		epoch, commits, _ := strings.Cut(rest, "#")
		e := fleet.Entry{At: at(from), Lease: "server/" + server, Holder: who, Epoch: number(epoch), Commits: number(commits), Tx: int64(from), By: by}
		word := fleet.Word{Process: who, Said: "lease taken", Lease: e.Lease, Epoch: e.Epoch}
		switch does {
		case "takes":
			h.Trail, h.Words = append(h.Trail, e), append(h.Words, word)
		case "takes-silently", "commits":
			h.Trail = append(h.Trail, e)
		case "says":
			h.Words = append(h.Words, word)
		case "gives":
			e.Holder = ""
			h.Trail = append(h.Trail, e)
		case "decides":
			h.Decided = append(h.Decided, fleet.Decision{Server: server, Tx: int64(from)})
		case "checks":
			servers[server] = true
			for s := from; s <= max(from, to); s += 2 {
				h.Looks = append(h.Looks, fleet.Look{At: at(s), Server: server, Process: who})
			}
		case "fails":
			f := fleet.Fault{Kind: "a fault", Process: who, Began: at(from)}
			if to > 0 {
				f.Over = at(to)
			} else {
				dead = append(dead, who)
			}
			h.Faults = append(h.Faults, f)
		default:
			panic(line)
		}
	}
	for server := range servers {
		h.Servers = append(h.Servers, server)
	}
	for process, lives := range living {
		if lives && !slices.Contains(dead, process) {
			h.Living = append(h.Living, process)
		}
	}
	slices.SortStableFunc(h.Looks, func(a, b fleet.Look) int { return a.At.Compare(b.At) })
	h.Quiet, h.End = at(last-2.5), at(last)
	return h
}

// span reads "4", "4..10", "5-9" or "5-".
func span(text string) (from, to float64) {
	text = strings.Replace(text, "..", "-", 1)
	first, second, _ := strings.Cut(text, "-")
	from, _ = strconv.ParseFloat(first, 64)
	to, _ = strconv.ParseFloat(second, 64)
	return from, to
}

func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

func TestJudge(t *testing.T) {
	for _, tt := range []struct{ name, film, want string }{
		{"one holds and checks", "0 a1 takes s@1, 0..20 a1 checks s", ""},
		{"commits are counted", "0 a1 takes s@1, 1 a1 commits s@1#1, 2 a1 commits s@1#2, 0..20 a1 checks s", ""},
		{"a lease moves in good order", "0 a1 takes s@1, 0..8 a1 checks s, 9 a1 gives s@1, 10 b1 takes s@2, 10..20 b1 checks s", ""},

		{"two hold one epoch", "0 a1 takes s@1, 1 b1 takes s@1, 0..20 a1 checks s", fleet.TwoHolders + ", " + fleet.FalseWord},
		{"one writes in the epoch of another", "0 a1 takes s@1, 1 b1 commits s@1#1, 0..20 a1 checks s", fleet.TwoHolders},
		{"one writes after it gave the lease back", "0 a1 takes s@1, 1 a1 gives s@1, 2 a1 commits s@1#1, 3 a1 takes s@2, 3..20 a1 checks s", fleet.TwoHolders},
		{"an epoch is less than the one before", "0 a1 takes s@2, 1 b1 takes s@1, 0..20 a1 checks s", fleet.Backwards + ", " + fleet.FalseWord},
		{"a commit is counted twice", "0 a1 takes s@1, 1 a1 commits s@1#1, 2 a1 commits s@1#1, 0..20 a1 checks s", fleet.Backwards},
		{"a commit is not counted", "0 a1 takes s@1, 1 a1 commits s@1#2, 0..20 a1 checks s", fleet.Backwards},
		{
			"one writes after another has taken over",
			"0 a1 takes s@1, 1 a1 commits s@1#1, 2 b1 takes s@2, 3 a1 commits s@1#2, 2..20 b1 checks s", fleet.Stale,
		},
		{
			"the commit that is late is the first of its tenure",
			"0 a1 takes s@1, 2 b1 takes s@2, 3 a1 commits s@1#1, 2..20 b1 checks s", fleet.Stale,
		},

		{
			"one writes as if it were the one who has taken over",
			"0 a1 takes s@1, 2 b1 takes s@2, 3 a1 for b1 commits s@2#1, 2..20 b1 checks s", fleet.Stale,
		},

		{"what is decided is in a commit", "0 a1 takes s@1, 1 a1 commits s@1#1, 1 decides s, 0..20 a1 checks s", ""},
		{"what is decided is in no commit", "0 a1 takes s@1, 1 a1 commits s@1#1, 2 decides s, 0..20 a1 checks s", fleet.Unfenced},
		{"what is decided is in the commit of another server", "0 a1 takes s@1, 1 a1 commits r@1#1, 1 decides s, 0..20 a1 checks s", fleet.Unfenced},
		{"what is decided is in the transaction that takes the lease", "1 a1 takes s@1, 1 decides s, 1..20 a1 checks s", fleet.Unfenced},

		{"one says that a lease is its own, and it is not", "0 a1 takes s@1, 1 b1 says s@1, 0..20 a1 checks s", fleet.FalseWord},
		{"one died before it could say that a lease is its own", "0 a1 takes-silently s@1, 0..4 a1 checks s, 5- a1 fails, 9 b1 takes s@2, 9..20 b1 checks s", ""},

		{"a server that nobody ever checked", "0 a1 takes s@1, 0..20 a1 checks s, 0 a1 takes r@1, 1 b1 checks r, 1- b1 fails", fleet.Unwatched},
		{"a pause without any fault", "0 a1 takes s@1, 0..4 a1 checks s, 11..20 a1 checks s", fleet.Unwatched},
		{"checks that do not go on until the end", "0 a1 takes s@1, 0..12 a1 checks s, 20 a1 commits s@1#1", fleet.Unwatched},
		{"a dead one's server is checked in time", "0 a1 takes s@1, 0..4 a1 checks s, 5- a1 fails, 10 b1 takes s@2, 11..20 b1 checks s", ""},
		{"a dead one's server is checked late", "0 a1 takes s@1, 0..4 a1 checks s, 5- a1 fails, 10 b1 takes s@2, 12..20 b1 checks s", fleet.Unwatched},
		{
			"one that is cut off goes on checking, which does not count",
			"0 a1 takes s@1, 0..10 a1 checks s, 5-9 a1 fails, 10 b1 takes s@2, 12..20 b1 checks s", fleet.Unwatched,
		},
		{
			"one that was cut off goes on with what it has lost, which does not count",
			"0 a1 takes s@1, 0..20 a1 checks s, 5-8 a1 fails, 8 b1 takes s@2, 16..20 b1 checks s", fleet.Unwatched + ", " + fleet.Uneven,
		},
		{
			"a pause that began before the fault of another",
			"0 a1 takes s@1, 0..4 a1 checks s, 0 b1 takes r@1, 0..20 b1 checks r, 8-9 b1 fails, 11..20 a1 checks s", fleet.Unwatched,
		},
		{
			"the one who was about to take over dies too",
			"0 a1 takes s@1, 0..4 a1 checks s, 5- a1 fails, 7- b1 fails, 12 c1 takes s@2, 12..20 c1 checks s", "",
		},
		{
			"the database was away as well",
			"0 a1 takes s@1, 0..4 a1 checks s, 5- a1 fails, 6-12 fails, 17 b1 takes s@2, 17..30 b1 checks s", "",
		},
		{"the database was away, and all go on", "0 a1 takes s@1, 0..20 a1 checks s, 5-15 fails", ""},
		{"the database was away, and checks waited for it too long", "0 a1 takes s@1, 0..4 a1 checks s, 5-15 fails, 22..30 a1 checks s", fleet.Unwatched},

		{
			"shares that differ by one",
			"0 a1 takes r@1, 0 a1 takes s@1, 0 b1 takes t@1, 0..20 a1 checks r, 0..20 a1 checks s, 0..20 b1 checks t", "",
		},
		{
			"shares that differ by two",
			"0 b1 takes r@1, 0 b1 gives r@1, 1 a1 takes r@2, 1 a1 takes s@1, 1..20 a1 checks r, 1..20 a1 checks s", fleet.Uneven,
		},
		{
			"one that was dead is not counted",
			"0 c1 takes s@1, 1- c1 fails, 2 a1 takes r@1, 2 a1 takes s@2, 2..20 a1 checks r, 2..20 a1 checks s", "",
		},
		{
			"two check one server in the end",
			"0 a1 takes s@1, 0..20 a1 checks s, 19 b1 checks s", fleet.Uneven,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found, _ := fleet.Judge(history(tt.film), 6*time.Second)
			if got := checks(found); got != tt.want {
				t.Errorf("Judge: got %q, want %q\n%v", got, tt.want, found)
			}
		})
	}
}

func TestJudgeSaysHowLongTheSlowestServerWaited(t *testing.T) {
	_, got := fleet.Judge(history("0 a1 takes s@1, 0..4 a1 checks s, 5- a1 fails, 10 b1 takes s@2, 10.5..20 b1 checks s"), 6*time.Second)
	want := map[string]time.Duration{fleet.NoFault: 2 * time.Second, "a fault": 5500 * time.Millisecond}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the slowest (-want +got):\n%s", diff)
	}
}

func TestJudgeHoldsWhatWasToldAgainstWhatHappened(t *testing.T) {
	h := history("0 a1 takes s@1, 0..20 a1 checks s")
	h.Transitions = []alert.Transition{{At: at(5), Alert: alert.Alert{Status: alert.StatusFiring, DocID: "orders", StartsAt: at(5)}}}
	found, _ := fleet.Judge(h, 6*time.Second)
	if got := checks(found); got != chaos.Lost {
		t.Errorf("Judge of what was decided and not told: got %q, want %q", got, chaos.Lost)
	}
}

func TestAScheduleIsThatOfItsSeed(t *testing.T) {
	all := fleet.Schedule(7, 40, 3*time.Second)
	if diff := cmp.Diff(all[:20], fleet.Schedule(7, 20, 3*time.Second)); diff != "" {
		t.Errorf("the first twenty events of seed 7 (-of forty +of twenty):\n%s", diff)
	}
	if cmp.Equal(all, fleet.Schedule(8, 40, 3*time.Second)) {
		t.Error("seeds 7 and 8 have the same schedule")
	}
	kinds := map[string]bool{}
	for _, e := range all[:7] {
		kinds[e.Kind] = true
	}
	if len(kinds) != 7 {
		t.Errorf("kinds of the first seven faults: got %v, want one of each", kinds)
	}
}

// checks are the names of those that found something, each once, in the order of their declaration.
func checks(found []chaos.Violation) string {
	var all []string
	for _, name := range []string{
		fleet.TwoHolders, fleet.Backwards, fleet.Stale, fleet.Unfenced, fleet.FalseWord, fleet.Unwatched, fleet.Uneven, chaos.Lost,
	} {
		if slices.ContainsFunc(found, func(v chaos.Violation) bool { return v.Check == name }) {
			all = append(all, name)
		}
	}
	if len(all) == 0 && len(found) > 0 {
		return fmt.Sprint(found)
	}
	return strings.Join(all, ", ")
}
