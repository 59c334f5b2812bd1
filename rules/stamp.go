package rules

import (
	"math"
	"time"
)

// stamp is a moment in Unix microseconds, 0 for none. A third of a time.Time, of which each
// remembered replication has a dozen.
type stamp int64

// never is later than every moment.
const never stamp = math.MaxInt64

func stampOf(t time.Time) stamp { return stamp(t.UnixMicro()) }

func (s stamp) time() time.Time { return time.UnixMicro(int64(s)).UTC() }

func (s stamp) add(d time.Duration) stamp { return s + stamp(d.Microseconds()) }

// moved is the moment later by d; none stays none.
func (s stamp) moved(d stamp) stamp {
	if s == 0 {
		return 0
	}
	return max(s+d, 1)
}

func (s stamp) sub(o stamp) time.Duration { return time.Duration(s-o) * time.Microsecond }
