package storetest

import (
	"context"
	"testing"
	"time"

	"watchdog/alert"
	"watchdog/cycle"
	"watchdog/notify"
	"watchdog/outbox"
	"watchdog/store"
)

// remembered is everything that was restored of one server.
type remembered struct {
	Server       []string // each time that it was given
	Replications []string // "database/doc_id memory"
	Alerts       []alert.Alert
	Told         []string // "key body"
}

func (r *remembered) RestoreTold(key string, body []byte) error {
	r.Told = append(r.Told, key+" "+string(body))
	return nil
}

func (r *remembered) RestoreServer(memory []byte) error {
	r.Server = append(r.Server, string(memory))
	return nil
}

func (r *remembered) RestoreReplication(database, docID string, memory []byte) error {
	r.Replications = append(r.Replications, database+"/"+docID+" "+string(memory))
	return nil
}

func (r *remembered) RestoreAlert(a alert.Alert) { r.Alerts = append(r.Alerts, a) }

func restore(t testing.TB, s Store, server string) remembered {
	t.Helper()
	var r remembered
	must(t, s.Restore(t.Context(), server, &r))
	return r
}

// contents are all that can be read of a store.
type contents struct {
	Prod        remembered
	Alerts      []alert.Alert
	Transitions []alert.Transition
	Deliveries  []store.Delivery
	Backlogs    []store.Backlog
}

func everything(t testing.TB, s Store) (c contents) {
	t.Helper()
	c.Prod = restore(t, s, "prod")
	var err error
	c.Alerts, err = s.Alerts(t.Context())
	must(t, err)
	c.Transitions, err = s.Transitions(t.Context(), store.TransitionFilter{})
	must(t, err)
	c.Deliveries, err = s.Deliveries(t.Context(), store.DeliveryFilter{})
	must(t, err)
	c.Backlogs, err = s.Backlogs(t.Context())
	must(t, err)
	return c
}

// whole is an outcome with something in every part.
func whole() cycle.Outcome {
	return cycle.Outcome{
		ServerMemory: bytes("up"),
		Replications: []cycle.ReplicationChange{
			change("orders", "crashing", bytes("orders: 3 crashes")),
			change("audit", "running", bytes("\x00\xff")),
			{Database: "team/_replicator", DocID: "orders", Memory: bytes("theirs")},
		},
		Alerts:      []cycle.AlertChange{{Alert: firing("replication-stalled", "orders")}, {Alert: firing("replication-failed", "orders")}},
		Transitions: []alert.Transition{transition("replication-failed", "orders", 0)},
		Messages:    []notify.Message{message("dlv_1", "oncall", "a")},
		Told:        []notify.MemoryChange{{Key: "told b", Body: []byte(`{"b":1}`)}, {Key: "told a", Body: []byte(`{}`)}},
	}
}

var stateTests = []contract{
	{"an unknown server has an empty state", func(t *testing.T, s Store) {
		equal(t, "Restore", remembered{}, restore(t, s, "prod"))
		state, err := s.Load(t.Context(), "prod")
		must(t, err)
		equal(t, "Load, name", "prod", state.Server())
	}},
	{"what was committed is given back in order", func(t *testing.T, s Store) {
		commit(t, s, whole())
		equal(t, "Restore", remembered{
			Server:       []string{"up"},
			Replications: []string{"_replicator/audit \x00\xff", "_replicator/orders orders: 3 crashes", "team/_replicator/orders theirs"},
			Alerts:       []alert.Alert{firing("replication-failed", "orders"), firing("replication-stalled", "orders")},
			Told:         []string{"told a {}", `told b {"b":1}`},
		}, restore(t, s, "prod"))
	}},
	{"a later value replaces the earlier one", func(t *testing.T, s Store) {
		commit(t, s, whole())
		resolving := firing("replication-failed", "orders")
		resolving.Severity = alert.Warning
		commit(t, s, cycle.Outcome{
			ServerMemory: bytes("down"),
			Replications: []cycle.ReplicationChange{change("orders", "running", bytes("orders: fine"))},
			Alerts:       []cycle.AlertChange{{Alert: resolving}},
			Told:         []notify.MemoryChange{{Key: "told a", Body: []byte(`{"a":2}`)}},
		})
		equal(t, "Restore", remembered{
			Server:       []string{"down"},
			Replications: []string{"_replicator/audit \x00\xff", "_replicator/orders orders: fine", "team/_replicator/orders theirs"},
			Alerts:       []alert.Alert{resolving, firing("replication-stalled", "orders")},
			Told:         []string{`told a {"a":2}`, `told b {"b":1}`},
		}, restore(t, s, "prod"))
	}},
	{"what ended is forgotten", func(t *testing.T, s Store) {
		commit(t, s, whole())
		commit(t, s, cycle.Outcome{
			Replications: []cycle.ReplicationChange{change("orders", "", nil), change("nobody", "", nil)},
			Alerts: []cycle.AlertChange{
				{Alert: alert.Alert{Rule: "replication-failed", Server: "prod", Database: "_replicator", DocID: "orders"}, Ended: true},
				{Alert: firing("replication-stalled", "nobody"), Ended: true},
			},
			Told: []notify.MemoryChange{{Key: "told b"}, {Key: "told nobody"}},
		})
		equal(t, "Restore", remembered{
			Server:       []string{"up"},
			Replications: []string{"_replicator/audit \x00\xff", "team/_replicator/orders theirs"},
			Alerts:       []alert.Alert{firing("replication-stalled", "orders")},
			Told:         []string{"told a {}"},
		}, restore(t, s, "prod"))
	}},
	{"an empty memory is given back empty", func(t *testing.T, s Store) {
		commit(t, s, cycle.Outcome{ServerMemory: bytes(""), Replications: []cycle.ReplicationChange{change("orders", "", bytes(""))}})
		equal(t, "Restore", remembered{Server: []string{""}, Replications: []string{"_replicator/orders "}}, restore(t, s, "prod"))
	}},
	{"servers and names with any characters keep apart", func(t *testing.T, s Store) {
		names := []string{"prod", "Prod", "prod'", `pr"od`, "pr%d", "prød", "prod "}
		for _, name := range names {
			commit(t, s, cycle.Outcome{Server: name, ServerMemory: bytes(name), Replications: []cycle.ReplicationChange{
				{Database: name + "/_replicator", DocID: name, Memory: bytes(name)},
			}})
		}
		for _, name := range names {
			equal(t, "Restore of "+name, remembered{
				Server: []string{name}, Replications: []string{name + "/_replicator/" + name + " " + name},
			}, restore(t, s, name))
		}
	}},
	{"one replication is loaded alone", func(t *testing.T, s Store) {
		mine := firing("replication-failed", "orders")
		commit(t, s, cycle.Outcome{
			Replications: []cycle.ReplicationChange{change("audit", "running", bytes("not to be read"))},
			Alerts:       []cycle.AlertChange{{Alert: mine}, {Alert: firing("replication-failed", "audit")}},
		})
		got, err := s.LoadReplication(t.Context(), mine.Subject())
		must(t, err)
		equal(t, "alerts", []alert.Alert{mine}, got.Alerts())
		commit(t, s, cycle.Outcome{Replications: []cycle.ReplicationChange{change("orders", "failed", bytes("damaged"))}})
		if _, err := s.LoadReplication(t.Context(), mine.Subject()); err == nil {
			t.Error("LoadReplication of what cannot be read: got no error")
		}
	}},
	{"alerts are listed over all servers", func(t *testing.T, s Store) {
		down := alert.Alert{Status: alert.StatusPending, Rule: "server-unreachable", Server: "archive", StartsAt: epoch}
		commit(t, s, whole())
		commit(t, s, cycle.Outcome{Server: "archive", Alerts: []cycle.AlertChange{{Alert: down}}})
		got, err := s.Alerts(t.Context())
		must(t, err)
		equal(t, "Alerts", []alert.Alert{down, firing("replication-failed", "orders"), firing("replication-stalled", "orders")}, got)
	}},
	{"an outcome of which one part fails leaves everything as it was", testAtomicity},
	{"a commit whose context has ended is none", func(t *testing.T, s Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		o := whole()
		o.Server = "prod"
		if err := s.Commit(ctx, &o); err == nil {
			t.Error("Commit: got no error")
		}
		equal(t, "the store", contents{}, everything(t, s))
	}},
	{"a commit that has begun is finished or undone when its context ends", func(t *testing.T, s Store) {
		ctx, cancel := context.WithCancel(t.Context())
		var want remembered
		if s.Commit(ctx, &cycle.Outcome{Server: "prod", ServerMemory: ending(cancel), Replications: whole().Replications[:1]}) == nil {
			want = remembered{Server: []string{"ended"}, Replications: []string{"_replicator/orders orders: 3 crashes"}}
		}
		equal(t, "Restore", want, restore(t, s, "prod"))
	}},
	{"a name and an error may hold what no text holds", func(t *testing.T, s Store) {
		commit(t, s, cycle.Outcome{Replications: []cycle.ReplicationChange{
			{Database: "a\x00b/_replicator", DocID: "\x00 ' ?1 \\ %", State: "\x00", Memory: bytes("x")},
		}})
		equal(t, "Restore", remembered{Replications: []string{"a\x00b/_replicator/\x00 ' ?1 \\ % x"}}, restore(t, s, "prod"))
		say(t, s, message("1", "hook", "a"))
		must(t, s.Note(t.Context(), outbox.Retry("1", at(1), "400: \xff\x00", nil)))
		equal(t, "Deliveries", "1:retrying", listDeliveries(t, s, store.DeliveryFilter{}))
	}},
}

// ending is a memory that ends a context when it is written.
type ending context.CancelFunc

func (e ending) AppendBinary(to []byte) ([]byte, error) {
	e()
	return append(to, "ended"...), nil
}

func testAtomicity(t *testing.T, s Store) {
	commit(t, s, whole())
	before := everything(t, s)
	unwritable := time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) // no RFC 3339 for this year
	for name, spoil := range map[string]func(o *cycle.Outcome){
		"server":      func(o *cycle.Outcome) { o.ServerMemory = broken{} },
		"replication": func(o *cycle.Outcome) { o.Replications[1].Memory = broken{} },
		"alert":       func(o *cycle.Outcome) { o.Alerts[1].Alert.StartsAt = unwritable },
		"transition":  func(o *cycle.Outcome) { o.Transitions[0].At = unwritable },
		"message":     func(o *cycle.Outcome) { o.Messages[1].At = unwritable },
	} {
		bad := cycle.Outcome{
			Server: "prod", At: at(30), ServerMemory: bytes("other"),
			Replications: []cycle.ReplicationChange{change("orders", "", nil), change("new", "", bytes("new"))},
			Alerts:       []cycle.AlertChange{{Alert: firing("replication-failed", "new")}, {Alert: firing("replication-failed", "orders")}},
			Transitions:  []alert.Transition{transition("replication-failed", "new", 30)},
			Messages:     []notify.Message{message("dlv_2", "oncall", "a"), message("dlv_3", "oncall", "a")},
		}
		spoil(&bad)
		if err := s.Commit(t.Context(), &bad); err == nil {
			t.Errorf("Commit with a bad %s: got no error", name)
		}
		equal(t, "the store after a bad "+name, before, everything(t, s))
	}
	commit(t, s, whole())
}
