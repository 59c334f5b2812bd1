package store

import (
	"context"
	"fmt"
	"time"

	"watchdog/alert"
)

// TransitionFilter narrows a list of transitions. The zero value takes all.
type TransitionFilter struct {
	Server, Database, DocID, Rule string    // empty: any
	Since, Until                  time.Time // from Since on, before Until; zero: no bound
	Limit                         int       // 0: no limit
}

// Transitions lists what happened, the latest first.
func (s *SQLite) Transitions(ctx context.Context, f TransitionFilter) ([]alert.Transition, error) {
	query, args := transitionsQuery(f)
	list, err := selectJSON[alert.Transition](ctx, s.reader, query, args...)
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
	pruneOutboxSQL      = `DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox WHERE done_at < ? LIMIT ?)`
	pruneSilencesSQL    = `DELETE FROM silences WHERE id IN (SELECT id FROM silences WHERE ends_at < ? LIMIT ?)`
	pruneAcksSQL        = `DELETE FROM acks WHERE fingerprint IN (SELECT fingerprint FROM acks WHERE at < ? LIMIT ?)`
)

// Prune deletes transitions that happened, deliveries that were sent or buried, silences that
// ended, acknowledgements that were made and threads that ended before a time, and gives how many.
// What is queued stays, however old.
func (s *SQLite) Prune(ctx context.Context, before time.Time) (int, error) {
	total := 0
	for _, query := range [...]string{pruneTransitionsSQL, pruneOutboxSQL, pruneSilencesSQL, pruneAcksSQL, pruneThreadsSQL} {
		for n := pruneBatch; n == pruneBatch; {
			err := s.write(ctx, func(tx *transaction) (err error) {
				n, err = tx.exec(query, micros(before), pruneBatch)
				return err
			})
			if err != nil {
				return total, fmt.Errorf("prune store: %w", err)
			}
			total += n
		}
	}
	return total, nil
}
