package alert_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
)

func TestFingerprintTellsSubjectsApart(t *testing.T) {
	base := alert.Fingerprint("failed", alert.Subject{Server: "prod", Database: "_replicator", DocID: "orders"})
	if len(base) != 16 {
		t.Errorf("Fingerprint: got %q, want 16 digits", base)
	}
	others := map[string]alert.Subject{
		"another document": {Server: "prod", Database: "_replicator", DocID: "order"},
		"another database": {Server: "prod", Database: "team/_replicator", DocID: "orders"},
		"parts that move":  {Server: "prod", Database: "_replicatororders", DocID: ""},
	}
	for name, s := range others {
		if alert.Fingerprint("failed", s) == base {
			t.Errorf("%s: got the same fingerprint", name)
		}
	}
	if again := alert.Fingerprint("failed", alert.Subject{Server: "prod", Database: "_replicator", DocID: "orders"}); again != base {
		t.Errorf("the same subject: got %q and %q", base, again)
	}
}

// The JSON of a transition is an element of `alerts` in the webhook's body: one flat object.
func TestTransitionMarshalsFlatAndComesBack(t *testing.T) {
	n := int64(3)
	tr := alert.Transition{
		Reason: alert.ReasonNew, At: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC),
		Alert: alert.Alert{
			Status: alert.StatusFiring, Rule: "failed", Severity: alert.Critical, Server: "prod",
			DocID: "orders", ErrorCount: &n, StartsAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		},
	}
	b, err := json.Marshal(tr)
	if err != nil {
		t.Fatal(err)
	}
	var flat map[string]any
	if err := json.Unmarshal(b, &flat); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"status": "firing", "reason": "new", "severity": "critical", "doc_id": "orders",
		"error_count": 3.0, "starts_at": "2026-01-02T03:04:05Z", "ends_at": nil,
	} {
		if got := flat[key]; got != want {
			t.Errorf("%s: got %v, want %v", key, got, want)
		}
	}
	var back alert.Transition
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tr, back); diff != "" {
		t.Errorf("a transition through JSON (-want +got):\n%s", diff)
	}
}

func TestSeverityIsReadByName(t *testing.T) {
	for i, name := range alert.Severities() {
		got, err := alert.ParseSeverity(name)
		if err != nil || got != alert.Severity(i) || got.String() != name {
			t.Errorf("ParseSeverity(%q): got %v, %v", name, got, err)
		}
	}
	if _, err := alert.ParseSeverity("page"); err == nil {
		t.Error("ParseSeverity(page): got no error")
	}
}
