package store_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/store"
)

// plan is how SQLite runs a query, a line for each step.
func plan(t *testing.T, s *store.DB, query string, args ...any) []string {
	t.Helper()
	rows, err := s.Writer().QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatalf("explain %s: %v", query, err)
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, detail)
	}
	return lines
}

// reads are the steps of a plan that read a table of ours or sort.
func reads(plan []string) (steps []string) {
	for _, line := range plan {
		if !strings.Contains(line, "(subquery") && !strings.Contains(line, "json_each") &&
			(strings.HasPrefix(line, "S") || strings.HasPrefix(line, "USE TEMP")) {
			steps = append(steps, line)
		}
	}
	return steps
}

func TestQueriesReadNoMoreThanTheyMust(t *testing.T) {
	s := open(t, store.Memory)
	unsent, unsentArgs := store.DeliveriesQuery(store.DeliveryFilter{Statuses: []store.Status{store.Queued, store.Dead}})
	one, oneArgs := store.DeliveriesQuery(store.DeliveryFilter{ID: "dlv_1", Statuses: []store.Status{store.Dead}})
	document, documentArgs := store.TransitionsQuery(store.TransitionFilter{Server: "prod", Database: "_replicator", DocID: "orders"})
	since, sinceArgs := store.TransitionsQuery(store.TransitionFilter{Since: epoch})
	for _, test := range []struct {
		name, query string
		args        []any
		want        []string
	}{
		{"a claim", store.ClaimSQL, []any{"oncall", 0, 16, 3600}, []string{
			"SEARCH outbox USING INDEX outbox_ready (sink=? AND next_at=?)", // in order: no sort up to its limit
			"SCAN fresh", // up to that limit
			"USE TEMP B-TREE FOR ORDER BY",
			"SEARCH outbox USING INDEX outbox_ready (sink=? AND next_at>? AND next_at<?)",
			"USE TEMP B-TREE FOR ORDER BY",
			"SCAN due",
			"USE TEMP B-TREE FOR ORDER BY",
			"SEARCH outbox USING INDEX outbox_ready (sink=? AND next_at>?)", // after a clock was set back; else none
			"USE TEMP B-TREE FOR ORDER BY",
			"SCAN astray",
			"USE TEMP B-TREE FOR ORDER BY",
		}},
		{"when the next is due", store.NextSQL, []any{"oncall", 0, 3600}, []string{
			"SEARCH outbox USING INDEX outbox_ready (sink=? AND next_at>? AND next_at<?)",
		}},
		{"moving up", store.MoveUpSQL, []any{1}, []string{
			"SEARCH outbox USING INDEX outbox_behind (behind=?)",
			"SEARCH k USING COVERING INDEX outbox_keys_seq (seq=?)",
			"SEARCH e USING PRIMARY KEY (sink=? AND key=? AND seq<?)",
		}},
		{"standing behind", store.StandBehindSQL, []any{1}, []string{
			"SEARCH outbox USING INTEGER PRIMARY KEY (rowid=?)",
			"SEARCH k USING COVERING INDEX outbox_keys_seq (seq=?)",
			"SEARCH f USING PRIMARY KEY (sink=? AND key=? AND seq>?)",
		}},
		{"what is not sent", unsent, unsentArgs, []string{
			"SCAN outbox USING INDEX outbox_unsent",
			"SEARCH d USING INTEGER PRIMARY KEY (rowid=?)", // what it was merged into
			"SEARCH p USING PRIMARY KEY (sink=?)",
			"USE TEMP B-TREE FOR ORDER BY",
		}},
		{"one delivery", one, oneArgs, []string{
			"SEARCH outbox USING INDEX sqlite_autoindex_outbox_1 (id=?)",
			"SEARCH d USING INTEGER PRIMARY KEY (rowid=?)",
			"SEARCH p USING PRIMARY KEY (sink=?)",
		}},
		{"backlogs", store.BacklogsSQL, nil, []string{
			"SCAN outbox USING COVERING INDEX outbox_unsent",
			"SCAN b", // a row for each sink
			"SEARCH first USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN",
			"SEARCH parked USING PRIMARY KEY (sink=?) LEFT-JOIN",
			"USE TEMP B-TREE FOR ORDER BY",
		}},
		{"the history of a document", document, documentArgs, []string{
			"SEARCH transitions USING INDEX transitions_subject (server=? AND database=? AND doc_id=?)",
		}},
		{"the history since a time", since, sinceArgs, []string{
			"SEARCH transitions USING INDEX transitions_at (at>?)",
		}},
		{"pruning the history", store.PruneTransitionsSQL, []any{0, 1}, []string{
			"SEARCH transitions USING INTEGER PRIMARY KEY (rowid=?)",
			"SEARCH transitions USING COVERING INDEX transitions_at (at<?)",
		}},
		{"pruning deliveries", store.PruneOutboxSQL, []any{0, 1}, []string{
			"SEARCH outbox USING INTEGER PRIMARY KEY (rowid=?)",
			"SEARCH outbox USING COVERING INDEX outbox_done (done_at<?)",
			"SEARCH outbox_keys USING COVERING INDEX outbox_keys_seq (seq=?)",
		}},
		{"pruning threads", store.PruneThreadsSQL, []any{0, 1}, []string{
			"SEARCH threads USING PRIMARY KEY (sink=? AND thread=?)",
			"SEARCH threads USING COVERING INDEX threads_updated_at (updated_at<?)",
			"SCALAR SUBQUERY 1",
			"SEARCH alerts USING PRIMARY KEY", // those that have not ended
		}},
		{"what a replication did", store.HistoryPointsSQL, []any{1, 1, 0}, []string{
			"SEARCH history_points USING PRIMARY KEY (replication=? AND begins_at>?)",
			"SCALAR SUBQUERY 1",
			"SEARCH history_points USING PRIMARY KEY (replication=? AND begins_at<?)",
			"USE TEMP B-TREE FOR LAST TERM OF ORDER BY",
		}},
		{"what happened to it", store.HistoryEventsSQL, []any{1, 1, 0, 0}, []string{
			"SEARCH history_events USING PRIMARY KEY (replication=? AND at>?)",
			"SCALAR SUBQUERY 1",
			"SEARCH history_events USING PRIMARY KEY (replication=? AND at<?)",
			"USE TEMP B-TREE FOR LAST TERM OF ORDER BY",
		}},
		{"which points are to be folded", store.OldPointsSQL, []any{0, 0, 1}, []string{
			"SEARCH history_points USING COVERING INDEX history_points_age (level=? AND begins_at<?)",
		}},
		{"folding points", store.FoldingSQL, []any{1, 0, 0, 1}, []string{
			"SEARCH history_points USING PRIMARY KEY (replication=? AND begins_at>? AND begins_at<?)",
		}},
		{"pruning points", store.PrunePointsSQL, []any{0, 0, 1}, []string{
			"SEARCH history_points USING PRIMARY KEY (replication=? AND begins_at=? AND level=?)",
			"SEARCH history_points USING COVERING INDEX history_points_age (level=? AND begins_at<?)",
		}},
		{"pruning events", store.PruneEventsSQL, []any{0, 1}, []string{
			"SEARCH history_events USING PRIMARY KEY (replication=? AND at=? AND kind=?)",
			"SEARCH history_events USING COVERING INDEX history_events_at (at<?)",
		}},
		{"events of one that flaps", store.PruneManyEventsSQL, []any{1, 1, 1}, []string{
			"SEARCH history_events USING PRIMARY KEY (replication=? AND at<?)",
			"SCALAR SUBQUERY 1",
			"SEARCH history_events USING PRIMARY KEY (replication=?)",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, reads(plan(t, s, test.query, test.args...))); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}
