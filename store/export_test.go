package store

import (
	"context"
	"database/sql"
	"io/fs"

	"watchdog/outbox"
)

// ApplicationID marks a file as a store.
const ApplicationID = applicationID

// OpenWith is Open with other migrations.
func OpenWith(ctx context.Context, dsn string, opts Options, migrations fs.FS) (*DB, error) {
	return open(ctx, dsn, opts, migrations)
}

// Writer is the connection that writes.
func (s *DB) Writer() *sql.DB { return s.writer }

// As is the store as another process has it.
func (s *DB) As(holder string) *DB {
	other := *s
	other.holder = holder
	return &other
}

// Add queues items that are no messages.
func (s *DB) Add(ctx context.Context, items ...outbox.Item) error {
	return s.write(ctx, func(tx *transaction) error {
		var sinks []string
		for _, item := range items {
			sinks = append(sinks, item.Sink)
		}
		if err := tx.takeTurns(sinks); err != nil {
			return err
		}
		for _, item := range items {
			if err := enqueue(tx, item); err != nil {
				return err
			}
		}
		return nil
	})
}

// The queries whose plans are tested.
const (
	ClaimSQL            = claimSQL
	NextSQL             = nextSQL
	MoveUpSQL           = moveUpSQL
	StandBehindSQL      = standBehindSQL
	PruneTransitionsSQL = pruneTransitionsSQL
	PruneOutboxSQL      = pruneOutboxSQL
	PruneThreadsSQL     = pruneThreadsSQL
	BacklogsSQL         = backlogsSQL
	HistoryPointsSQL    = historyPointsSQL
	HistoryEventsSQL    = historyEventsSQL
	OldPointsSQL        = oldPointsSQL
	FoldingSQL          = foldingSQL
	PrunePointsSQL      = prunePointsSQL
	PruneEventsSQL      = pruneEventsSQL
	PruneManyEventsSQL  = pruneManyEventsSQL
)

func DeliveriesQuery(f DeliveryFilter) (string, []any)    { return deliveriesQuery(f) }
func TransitionsQuery(f TransitionFilter) (string, []any) { return transitionsQuery(f) }

// CopiedTables are those that Copy copies.
func CopiedTables() []string {
	var names []string
	for _, one := range copied {
		names = append(names, one.table)
	}
	return names
}

// PostgresDialer is how PostgreSQL is connected to.
var PostgresDialer = postgresDialer
