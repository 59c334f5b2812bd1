package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestHowLateALookBegan(t *testing.T) {
	due := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(seconds float64) time.Time { return due.Add(time.Duration(seconds * float64(time.Second))) }
	for _, tt := range []struct {
		name   string
		asked  []float64 // seconds after the first look is due
		late   []time.Duration
		missed int
	}{
		{"each at its time", []float64{0.01, 60.02, 120.03}, []time.Duration{10 * time.Millisecond, 20 * time.Millisecond, 30 * time.Millisecond}, 0},
		{"one that begins after the next was due is missed", []float64{0, 121, 121.5}, []time.Duration{0, time.Second}, 1},
		{"one that the doorbell began counts for nothing", []float64{0, 58, 60, 120}, []time.Duration{0, 0, 0}, 0},
		{"what is asked without a rest is of one look", []float64{0, 59.9, 60, 60.1, 120}, []time.Duration{0, 0}, 1},
		{"nothing", nil, nil, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := &member{name: "prod"}
			for _, s := range tt.asked {
				m.note(at(s))
			}
			c := &crowd{members: []*member{m}}
			got := c.punctual(map[string]time.Time{"prod": due}, time.Minute, at(180))
			if diff := cmp.Diff(tt.late, got.late); diff != "" || got.missed != tt.missed {
				t.Errorf("punctual: %d missed, want %d; late (-want +got):\n%s", got.missed, tt.missed, diff)
			}
		})
	}
}

func TestTheShareThatIsOnTimeCountsWhatWasMissed(t *testing.T) {
	p := punctuality{late: []time.Duration{0, time.Second, time.Second + 1}, missed: 1}
	if got := p.within(time.Second); got != 0.5 {
		t.Errorf("within a second: got %v, want 2 of 4", got)
	}
}

func TestProcessesAreReadWhateverTheirName(t *testing.T) {
	got, err := parseStat([]byte("42 (a) S 1 (b) R 7 42 42 0 -1 4194560 1 2 3 4 100 20 30 4 20 0 1 0 5 6 7\n"))
	if want := (stat{parent: 7, own: 120, ended: 34}); err != nil || got != want {
		t.Errorf("parseStat: got %+v and %v, want %+v", got, err, want)
	}
	if _, err := parseStat([]byte("42 (a) S 1")); err == nil {
		t.Error("parseStat of a short line: got no error")
	}
}
