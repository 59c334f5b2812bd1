package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"watchdog/cycle"
	"watchdog/notify"
	"watchdog/outbox"
	"watchdog/store"
)

// ofGroup is a message of a group about these alerts, at a second.
func ofGroup(id, group string, second int, fingerprints ...string) notify.Message {
	m := message(id, "hook", fingerprints...)
	m.Group, m.At = map[string]string{"g": group}, at(second)
	for i := range m.Alerts {
		m.Alerts[i].Summary = id
	}
	return m
}

// claimDigest claims what is due for as long as a lease, and gives of each item what it tells:
// "1(1 2) 4(4)".
func claimDigest(t testing.TB, s Store, second, above int) string {
	t.Helper()
	items, _, err := s.Claim(t.Context(), outbox.Request{Sink: "hook", Now: at(second), Limit: 100, Lease: at(second + 60), DigestAbove: above})
	must(t, err)
	var all []string
	for _, item := range items {
		var told []string
		for _, a := range decode(t, item.Payload).Alerts {
			told = append(told, a.Summary)
		}
		all = append(all, fmt.Sprintf("%s(%s)", item.ID, strings.Join(told, " ")))
	}
	return strings.Join(all, " ")
}

func listMerged(t *testing.T, s Store) string {
	t.Helper()
	list, err := s.Deliveries(t.Context(), store.DeliveryFilter{})
	must(t, err)
	var all []string
	for _, d := range slices.Backward(list) {
		one := fmt.Sprintf("%s:%s", d.ID, d.Status)
		if d.Digest {
			one += ":digest"
		}
		if d.MergedInto != "" {
			one += "->" + d.MergedInto
		}
		all = append(all, one)
	}
	return strings.Join(all, " ")
}

var digestTests = []contract{
	{"a backlog of a group over the bound is one item, which tells all in order", func(t *testing.T, s Store) {
		say(t, s, ofGroup("1", "x", 1, "a"), ofGroup("2", "x", 2, "b"), ofGroup("other", "y", 3, "c"), ofGroup("3", "x", 4, "a"))
		equal(t, "Claim", "1(1 2 3) other(other)", claimDigest(t, s, 9, 2))
		equal(t, "Deliveries", "1:queued:digest 2:queued->1 other:queued 3:queued->1", listMerged(t, s))
		backlogs, err := s.Backlogs(t.Context())
		must(t, err)
		equal(t, "Backlogs", []store.Backlog{{Sink: "hook", Waiting: 2, Oldest: at(4)}}, backlogs)
		whole, err := s.Delivery(t.Context(), "1")
		must(t, err)
		equal(t, "Merged", []string{"2", "3"}, whole.Merged)
		part, err := s.Delivery(t.Context(), "3")
		must(t, err)
		equal(t, "MergedInto and Behind", [2]string{"1", ""}, [2]string{part.MergedInto, part.Behind})
	}},
	{"a backlog within the bound is sent as it was said", func(t *testing.T, s Store) {
		say(t, s, ofGroup("1", "x", 1, "a"), ofGroup("2", "x", 2, "b"))
		equal(t, "Claim", "1(1)", claimDigest(t, s, 9, 2))
	}},
	{"what was claimed before keeps its words, and what waits behind it is one item", func(t *testing.T, s Store) {
		say(t, s, ofGroup("1", "x", 1, "a"))
		equal(t, "Claim", "1(1)", claimDigest(t, s, 1, 1))
		say(t, s, ofGroup("2", "x", 2, "b"), ofGroup("3", "x", 3, "a"), ofGroup("4", "x", 4, "b"))
		must(t, s.Note(t.Context(), outbox.Retry("1", at(5), "503", nil)))
		equal(t, "Claim of what was tried", "1(1)", claimDigest(t, s, 5, 1))
		must(t, s.Note(t.Context(), outbox.Sent("1", at(6), nil)))
		equal(t, "Claim after it", "2(2 3 4)", claimDigest(t, s, 6, 1))
	}},
	{"what was claimed by a process that is gone keeps its words", func(t *testing.T, s Store) {
		say(t, s, ofGroup("1", "x", 1, "a"))
		claimDigest(t, s, 1, 1)
		say(t, s, ofGroup("2", "x", 2, "b"), ofGroup("3", "x", 3, "a"))
		equal(t, "Claim when the lease has run out", "1(1)", claimDigest(t, s, 100, 1))
	}},
	{"what was revived keeps its words, and nothing is put over it", func(t *testing.T, s Store) {
		say(t, s, ofGroup("1", "x", 1, "a"), ofGroup("2", "x", 2, "a"))
		must(t, s.Note(t.Context(), outbox.Bury("1", at(2), "410", nil)))
		claimDigest(t, s, 3, 5)
		must(t, s.Note(t.Context(), outbox.Bury("2", at(2), "410", nil)))
		say(t, s, ofGroup("3", "x", 3, "a"), ofGroup("4", "x", 4, "a"))
		must(t, s.RetryDead(t.Context(), at(5), "2"))
		equal(t, "Claim", "2(2)", claimDigest(t, s, 5, 1))
		must(t, s.Note(t.Context(), outbox.Sent("2", at(6), nil)))
		equal(t, "Claim after it", "3(3 4)", claimDigest(t, s, 6, 1))
	}},
	{"a digest overtakes no message of another group about the same alert", func(t *testing.T, s Store) {
		say(t, s, ofGroup("1", "x", 1, "a"), ofGroup("2", "x", 2, "a"), ofGroup("other", "y", 3, "b"), ofGroup("3", "x", 4, "b"), ofGroup("4", "x", 5, "a"))
		equal(t, "Claim", "1(1 2) other(other)", claimDigest(t, s, 9, 1))
		must(t, s.Note(t.Context(), outbox.Sent("1", at(9), nil)))
		equal(t, "Claim while the other is in hand", "", claimDigest(t, s, 9, 1))
		must(t, s.Note(t.Context(), outbox.Sent("other", at(9), nil)))
		equal(t, "Claim after it", "3(3 4)", claimDigest(t, s, 9, 1))
	}},
	{"what is behind a merged message is behind the digest", func(t *testing.T, s Store) {
		say(t, s, ofGroup("1", "x", 1, "a"), ofGroup("2", "x", 2, "b"), ofGroup("other", "y", 3, "b"))
		equal(t, "Claim", "1(1 2)", claimDigest(t, s, 9, 1))
		must(t, s.Note(t.Context(), outbox.Sent("1", at(9), nil)))
		equal(t, "Claim after it", "other(other)", claimDigest(t, s, 9, 1))
	}},
	{"what was merged shares the fate of the digest", func(t *testing.T, s Store) {
		say(t, s, ofGroup("1", "x", 1, "a"), ofGroup("2", "x", 2, "b"))
		claimDigest(t, s, 3, 1)
		must(t, s.Note(t.Context(), outbox.Retry("1", at(4), "503", nil)))
		equal(t, "Deliveries after a failure", "1:retrying:digest 2:retrying->1", listMerged(t, s))
		claimDigest(t, s, 4, 1)
		must(t, s.Note(t.Context(), outbox.Bury("1", at(5), "410", nil)))
		equal(t, "Deliveries after the last one", "1:dead:digest 2:dead->1", listMerged(t, s))
		err := s.RetryDead(t.Context(), at(6), "2")
		if err == nil || !strings.Contains(err.Error(), "told by 1") {
			t.Errorf("RetryDead of what was merged: got error %v, want one that names the digest", err)
		}
		must(t, s.RetryDead(t.Context(), at(6), "1"))
		equal(t, "Deliveries that are retried", "1:queued:digest 2:queued->1", listMerged(t, s))
		equal(t, "Claim", "1(1 2)", claimDigest(t, s, 6, 1))
		must(t, s.Note(t.Context(), outbox.Sent("1", at(7), nil)))
		equal(t, "Deliveries that are sent", "1:sent:digest 2:sent->1", listMerged(t, s))
		n, err := s.Prune(t.Context(), at(8))
		must(t, err)
		equal(t, "Prune", 2, n)
	}},
	{"a digest is as old as the latest that it tells", func(t *testing.T, s Store) {
		say(t, s, ofGroup("1", "x", 1, "a"), ofGroup("2", "x", 50, "b"))
		items, _, err := s.Claim(t.Context(), outbox.Request{Sink: "hook", Now: at(60), Limit: 1, DigestAbove: 1})
		must(t, err)
		equal(t, "Created", at(50), items[0].Created)
		equal(t, "At", at(50), decode(t, items[0].Payload).At)
	}},
	{"a digest holds a thousand, and the next one the others", func(t *testing.T, s Store) {
		var all []notify.Message
		for i := range notify.MaxAlerts/2 + 20 {
			all = append(all, ofGroup(fmt.Sprint(i), "x", i, "a", "b"))
		}
		say(t, s, all...)
		for _, want := range []int{notify.MaxAlerts, 40} {
			items, _, err := s.Claim(t.Context(), outbox.Request{Sink: "hook", Now: at(9999), Limit: 9, DigestAbove: 10})
			must(t, err)
			equal(t, "Claim, items", 1, len(items))
			equal(t, "Claim, alerts", want, len(decode(t, items[0].Payload).Alerts))
			must(t, s.Note(t.Context(), outbox.Sent(items[0].ID, at(9999), nil)))
		}
		equal(t, "Claim", "", claim(t, s, "hook", 9999))
	}},
	{"whatever is claimed, fails and is put together: each alert is told whole and in order", func(t *testing.T, s Store) {
		rapid.Check(t, func(rt *rapid.T) { drainAtRandom(t, rt, s) })
	}},
}

// drainAtRandom says messages of a few groups and alerts while they are claimed, fail and are
// sent, and looks at what the receiver saw. The store is empty before and after.
func drainAtRandom(tb testing.TB, t *rapid.T, s Store) {
	run := time.Now().UnixNano() // so that no id of an earlier run is there
	said, heard := map[string][]string{}, map[string][]string{}
	words := map[string]string{} // of each id, once it was claimed
	n, now := 0, 0
	sayOne := func() {
		n++
		id := fmt.Sprintf("%d/%d", run, n)
		m := ofGroup(id, rapid.SampledFrom([]string{"x", "y"}).Draw(t, "group"), n,
			rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 2, rapid.ID).Draw(t, "alerts")...)
		for _, a := range m.Alerts {
			said[a.Fingerprint] = append(said[a.Fingerprint], id)
		}
		must(t, s.Commit(t.Context(), &cycle.Outcome{Server: "prod", Messages: []notify.Message{m}}))
	}
	work := func(fates int) (claimed int) {
		now += 100
		items, _, err := s.Claim(t.Context(), outbox.Request{Sink: "hook", Now: at(now), Limit: 2, Lease: at(now + 50), DigestAbove: 1})
		must(t, err)
		for _, item := range items {
			payload := string(item.Payload)
			if before, ok := words[item.ID]; ok && before != payload {
				t.Errorf("delivery %s: got\n%s\nwhen it was claimed again, want what it was before\n%s", item.ID, payload, before)
			}
			words[item.ID] = payload
			switch rapid.IntRange(0, fates).Draw(t, "fate") {
			case 2: // it is lost with the one who claimed it
			case 1:
				must(t, s.Note(t.Context(), outbox.Retry(item.ID, at(now+1), "503", nil)))
			case 0:
				must(t, s.Note(t.Context(), outbox.Sent(item.ID, at(now), nil)))
				for _, a := range decode(tb, item.Payload).Alerts {
					heard[a.Fingerprint] = append(heard[a.Fingerprint], a.Summary)
				}
			}
		}
		return len(items)
	}
	for range rapid.IntRange(1, 5).Draw(t, "rounds") {
		for range rapid.IntRange(0, 4).Draw(t, "messages") {
			sayOne()
		}
		work(2)
	}
	for left := 1; left > 0; { // whatever is left is sent
		left = work(0)
	}
	equal(t, "what was told of each alert", said, heard)
}
