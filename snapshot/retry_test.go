package snapshot_test

import (
	"testing"
	"time"

	"watchdog/snapshot"
)

func TestNextTry(t *testing.T) {
	state := func(s snapshot.State, crashes int64) snapshot.Replication {
		return snapshot.Replication{
			State: s, ErrorCount: crashes, LastUpdated: noon,
			Known: snapshot.Fields(0).With(snapshot.FieldState, snapshot.FieldErrorCount, snapshot.FieldLastUpdated),
		}
	}
	const never = -1
	tests := []struct {
		name string
		r    snapshot.Replication
		want time.Duration // after the crash
	}{
		{"after one crash it waits 30 s", state(snapshot.Crashing, 1), 30 * time.Second},
		{"each further crash in a row doubles the wait", state(snapshot.Crashing, 4), 4 * time.Minute},
		{"alternating events let it count to 10", state(snapshot.Crashing, 10), 4*time.Hour + 16*time.Minute},
		{"it doubles ten times at most", state(snapshot.Crashing, 11), 8*time.Hour + 32*time.Minute},
		{"and no more", state(snapshot.Crashing, 19), 8*time.Hour + 32*time.Minute},
		{"a crash after two healthy minutes is tried again at once", state(snapshot.Crashing, 0), 0},
		{"one that runs has no next try", state(snapshot.Running, 3), never},
		{"one that failed has none", state(snapshot.Failed, 1), never},
		{"nothing is known of nothing", snapshot.Replication{}, never},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at, known := tt.r.NextTry()
			got := at.Sub(noon)
			if !known {
				got = never
			}
			if got != tt.want {
				t.Errorf("NextTry: got %v after the crash, want %v", got, tt.want)
			}
		})
	}
}

func TestNextTryCountsFromTheCrashOfTheHistory(t *testing.T) {
	r := snapshot.Replication{
		State: snapshot.Crashing, ErrorCount: 1, LastUpdated: noon.Add(time.Hour),
		History: []snapshot.Event{{Type: snapshot.Crashed, At: noon}, {Type: snapshot.Started, At: noon}},
		Known:   snapshot.Fields(0).With(snapshot.FieldState, snapshot.FieldErrorCount, snapshot.FieldLastUpdated, snapshot.FieldHistory),
	}
	if at, _ := r.NextTry(); !at.Equal(noon.Add(30 * time.Second)) {
		t.Errorf("NextTry: got %v, want 30 s after the crash at %v", at, noon)
	}
}
