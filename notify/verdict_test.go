package notify_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"watchdog/notify"
)

func TestVerdict(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const (
		retried = time.Duration(0)
		taken   = time.Duration(-1)
		refused = time.Duration(-2)
		longest = math.MaxInt64 / time.Second * time.Second
	)
	for _, c := range []struct {
		name       string
		status     int
		retryAfter string
		want       time.Duration // a wait, or one of the above
	}{
		{"200 is taken", 200, "", taken},
		{"299 is taken", 299, "", taken},
		{"a redirect is refused", 307, "", refused},
		{"a redirect that asks to wait is refused", 301, "5", refused},
		{"400 is refused", 400, "", refused},
		{"404 that asks to wait is refused", 404, "5", refused},
		{"499 is refused", 499, "", refused},
		{"408 is tried again", 408, "", retried},
		{"425 is tried again", 425, "", retried},
		{"429 is tried again", 429, "", retried},
		{"500 is tried again", 500, "", retried},
		{"599 is tried again", 599, "", retried},
		{"seconds are waited for", 429, "7", 7 * time.Second},
		{"seconds are waited for after a 503", 503, " 120 ", 2 * time.Minute},
		{"a date is waited for", 503, "Fri, 02 Jan 2026 03:05:05 GMT", time.Minute},
		{"an old form of date is waited for", 503, "Friday, 02-Jan-26 03:05:05 GMT", time.Minute},
		{"the oldest form of date is waited for", 503, "Fri Jan  2 03:05:05 2026", time.Minute},
		{"a date that has passed is no wait", 503, "Fri, 02 Jan 2026 03:04:04 GMT", retried},
		{"no wait at all", 429, "0", retried},
		{"a negative wait is no wait", 429, "-5", retried},
		{"half a second is not a number of seconds", 429, "0.5", retried},
		{"rubbish is no wait", 429, "soon", retried},
		{"a wait longer than a duration can be is the longest", 429, "9999999999999", longest},
		{"a wait that is no 64-bit number is the longest", 429, "99999999999999999999999", longest},
	} {
		t.Run(c.name, func(t *testing.T) {
			cause := errors.New("what was answered")
			err := notify.Verdict(c.status, c.retryAfter, now, cause)

			got := retried
			var busy *notify.Busy
			var no *notify.Refused
			switch {
			case err == nil:
				got = taken
			case errors.As(err, &no):
				got = refused
			case errors.As(err, &busy):
				got = busy.After
			}
			if got != c.want {
				t.Errorf("Verdict(%d, %q): got %v (%v), want %v", c.status, c.retryAfter, got, err, c.want)
			}
			if err != nil && !errors.Is(err, cause) {
				t.Errorf("Verdict(%d, %q): got %v, want it to hold %v", c.status, c.retryAfter, err, cause)
			}
		})
	}
}
