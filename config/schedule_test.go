package config_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/config"
)

func TestScheduleRuns(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, time.March, 27, 22, 59, 30, 0, time.UTC) // a Friday, two days before summer time
	for text, want := range map[string][]string{
		"@every 30s":                      {"27 23:00:00", "27 23:00:30", "27 23:01:00"},
		"@every 1d":                       {"28 00:00:00", "29 00:00:00", "30 00:00:00"},
		"@hourly":                         {"27 23:00:00", "28 00:00:00", "28 01:00:00"},
		"  */20 * * * * ":                 {"27 23:00:00", "27 23:20:00", "27 23:40:00"},
		"15,45 * * * * *":                 {"27 22:59:45", "27 23:00:15", "27 23:00:45"},
		"0 9 * * mon-fri":                 {"30 07:00:00", "31 07:00:00", "01 07:00:00"},
		"CRON_TZ=UTC 0 9 * * *":           {"28 09:00:00", "29 09:00:00", "30 09:00:00"},
		"TZ=America/New_York 0 9 * * SAT": {"28 13:00:00", "04 13:00:00", "11 13:00:00"},
		"30 2 * * *":                      {"28 01:30:00", "30 00:30:00", "31 00:30:00"}, // 02:30 is skipped on the 29th
	} {
		s, problem := config.ParseSchedule(text, berlin)
		if problem != nil {
			t.Errorf("ParseSchedule(%q) gave %q", text, problem.Message)
			continue
		}
		var got []string
		for at := start; len(got) < 3; {
			at = s.Next(at)
			got = append(got, at.Format("02 15:04:05"))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("runs of %q in Berlin, in UTC (-want +got):\n%s", text, diff)
		}
	}
}

func TestServersOfOneIntervalAreSpreadOverIt(t *testing.T) {
	s, problem := config.ParseSchedule("@every 1m", time.UTC)
	if problem != nil {
		t.Fatal(problem.Message)
	}
	start := time.Date(2026, time.March, 27, 22, 59, 30, 123, time.UTC)
	var bySixth [6]int
	for i := range 600 {
		one := s.Spread(fmt.Sprintf("server%d/all", i))
		first := one.Next(start)
		if gap := first.Sub(start); gap <= 0 || gap > time.Minute {
			t.Fatalf("the first run of server%d comes after %v, want more than 0 and a minute at most", i, gap)
		}
		if second := one.Next(first); second.Sub(first) != time.Minute {
			t.Errorf("the second run of server%d comes %v after the first, want a minute", i, second.Sub(first))
		}
		if again := s.Spread(fmt.Sprintf("server%d/all", i)).Next(first.Add(-time.Nanosecond)); !again.Equal(first) {
			t.Errorf("another process finds %v for server%d, want %v", again, i, first)
		}
		bySixth[first.Second()/10]++
	}
	for i, n := range bySixth {
		if n < 60 || n > 140 {
			t.Errorf("second %d to %d of the minute: %d of 600 servers, want about 100", 10*i, 10*i+9, n)
		}
	}
	named, problem := config.ParseSchedule("*/5 * * * *", time.UTC)
	if problem != nil {
		t.Fatal(problem.Message)
	}
	if got, want := named.Spread("server1/all").Next(start), named.Next(start); !got.Equal(want) {
		t.Errorf("Spread of a schedule that names its instants: the next is %v, want %v", got, want)
	}
}

func TestIntervalIsTheUsualOne(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"@every 90s":          90 * time.Second,
		"*/5 * * * *":         5 * time.Minute,
		"*/7 * * * *":         7 * time.Minute,
		"* * * * * *":         time.Second,
		"*/5 9-17 * * 1-5":    5 * time.Minute,
		"@daily":              24 * time.Hour,
		"0 9 * * mon":         7 * 24 * time.Hour,
		"TZ=UTC 0 0 29 feb *": (4*365 + 1) * 24 * time.Hour,
	} {
		s, problem := config.ParseSchedule(text, time.UTC)
		if problem != nil {
			t.Errorf("ParseSchedule(%q) gave %q", text, problem.Message)
			continue
		}
		if got := s.Interval(); got != want {
			t.Errorf("interval of %q is %v, want %v", text, got, want)
		}
	}
}

func TestScheduleInTheLocalTimeZone(t *testing.T) {
	s, problem := config.ParseSchedule("0 9 * * *", time.Local)
	if problem != nil {
		t.Fatal(problem.Message)
	}
	at := s.Next(time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC))
	if at.Location() != time.UTC || at.In(time.Local).Hour() != 9 {
		t.Errorf("the next run is %v, want nine o'clock local time, in the location that was asked in", at)
	}
}

func FuzzParseSchedule(f *testing.F) {
	for _, text := range []string{
		"@every 30s", "TZ=UTC", "CRON_TZ= * * * * *", "TZ=UTC TZ=UTC * * * *", "0 0 31 2 *", "*/5 9-17 * * 1-5", "@hourly",
		"@every 0.0001s", "1/99999999999999999999 * * * *", "@every 999999999y", ", , , , ,", "0\u00a00 * * *", "@every\u00a01s",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, problem := config.ParseSchedule(text, time.UTC)
		if problem != nil {
			if problem.Offset < 0 || problem.Length < 0 || problem.Offset+problem.Length > len(text) {
				t.Errorf("ParseSchedule(%q) marks %d bytes at %d", text, problem.Length, problem.Offset)
			}
			return
		}
		start := time.Date(2026, time.January, 2, 3, 4, 5, 6, time.UTC)
		if next := s.Next(start); !next.After(start) {
			t.Errorf("ParseSchedule(%q) runs after %v at %v", text, start, next)
		}
		if s.Interval() < time.Second {
			t.Errorf("ParseSchedule(%q) has an interval of %v", text, s.Interval())
		}
	})
}
