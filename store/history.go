package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"watchdog/alert"
	"watchdog/history"
)

// TransitionFilter narrows a list of transitions. The zero value takes all.
type TransitionFilter struct {
	Server, Database, DocID, Rule string    // empty: any
	Since, Until                  time.Time // from Since on, before Until; zero: no bound
	Limit                         int       // 0: no limit
}

// Transitions lists what happened, the latest first.
func (s *DB) Transitions(ctx context.Context, f TransitionFilter) ([]alert.Transition, error) {
	query, args := transitionsQuery(f)
	list, err := decode[alert.Transition](s.reads(ctx), query, args...)
	if err != nil {
		return nil, fmt.Errorf("list transitions: %w", err)
	}
	return list, nil
}

func transitionsQuery(f TransitionFilter) (string, []any) {
	var w where
	for _, is := range [...]struct{ column, value string }{
		{"server", f.Server}, {"database", f.Database}, {"doc_id", f.DocID}, {"rule", f.Rule},
	} {
		if is.value != "" {
			w.and(is.column+" = ?", is.value)
		}
	}
	if !f.Since.IsZero() {
		w.and("at >= ?", micros(f.Since))
	}
	if !f.Until.IsZero() {
		w.and("at < ?", micros(f.Until))
	}
	return `SELECT body FROM transitions` + w.String() + ` ORDER BY at DESC, id DESC` + limitSQL(f.Limit), w.args
}

// pruneBatch is how many rows go in one transaction, so that a commit never waits for long.
const pruneBatch = 1000

const (
	pruneTransitionsSQL = `DELETE FROM transitions WHERE id IN (SELECT id FROM transitions WHERE at < ? LIMIT ?)`
	pruneOutboxSQL      = `DELETE FROM outbox WHERE +done_at < ?1 AND seq IN (SELECT seq FROM outbox WHERE done_at < ?1 LIMIT ?2)`
	pruneSilencesSQL    = `DELETE FROM silences WHERE +ends_at < ?1 AND id IN (SELECT id FROM silences WHERE ends_at < ?1 LIMIT ?2)`
	// pruneAcksSQL keeps what may be of an alert that still fires: it is at least as old as that.
	pruneAcksSQL = `DELETE FROM acks WHERE fingerprint IN (SELECT fingerprint FROM acks WHERE at < ?
		AND at < ` + firesSinceSQL + ` LIMIT ?)`
	pruneEventsSQL = `DELETE FROM history_events WHERE (replication, at, kind) IN (SELECT replication, at, kind FROM history_events WHERE at < ? LIMIT ?)`
	pruneLooksSQL  = `DELETE FROM history_looks WHERE (server, begins_at) IN (SELECT server, begins_at FROM history_looks WHERE ends_at < ? LIMIT ?)`
	prunePointsSQL = `DELETE FROM history_points WHERE (replication, begins_at, level) IN
		(SELECT replication, begins_at, level FROM history_points WHERE level = ? AND begins_at < ? LIMIT ?)`
	// pruneReplicationsSQL deletes those of which nothing is left: one that is watched has a point a
	// day.
	pruneReplicationsSQL = `DELETE FROM history_replications WHERE replication IN (SELECT replication FROM history_replications h
		WHERE NOT EXISTS (SELECT 1 FROM history_points p WHERE p.replication = h.replication)
			AND NOT EXISTS (SELECT 1 FROM history_events e WHERE e.replication = h.replication) LIMIT ?)`
)

// firesSinceSQL is since when the alert fires that does so longest; the end of time when none does.
const firesSinceSQL = `coalesce((SELECT min(starts_at) FROM alerts WHERE status = 'firing'), 9223372036854775807)`

// Prune deletes transitions that happened, deliveries that were sent or buried, silences that
// ended, acknowledgements that were made, threads that ended, history of replications and what others saw before a
// time, and gives how many. What is queued stays, however old, and so does what people said of an
// alert that fires.
func (s *DB) Prune(ctx context.Context, before time.Time) (int, error) {
	old := micros(before)
	steps := []pruneStep{
		{pruneTransitionsSQL, []any{old}},
		{pruneOutboxSQL, []any{old}},
		{pruneSilencesSQL, []any{old}},
		{pruneAcksSQL, []any{old}},
		{pruneThreadsSQL, []any{old}},
		{pruneEventsSQL, []any{old}},
		{pruneLooksSQL, []any{old}},
		{pruneSightsSQL, []any{old}},
	}
	for level, l := range history.Levels { // a row is old when all of its points are
		steps = append(steps, pruneStep{prunePointsSQL, []any{level, micros(before.Add(-l.Row))}})
	}
	total := 0
	for _, step := range append(steps, pruneStep{pruneReplicationsSQL, nil}) {
		n, err := s.prune(ctx, step)
		if total += n; err != nil {
			return total, fmt.Errorf("prune store: %w", err)
		}
	}
	return total, nil
}

// pruneStep deletes what is old of one table. Its last argument, how many at once, is added.
type pruneStep struct {
	query string
	args  []any
}

func (s *DB) prune(ctx context.Context, step pruneStep) (total int, err error) {
	for n := pruneBatch; n == pruneBatch; total += n {
		err := s.write(ctx, func(tx *transaction) (err error) {
			n, err = tx.exec(step.query, append(slices.Clone(step.args), pruneBatch)...)
			return err
		})
		if err != nil {
			return total, err
		}
	}
	return total, nil
}
