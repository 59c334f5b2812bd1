package watch_test

import (
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"watchdog/watch"
)

func TestAClockThatWasSetIsNoticed(t *testing.T) {
	for _, tt := range []struct {
		name               string
		wall, passed, want time.Duration
	}{
		{"nobody set it", time.Minute, time.Minute, 0},
		{"it drifts", time.Minute + 20*time.Millisecond, time.Minute, 0},
		{"it was set forward", time.Hour + time.Minute, time.Minute, time.Hour},
		{"it was set back", time.Minute - time.Hour, time.Minute, -time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := watch.Setting(tt.wall, tt.passed); got != tt.want {
				t.Errorf("setting of a clock that went on by %s in %s: got %s, want %s", tt.wall, tt.passed, got, tt.want)
			}
		})
	}
}

// A time that only the wall clock knows would be waited for twice where that is set back.
func TestTheNextCheckComesByTheClockThatNobodySets(t *testing.T) {
	schedule, err := cron.ParseStandard("0 3 * * *")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	got, want := watch.Steady(schedule, now), schedule.Next(now.Round(0))
	if !got.Equal(want) {
		t.Errorf("Next(%s): got %s, want %s", now, got, want)
	}
	if got.String() == got.Round(0).String() {
		t.Errorf("Next(%s): got %s, which has no reading of the monotonic clock", now, got)
	}
	if never := watch.Steady(&cron.SpecSchedule{Location: time.UTC}, now); !never.IsZero() {
		t.Errorf("Next of a schedule that never comes: got %s, want none", never)
	}
}
