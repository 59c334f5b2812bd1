package notify

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Verdict is what an HTTP status means for a delivery, the same for every sink: nil for
// 2xx; cause as it is for 408, 425, 429 and 5xx, as a *Busy where the receiver said how long to
// wait; cause as a *Refused for the rest, redirects included, since they are not followed.
// retryAfter is the header of that name, in any form; cause tells people what was answered.
func Verdict(status int, retryAfter string, now time.Time, cause error) error {
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == 408, status == 425, status == 429, status >= 500:
		if after := waitOf(retryAfter, now); after > 0 {
			return &Busy{Err: cause, After: after}
		}
		return cause
	default:
		return &Refused{Err: cause}
	}
}

// httpDates are the forms in which RFC 9110 lets a date be written.
var httpDates = [...]string{"Mon, 02 Jan 2006 15:04:05 GMT", time.RFC850, time.ANSIC}

// waitOf reads a Retry-After header: seconds or a date. What cannot be read, or is not ahead,
// is 0; what is too long for a Duration is the longest one.
func waitOf(retryAfter string, now time.Time) time.Duration {
	retryAfter = strings.TrimSpace(retryAfter)
	seconds, err := strconv.ParseInt(retryAfter, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) { // out of range: the nearest number
		return time.Duration(min(max(seconds, 0), math.MaxInt64/int64(time.Second))) * time.Second
	}
	for _, layout := range httpDates {
		if at, err := time.Parse(layout, retryAfter); err == nil {
			return max(at.Sub(now), 0)
		}
	}
	return 0
}
