package rules

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

var durationPart = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)(ms|[smhdwy])`)

var durationUnits = map[string]time.Duration{
	"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour,
	"d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "y": 365 * 24 * time.Hour,
}

// ParseDuration reads a duration as Prometheus writes it: "90s", "1h30m", "90d". A day is 24
// hours, a week 7 days, a year 365 days. It is never negative; "0" needs no unit.
func ParseDuration(text string) (time.Duration, error) {
	if text == "0" {
		return 0, nil
	}
	var total time.Duration
	for rest := text; ; {
		part := durationPart.FindStringSubmatch(rest)
		if part == nil {
			return 0, fmt.Errorf("%q is not a duration: write it like 30s, 10m, 1h30m or 90d", text)
		}
		n, err := strconv.ParseFloat(part[1], 64)
		if err != nil {
			return 0, fmt.Errorf("%q is not a duration: %w", text, err)
		}
		add := n * float64(durationUnits[part[2]])
		if float64(total)+add > float64(1<<63-1) {
			return 0, fmt.Errorf("%q is too long a duration: the longest is about 292 years", text)
		}
		total += time.Duration(add)
		if rest = rest[len(part[0]):]; rest == "" {
			return total, nil
		}
	}
}
