package rules

import (
	"slices"
	"sort"

	"watchdog/snapshot"
)

// summed are the counters that only rise while a job lives, of which increase and rate can be
// asked. Order and length are part of the stored form.
var summed = [...]snapshot.Field{
	snapshot.FieldDocsRead,
	snapshot.FieldDocsWritten,
	snapshot.FieldDocWriteFailures,
	snapshot.FieldRevisionsChecked,
	snapshot.FieldMissingRevisionsFound,
	snapshot.FieldBulkGetDocs,
	snapshot.FieldBulkGetAttempts,
}

// seriesSteps is into how many steps a window is divided: a rise is placed in time to within
// one of them, which bounds what is remembered whatever the schedule.
const seriesSteps = 64

// follow says which counter a rule looks at, and how far back.
type follow struct {
	counter int // index into summed
	window  stamp
}

// series is how one counter rose over one window. It is replaced, never changed.
type series struct {
	follow
	value int64 // the last one given
	total int64 // all rises since it was first given
	// points are the totals as of moments in which they rose, oldest first; the first is from
	// before the window, or from when the counter was first given.
	points []point
}

type point struct {
	at    stamp
	total int64
}

// observe is the series after one more value. A counter that went down started anew, and has
// risen from 0 since, as Prometheus has it.
func (s series) observe(value int64, at stamp) series {
	if len(s.points) == 0 {
		return series{follow: s.follow, value: value, points: []point{{at: at}}}
	}
	rise := value - s.value
	if rise < 0 {
		rise = value
	}
	s.value = value
	if rise == 0 {
		return s
	}
	s.total += rise
	points := s.points[max(0, s.base(at)):]
	last := len(points) - 1
	if last > 0 && at-points[last].at < s.window/seriesSteps {
		points = points[:last] // within one step the later moment stands for both
	}
	s.points = append(slices.Clone(points), point{at, s.total})
	return s
}

// base is the index of the last point from before the window, -1 when there is none.
func (s *series) base(at stamp) int {
	return sort.Search(len(s.points), func(i int) bool { return s.points[i].at > at-s.window }) - 1
}

// increase is by how much the counter rose within the window, and until when that holds if it
// does not move. Where it has not been followed for the whole window it is a lower bound.
func (s *series) increase(at stamp) (n int64, whole bool, until stamp) {
	base := s.base(at)
	until = never
	if base+1 < len(s.points) {
		until = s.points[base+1].at + s.window
	}
	from := s.points[max(0, base)]
	return s.total - from.total, base >= 0, until
}

// observeSeries brings up to date what is followed, and forgets what is not any more.
func (p *past) observeSeries(row *snapshot.Replication, following []follow, at stamp) {
	if len(following) == 0 && len(p.series) == 0 {
		return
	}
	next := make([]series, len(following))
	for i, f := range following {
		next[i].follow = f
		if old := p.followed(f); old != nil {
			next[i] = *old
		}
		if field := summed[f.counter]; row.Has(field) {
			next[i] = next[i].observe(int64(counterValue(row, field)), at)
		}
	}
	p.series = next
}

func (p *past) followed(f follow) *series {
	for i := range p.series {
		if p.series[i].follow == f {
			return &p.series[i]
		}
	}
	return nil
}
