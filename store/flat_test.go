package store_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"watchdog/cycle"
	"watchdog/history"
	"watchdog/notify"
	"watchdog/outbox"
	"watchdog/rules"
	"watchdog/snapshot"
	"watchdog/store"
)

// What is older than the retention gives its place to what is new: a store is as large after a
// week as after some days, though every other hour brings replications that never were before, which
// fail, crash, recover, are silenced and acknowledged, and are deleted.
func TestAStoreDoesNotGrowOnceItsRetentionHasPassed(t *testing.T) {
	const (
		retention = 24 * time.Hour
		days      = 9
		early     = 4 // the day at whose end everything is as old as it becomes
	)
	s := open(t, newFile(t))
	if _, err := s.Writer().ExecContext(t.Context(), "PRAGMA synchronous = OFF"); err != nil {
		t.Fatal(err)
	}
	state, err := s.Load(t.Context(), "prod")
	if err != nil {
		t.Fatal(err)
	}
	a := &ageing{T: t, store: s, cycle: watchful(t), state: state}
	var pages, rows []int // at the end of each day
	for day := range days {
		for hour := 0; hour < 24; hour += 2 {
			a.hour(epoch.Add(time.Duration(day*24+hour) * time.Hour))
			_, err := s.Prune(t.Context(), a.now.Add(-retention))
			a.must(err)
		}
		pages, rows = append(pages, pragma(t, s, "page_count")), append(rows, a.rows())
	}
	if a.sent < days*20 || rows[early] < 100 {
		t.Errorf("in %d days %d messages were sent, and %d rows are kept: that tells nothing", days, a.sent, rows[early])
	}
	for what, each := range map[string][]int{"pages": pages, "rows": rows} {
		if got, most := each[days-1], each[early]*103/100; got > most {
			t.Errorf("%s after %d days: got %d, want at most %d; day by day: %d", what, days, got, most, each)
		}
	}
}

// watchful decides much.
func watchful(t *testing.T) *cycle.Cycle {
	t.Helper()
	var compiled []*rules.Rule
	for _, spec := range []rules.Spec{
		{Name: "failed", Severity: "critical", When: `state == "failed"`},
		{Name: "crashing", When: `state == "crashing"`, KeepFiringFor: time.Minute},
		{Name: "stalled", When: `stalled("10m")`},
	} {
		rule, problems := rules.Compile(spec)
		if rule == nil {
			t.Fatalf("Compile %s: %v", spec.Name, problems)
		}
		compiled = append(compiled, rule)
	}
	router, _ := notify.NewRouter(notify.Spec{Routes: []notify.RouteSpec{
		{To: []string{"slack"}, GroupBy: []string{"rule"}, Continue: true},
		{To: []string{"oncall"}, GroupBy: []string{"doc_id"}, RepeatInterval: 5 * time.Minute},
	}})
	return &cycle.Cycle{Rules: rules.NewSet(rules.SetSpec{Rules: compiled}), Router: router}
}

// ageing is a store while time passes.
type ageing struct {
	*testing.T
	store *store.DB
	cycle *cycle.Cycle
	state *cycle.State
	now   time.Time
	sent  int
}

func (a *ageing) must(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

// hour lets four replications live, and be deleted in the end; a fifth is watched all the time.
func (a *ageing) hour(from time.Time) {
	hour := from.Format("0102T15")
	for i, states := range [][]string{
		{"running", "initializing", "running", "pending"},
		{"failed", "crashing", "running", "running"},
		{"failed", "crashing", "failed", "running"},
		{"running", "running", "failed", "completed"},
		nil,
	} {
		a.now = from.Add(time.Duration(i) * 10 * time.Minute)
		docs := []string{row("always", "running", a.now)}
		asked := map[string]json.RawMessage{}
		for n := range 4 {
			name := fmt.Sprint(hour, "-", n)
			if states == nil {
				asked["_replicator/"+name] = json.RawMessage("404")
				continue
			}
			docs = append(docs, row(name, states[n], a.now))
		}
		a.look(docs, asked)
		if i == 2 {
			a.speak(hour)
		}
		for _, sink := range []string{"slack", "oncall"} {
			a.deliver(sink)
		}
	}
}

func row(doc, state string, at time.Time) string {
	return fmt.Sprintf(`{"database":"_replicator","doc_id":%q,"id":null,"node":"n","source":"http://a/","target":"http://b/",`+
		`"state":%q,"info":{"docs_read":%d},"error_count":0,"last_updated":%q,"start_time":"2026-01-01T00:00:00Z"}`,
		doc, state, at.Unix(), at.Format(time.RFC3339))
}

// look is a check, and what history keeps of it.
func (a *ageing) look(docs []string, asked map[string]json.RawMessage) {
	line := snapshot.Line{
		T: a.now, Server: "prod", Asked: asked, Jobs: json.RawMessage(`{"jobs":[]}`), Docs: json.RawMessage(`{"docs":[` + strings.Join(docs, ",") + `]}`),
	}
	snap, err := line.Snapshot(nil)
	a.must(err)
	standing, err := a.store.Standing(a.Context(), a.now)
	a.must(err)
	outcome := a.cycle.Step(a.state, snap, standing)
	a.must(a.store.Commit(a.Context(), outcome))
	a.state.Apply(outcome)

	known, err := a.store.Remembered(a.Context(), "prod")
	a.must(err)
	gone := map[snapshot.Key]history.Remembered{}
	for _, one := range known {
		gone[one.Key] = one
	}
	batch := &history.Batch{Server: "prod", Looks: []history.Span{{Begin: a.now, End: a.now.Add(time.Minute)}}}
	for _, r := range snap.Replications {
		row := history.Row{Points: history.Pack([]history.Point{history.NewPoint(a.now, r)}), Begin: a.now}
		row.Key, row.State = r.Key, r.State
		row.Events = []history.Event{{At: a.now, Kind: history.State, State: r.State}}
		batch.Rows = append(batch.Rows, row)
		delete(gone, row.Key)
	}
	for key := range gone {
		row := history.Row{Remembered: history.Remembered{Key: key}, Events: []history.Event{{At: a.now, Kind: history.Gone}}}
		batch.Rows = append(batch.Rows, row)
	}
	a.must(a.store.KeepHistory(a.Context(), batch))
	_, err = a.store.FoldHistory(a.Context(), a.now)
	a.must(err)
}

// speak is what people say in an hour: a silence, and who has what fires.
func (a *ageing) speak(hour string) {
	a.must(a.store.PutSilence(a.Context(), &notify.Silence{
		Match: map[string][]string{"doc_id": {hour + "-2"}}, StartsAt: a.now, EndsAt: a.now.Add(time.Minute), CreatedBy: "me",
	}))
	firing, err := a.store.Alerts(a.Context())
	a.must(err)
	for i := range firing {
		a.must(a.store.Acknowledge(a.Context(), firing[i].Fingerprint, notify.Ack{By: "me", At: a.now}))
	}
}

// deliver sends all that waits for a sink that remembers its threads.
func (a *ageing) deliver(sink string) {
	for {
		items, _, err := a.store.Claim(a.Context(), outbox.Request{Sink: sink, Now: a.now, Limit: 10, Lease: a.now.Add(time.Minute)})
		a.must(err)
		if len(items) == 0 {
			return
		}
		for i := range items {
			a.must(a.store.Note(a.Context(), outbox.Sent(items[i].ID, a.now, []byte("posted at "+items[i].ID))))
			a.sent++
		}
	}
}

// rows is how many there are in all tables.
func (a *ageing) rows() (n int) {
	var count string
	a.must(a.store.Writer().QueryRowContext(a.Context(),
		`SELECT group_concat('SELECT count(*) AS n FROM ' || name, ' UNION ALL ') FROM sqlite_schema WHERE type = 'table'`).Scan(&count))
	a.must(a.store.Writer().QueryRowContext(a.Context(), "SELECT sum(n) FROM ("+count+")").Scan(&n))
	return n
}
