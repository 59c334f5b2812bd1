package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"watchdog/alert"
	"watchdog/cycle"
	"watchdog/notify"
	"watchdog/outbox"
)

// Commit keeps everything that one cycle decided, in one transaction. A nil error means that it
// is on the disk; after any other, nothing of it is there. A message whose id is already there
// is not queued again.
func (s *DB) Commit(ctx context.Context, o *cycle.Outcome) error {
	if o.Empty() {
		return nil
	}
	if err := s.write(ctx, func(tx *transaction) error { return commit(tx, o) }); err != nil {
		return fmt.Errorf("commit cycle of %s: %w", o.Server, err)
	}
	return nil
}

func commit(tx *transaction, o *cycle.Outcome) error {
	if o.ServerMemory != nil {
		if err := putServer(tx, o); err != nil {
			return err
		}
	}
	if err := putReplications(tx, o); err != nil {
		return err
	}
	for i := range o.Alerts {
		if err := putAlert(tx, &o.Alerts[i]); err != nil {
			return fmt.Errorf("alert %s of %s: %w", o.Alerts[i].Alert.Rule, o.Alerts[i].Alert.Subject(), err)
		}
	}
	for i := range o.Transitions {
		if err := addTransition(tx, &o.Transitions[i], o.Muted[o.Transitions[i].Fingerprint]); err != nil {
			return fmt.Errorf("transition of %s of %s: %w", o.Transitions[i].Rule, o.Transitions[i].Subject(), err)
		}
	}
	if err := putTold(tx, o); err != nil {
		return err
	}
	if err := tx.takeTurns(sinksOf(o)); err != nil {
		return err
	}
	if len(o.Messages) > 0 {
		if err := tx.notify(MessagesQueued); err != nil {
			return err
		}
	}
	for i := range o.Messages {
		if err := say(tx, &o.Messages[i]); err != nil {
			return fmt.Errorf("message %s to %s: %w", o.Messages[i].ID, o.Messages[i].Sink, err)
		}
	}
	return nil
}

// sinksOf names the sinks that an outcome tells something.
func sinksOf(o *cycle.Outcome) []string {
	var sinks []string
	for i := range o.Messages {
		sinks = append(sinks, o.Messages[i].Sink)
	}
	return sinks
}

func putServer(tx *transaction, o *cycle.Outcome) error {
	memory, err := o.ServerMemory.AppendBinary([]byte{})
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO servers (server, memory, updated_at) VALUES (?, ?, ?)
		ON CONFLICT (server) DO UPDATE SET memory = excluded.memory, updated_at = excluded.updated_at`,
		o.Server, memory, micros(o.At))
	return err
}

func putReplications(tx *transaction, o *cycle.Outcome) error {
	var changed []*cycle.ReplicationChange
	for i := range o.Replications {
		r := &o.Replications[i]
		if r.Memory != nil {
			changed = append(changed, r)
			continue
		}
		if _, err := tx.exec(`DELETE FROM replications WHERE server = ? AND database = ? AND doc_id = ?`,
			o.Server, r.Database, r.DocID); err != nil {
			return fmt.Errorf("replication %s/%s: %w", r.Database, r.DocID, err)
		}
	}
	for rows := maxRows; len(changed) > 0; rows = max(rows/2, 1) {
		for len(changed) >= rows {
			if err := putSome(tx, o.Server, changed[:rows]); err != nil {
				return err
			}
			changed = changed[rows:]
		}
	}
	return nil
}

func putSome(tx *transaction, server string, rows []*cycle.ReplicationChange) error {
	args := make([]any, 1, 1+4*len(rows))
	args[0] = server
	memories := []byte{} // an empty one is no NULL
	for _, r := range rows {
		var err error
		start := len(memories)
		if memories, err = r.Memory.AppendBinary(memories); err != nil {
			return fmt.Errorf("replication %s/%s: %w", r.Database, r.DocID, err)
		}
		args = append(args, r.Database, r.DocID, r.State, memories[start:])
	}
	if _, err := tx.exec(putSomeSQL(len(rows)), args...); err != nil {
		return fmt.Errorf("replication %s/%s and those behind it: %w", rows[0].Database, rows[0].DocID, err)
	}
	return nil
}

func putSomeSQL(rows int) string {
	var b strings.Builder
	b.WriteString(`INSERT INTO replications (server, database, doc_id, state, memory) VALUES `)
	for i := range rows {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "(?1, ?%d, ?%d, ?%d, ?%d)", 4*i+2, 4*i+3, 4*i+4, 4*i+5)
	}
	b.WriteString(` ON CONFLICT (server, database, doc_id) DO UPDATE SET state = excluded.state, memory = excluded.memory`)
	return b.String()
}

func putAlert(tx *transaction, change *cycle.AlertChange) error {
	a := &change.Alert
	if change.Ended {
		_, err := tx.exec(`DELETE FROM alerts WHERE server = ? AND database = ? AND doc_id = ? AND rule = ?`,
			a.Server, a.Database, a.DocID, a.Rule)
		return err
	}
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO alerts (server, database, doc_id, rule, status, severity, starts_at, body)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (server, database, doc_id, rule) DO UPDATE SET status = excluded.status, severity = excluded.severity,
			starts_at = excluded.starts_at, body = excluded.body`,
		a.Server, a.Database, a.DocID, a.Rule, string(a.Status), a.Severity.String(), micros(a.StartsAt), string(body))
	return err
}

// putTold keeps who was told what, and which groups wait.
func putTold(tx *transaction, o *cycle.Outcome) error {
	for _, c := range o.Told {
		var err error
		if c.Body == nil {
			_, err = tx.exec(`DELETE FROM told WHERE server = ? AND key = ?`, o.Server, c.Key)
		} else {
			_, err = tx.exec(`INSERT INTO told (server, key, body) VALUES (?, ?, ?)
				ON CONFLICT (server, key) DO UPDATE SET body = excluded.body`, o.Server, c.Key, string(c.Body))
		}
		if err != nil {
			return fmt.Errorf("who was told, %s: %w", c.Key, err)
		}
	}
	return nil
}

// addTransition keeps what happened; mutedBy is why somebody is not told, empty when everybody
// is.
func addTransition(tx *transaction, t *alert.Transition, mutedBy string) error {
	body, err := json.Marshal(t)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO transitions (at, server, database, doc_id, rule, status, reason, body, muted_by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		micros(t.At), t.Server, t.Database, t.DocID, t.Rule, string(t.Status), string(t.Reason), string(body), mutedBy)
	return err
}

// say queues a message, which the outbox knows as an opaque item.
func say(tx *transaction, m *notify.Message) error {
	payload, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return enqueue(tx, outbox.Item{ID: m.ID, Sink: m.Sink, Keys: m.OrderKeys(), Thread: m.Thread(), Payload: payload, Created: m.At})
}
