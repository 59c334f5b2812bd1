package web

import (
	"context"
	"strconv"
	"sync"
	"time"

	"watchdog/alert"
	"watchdog/history"
)

const (
	sparkStep  = 2 * time.Minute
	sparkSteps = 30
	// sparksFor is how long what was drawn is shown.
	sparksFor = 15 * time.Second
	// sparksKept bounds how many rows are drawn ahead of being asked for again.
	sparksKept = 5000
)

// sparkline is the last hour of a replication in two lines, each "" where nothing is known.
type sparkline struct{ Written, Pending string }

// sparklines draws rows of the table, and keeps what it drew for a while.
type sparklines struct {
	mu    sync.Mutex // guards what follows
	since time.Time
	drawn map[alert.Subject]sparkline
}

// of is the sparkline of a replication; what cannot be read is not drawn.
func (l *sparklines) of(ctx context.Context, from Histories, of alert.Subject, now time.Time) sparkline {
	since := now.UTC().Truncate(sparksFor)
	l.mu.Lock()
	if !since.Equal(l.since) || len(l.drawn) >= sparksKept {
		l.since, l.drawn = since, map[alert.Subject]sparkline{}
	}
	s, found := l.drawn[of]
	l.mu.Unlock()
	if found {
		return s
	}
	in := storyRange{step: sparkStep, n: sparkSteps}.chart(now)
	past, err := from.Past(ctx, of, in.From)
	if err != nil {
		return sparkline{}
	}
	s = sparkline{spark(past.Rates(history.DocsWritten, in)), spark(past.Highest(history.ChangesPending, in))}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.since.Equal(since) {
		l.drawn[of] = s
	}
	return s
}

// spark draws samples in a height of 20, the highest at the top; "" where nothing ever moved, or
// nothing is known.
func spark(samples []history.Sample) string {
	top := 0.0
	for _, s := range samples {
		top = max(top, s.Value)
	}
	if top == 0 {
		return ""
	}
	at := func(i int) int { return 19 - int(18*samples[i].Value/top+.5) }
	joined := func(i int) bool { return i >= 0 && i < len(samples) && samples[i].Known }
	var b []byte
	for i := range samples {
		switch before, after := joined(i-1), joined(i+1); {
		case !samples[i].Known:
			continue
		case before && after && at(i-1) == at(i) && at(i+1) == at(i):
			continue // it goes straight on
		case before:
			b = append(b, 'L')
		default:
			b = append(b, 'M')
		}
		b = strconv.AppendInt(append(strconv.AppendInt(b, int64(i), 10), ' '), int64(at(i)), 10)
		if !joined(i + 1) {
			b = append(b, "h1"...)
		}
	}
	return string(b)
}
