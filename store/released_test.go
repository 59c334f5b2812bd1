package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/cycle"
	"watchdog/notify"
	"watchdog/outbox"
	"watchdog/rules"
	"watchdog/snapshot"
	"watchdog/store"
)

// released is a copy of a store that a released version wrote: testdata/schema-N.db is of one
// whose schema was N. The daemon of that version watched four replications: orders failed and
// recovered, audit failed and somebody has it, mail crashes and is silenced. Of three sinks one is
// told, one is away, one refuses. The last check failed. How the next one is written is said at
// release.
func released(t *testing.T, schema int) *store.DB {
	t.Helper()
	path := newFile(t)
	if err := os.WriteFile(path, []byte(read(t, fmt.Sprintf("testdata/schema-%d.db", schema))), 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, path)
}

// eachReleased runs a test on each of them, after which everything that it decided is past.
func eachReleased(t *testing.T, test func(t *testing.T, s *store.DB, after time.Time)) {
	t.Helper()
	files, err := filepath.Glob("testdata/schema-*.db")
	if err != nil || len(files) < 2 {
		t.Fatalf("released stores: got %v, %v", files, err)
	}
	for _, file := range files {
		var schema int
		if _, err := fmt.Sscanf(filepath.Base(file), "schema-%d.db", &schema); err != nil {
			t.Fatal(err)
		}
		t.Run(fmt.Sprint("schema ", schema), func(t *testing.T) {
			s := released(t, schema)
			alerts, err := s.Alerts(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var after time.Time
			for i := range alerts {
				after = latest(after, alerts[i].StartsAt.Add(time.Minute))
			}
			test(t, s, after)
		})
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func TestEveryReleasedStoreIsOpenedAndMigrated(t *testing.T) {
	eachReleased(t, func(t *testing.T, s *store.DB, _ time.Time) {
		if got, want := pragma(t, s, "user_version"), len(steps(t)); got != want {
			t.Errorf("version: got %d, want %d", got, want)
		}
	})
}

func TestAReleasedStoreKeepsAllItHas(t *testing.T) { eachReleased(t, keepsAll) }

func keepsAll(t *testing.T, s *store.DB, after time.Time) {
	check := func(what string, got, want []string) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	alerts, err := s.Alerts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range alerts {
		got = append(got, fmt.Sprint(alerts[i].Rule, " of ", alerts[i].Subject(), " ", alerts[i].Status, ": ", alerts[i].Error))
	}
	check("alerts", got, []string{
		"replication-failed of prod/_replicator/audit firing: duplicate of orders",
		"replication-crashing of prod/_replicator/mail pending: db_not_found: could not open mail",
	})

	happened, err := s.Transitions(t.Context(), store.TransitionFilter{})
	if err != nil {
		t.Fatal(err)
	}
	got = nil
	for i := range happened {
		got = append(got, fmt.Sprint(happened[i].DocID, " ", happened[i].Status, " ", happened[i].Reason))
	}
	check("transitions", got, []string{"orders resolved resolved", "audit firing new", "orders firing new"})

	deliveries, err := s.Deliveries(t.Context(), store.DeliveryFilter{})
	if err != nil {
		t.Fatal(err)
	}
	got = nil
	for _, d := range deliveries {
		cause, _, _ := strings.Cut(strings.TrimPrefix(d.LastError, "post to http://127.0.0.1:15985"), ":")
		got = append(got, fmt.Sprint(d.Sink, " ", d.Status, " ", d.Attempts > 0, " ", cause, " ", d.Alerts[0].DocID, " ", d.Alerts[0].Status))
	}
	check("deliveries", got, []string{
		"refuses dead true /refuses orders resolved", "oncall sent true  orders resolved", "away queued false  orders resolved",
		"refuses dead true /refuses audit firing", "away retrying true /down audit firing", "oncall sent true  audit firing",
		"refuses dead true /refuses orders firing", "away retrying true /down orders firing", "oncall sent true  orders firing",
	})

	standing, err := s.Standing(t.Context(), after)
	if err != nil {
		t.Fatal(err)
	}
	got = nil
	for _, silence := range standing.Silences {
		got = append(got, fmt.Sprint(silence.Match, " by ", silence.CreatedBy, ": ", silence.Comment))
	}
	check("silences", got, []string{"map[doc_id:[mail]] by somebody: known"})
	if ack := standing.Acks[alerts[0].Fingerprint]; ack.By != "somebody" {
		t.Errorf("who has the alert of audit: got %q, want somebody", ack.By)
	}
}

// What waits is sent in its order: the end of orders' alert behind its beginning.
func TestWhatWaitsInAReleasedStoreIsSentInOrder(t *testing.T) {
	eachReleased(t, func(t *testing.T, s *store.DB, after time.Time) {
		var got []string
		for range 3 {
			items, _, err := s.Claim(t.Context(), outbox.Request{Sink: "away", Now: after.Add(time.Hour), Limit: 10, Lease: after.Add(2 * time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			for i := range items {
				d, err := s.Delivery(t.Context(), items[i].ID)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, fmt.Sprint(d.Alerts[0].DocID, " ", d.Alerts[0].Status, ", tried before: ", items[i].Attempts > 0))
				if err := s.Note(t.Context(), outbox.Sent(items[i].ID, after.Add(time.Hour), nil)); err != nil {
					t.Fatal(err)
				}
			}
		}
		want := []string{"orders firing, tried before: true", "audit firing, tried before: true", "orders resolved, tried before: false"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("claimed of a sink that was away (-want +got):\n%s", diff)
		}
	})
}

// What was told is not told again by this version, and what it remembers of the past is used.
func TestDecidingGoesOnWhereAReleasedVersionStopped(t *testing.T) {
	eachReleased(t, func(t *testing.T, s *store.DB, after time.Time) {
		state, err := s.Load(t.Context(), "prod")
		if err != nil {
			t.Fatal(err)
		}
		decider := releasedCycle(t)
		if got := told(decider, state, "failed", after); got != "" {
			t.Errorf("told while nothing has changed: got %q, want nothing", got)
		}
		want := "audit resolved at away, audit resolved at oncall, audit resolved at refuses"
		if got := told(decider, state, "running", after.Add(time.Minute)); got != want {
			t.Errorf("told when audit has recovered: got %q, want %q", got, want)
		}
	})
}

func releasedCycle(t *testing.T) *cycle.Cycle {
	t.Helper()
	var compiled []*rules.Rule
	for _, spec := range []rules.Spec{
		{Name: "replication-failed", Severity: "critical", When: `state == "failed"`},
		{Name: "replication-crashing", When: `state == "crashing"`, For: time.Hour},
	} {
		rule, problems := rules.Compile(spec)
		if rule == nil {
			t.Fatalf("Compile %s: %v", spec.Name, problems)
		}
		compiled = append(compiled, rule)
	}
	router, _ := notify.NewRouter(notify.Spec{Routes: []notify.RouteSpec{{To: []string{"oncall", "away", "refuses"}, GroupBy: []string{"doc_id"}}}})
	return &cycle.Cycle{Rules: rules.NewSet(rules.SetSpec{Rules: compiled}), Router: router}
}

// told is what a check says in which audit is in a state, and all others are as they were.
func told(decider *cycle.Cycle, state *cycle.State, audit string, at time.Time) string {
	var docs []string
	for _, doc := range [][2]string{{"audit", audit}, {"invoices", "running"}, {"mail", "crashing"}, {"orders", "running"}} {
		docs = append(docs, fmt.Sprintf(`{"database":"_replicator","doc_id":%q,"id":null,"node":"n","source":"http://127.0.0.1:15984/%[1]s/",`+
			`"target":"http://127.0.0.1:15984/%[1]s_copy/","state":%q,"info":null,"error_count":0,"last_updated":"2026-11-24T18:40:00Z",`+
			`"start_time":"2026-11-24T18:40:00Z"}`, doc[0], doc[1]))
	}
	line := fmt.Sprintf(`{"t":%q,"server":"prod","docs":{"total_rows":4,"offset":0,"docs":[%s]},"jobs":{"total_rows":0,"offset":0,"jobs":[]}}`,
		at.Format(time.RFC3339Nano), strings.Join(docs, ","))
	snap, err := snapshot.NewReader(strings.NewReader(line)).Next()
	if err != nil {
		return err.Error()
	}
	outcome := decider.Step(state, snap, nil)
	state.Apply(outcome)
	var said []string
	for _, m := range outcome.Messages {
		for i := range m.Alerts {
			said = append(said, fmt.Sprintf("%s %s at %s", m.Alerts[i].DocID, m.Alerts[i].Status, m.Sink))
		}
	}
	return strings.Join(said, ", ")
}
