package store_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/outbox"
	"watchdog/store"
)

func TestDeliveryAsJSON(t *testing.T) {
	s := open(t, store.Memory)
	if err := s.Commit(t.Context(), alarm(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := s.Note(t.Context(), outbox.Retry(messageID(0), epoch.Add(90*time.Second), "503 Service Unavailable", nil)); err != nil {
		t.Fatal(err)
	}
	list, err := s.Deliveries(t.Context(), store.DeliveryFilter{})
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := json.Marshal(list[0].Alerts)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"id":"dlv_000000000","sink":"oncall","status":"retrying","attempts":1,` +
		`"next_attempt_at":"2026-01-02T03:05:35Z","last_error":"503 Service Unavailable",` +
		`"created_at":"2026-01-02T03:04:05Z","alerts":` + string(alerts) + `}]`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}
