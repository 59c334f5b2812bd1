package snapshot

import (
	"encoding/json"
	"strconv"
	"time"
)

// jsonTime reads a time as any version of CouchDB has written it: text, or Unix seconds.
func jsonTime(value json.RawMessage) (time.Time, bool) {
	if text := jsonText(value); text != nil {
		return parseTime(text)
	}
	seconds, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || seconds < 0 || seconds > maxUnix {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0).UTC(), true
}

// maxUnix is the end of the year 9999, the last that RFC 3339 can say.
const maxUnix = 253402300799

// parseTime reads RFC 3339, at its quickest the form that CouchDB writes,
// "2026-11-24T07:09:47Z".
func parseTime(b []byte) (time.Time, bool) {
	if len(b) == len("2006-01-02T15:04:05Z") && b[4] == '-' && b[7] == '-' && b[10] == 'T' &&
		b[13] == ':' && b[16] == ':' && b[19] == 'Z' {
		year, month, day := digits(b[:4]), digits(b[5:7]), digits(b[8:10])
		hour, minute, second := digits(b[11:13]), digits(b[14:16]), digits(b[17:19])
		if year >= 0 && 1 <= month && month <= 12 && 1 <= day && 0 <= hour && hour < 24 &&
			0 <= minute && minute < 60 && 0 <= second && second < 60 {
			t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
			if t.Day() == day { // the month has that day
				return t, true
			}
		}
	}
	t, err := time.Parse(time.RFC3339, string(b))
	if err != nil {
		return time.Time{}, false
	}
	return t.UTC(), true
}

// digits is the number that b, decimal digits, says; negative when it holds anything else.
func digits(b []byte) int {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}
