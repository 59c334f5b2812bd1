package config

import (
	"strconv"
	"strings"
	"time"

	"watchdog/diag"
)

// Rate is how many messages may begin in a time. That many may begin at once; after that one
// more begins each time that its share of the time has passed. The zero value is no limit.
type Rate struct {
	Count int
	Per   time.Duration
}

// noLimit is how a limit that a sink has by default is taken away.
const noLimit = "none"

var rateUnits = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}

// parseRate reads "1/s", "30/m", "100/h"; "" and "none" are no limit.
func parseRate(text string) (Rate, bool) {
	if text == "" || text == noLimit {
		return Rate{}, true
	}
	number, unit, _ := strings.Cut(text, "/")
	n, err := strconv.Atoi(strings.TrimSpace(number))
	per := rateUnits[strings.TrimSpace(unit)]
	return Rate{n, per}, err == nil && n > 0 && per > 0
}

func rateProblem(text string) diag.Problem {
	return diag.Problemf("rate_limit", "write a number for each s, m or h, as 1/s or 30/m; or none", "%q is not a rate", text)
}
