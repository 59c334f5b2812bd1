package history

import (
	"strings"
	"time"
	"unicode/utf8"

	"watchdog/snapshot"
)

// Remembered is what a store knows of a replication when the recorder begins.
type Remembered struct {
	Key     snapshot.Key
	State   snapshot.State
	Crashed time.Time // its last crash that is known; zero: none
}

// track is what the recorder remembers of one replication. Times are in seconds since 1970, to
// keep it small.
type track struct {
	key     snapshot.Key
	row     *snapshot.Replication // as last seen; nil before the first time, and when it was not there
	state   snapshot.State
	crashed int64
	seen    int64  // the last look that showed it
	told    int64  // the last point that was noted, of what row shows; 0 before the first
	look    uint32 // the number of the last look that showed it
	gone    bool
	unkept  *unkept // nil while all is kept, as of most it is
}

// unkept is what is not kept yet of one replication.
type unkept struct {
	points []byte // packed
	began  int64  // the first of them
	events []Event
}

const (
	// maxOpen bounds the points of a replication that wait to be kept, in bytes: at a look every 30 s
	// over an hour of them. More are thinned.
	maxOpen = 2 << 10
	// rest is after how many seconds a point is kept although nothing moved.
	rest = int64(day / time.Second)
)

// observe notes what a look shows of it.
func (k *track) observe(row *snapshot.Replication, at time.Time, look uint32) {
	k.look, k.gone = look, false
	changed := row != k.row // looks share what did not change
	if !changed && at.Unix()-k.told < rest {
		k.seen = at.Unix()
		return
	}
	last := k.last()
	if changed {
		k.key = row.Key // which shares the memory of its text
		k.observeEvents(row, at)
	}
	if p := NewPoint(at, row); !p.same(&last) || p.second-last.second >= rest {
		k.hold(&last)
		k.add(&last, p)
	}
	k.row, k.seen = row, at.Unix()
}

// vanish notes that a look did not show it.
func (k *track) vanish(at time.Time) {
	p := k.last()
	if p.known == 0 {
		return
	}
	k.hold(&p)
	k.add(&p, Point{second: at.Unix()})
	k.row = nil
}

// end notes that it was deleted.
func (k *track) end(at time.Time) {
	if k.gone {
		return
	}
	k.gone, k.state = true, ""
	k.happened(Event{At: at, Kind: Gone})
}

// ended reports whether it was deleted, and all of it is kept.
func (k *track) ended() bool { return k.gone && k.unkept == nil }

// last is the point that was noted last, zero before the first: what the row says.
func (k *track) last() Point {
	p := Point{second: k.told}
	if k.row != nil {
		p = NewPoint(time.Unix(k.told, 0), k.row)
	}
	return p
}

// hold adds the last point again at the look before this one, up to which nothing moved.
func (k *track) hold(last *Point) {
	if last.second == 0 || k.seen <= last.second {
		return
	}
	before := *last
	last.second = k.seen
	k.add(&before, *last)
}

// add adds a point after another.
func (k *track) add(before *Point, p Point) {
	u := k.open()
	if len(u.points) >= maxOpen {
		u.thin()
	}
	if len(u.points) == 0 {
		u.began = p.second
	}
	u.points, k.told = pack(u.points, *before, p), p.second
}

// open is what is not kept, to add something.
func (k *track) open() *unkept {
	if k.unkept == nil {
		k.unkept = &unkept{}
	}
	return k.unkept
}

// thin keeps about every second one of the points that wait, and always the last. So a server that
// is looked at every second, or a store that takes nothing for long, costs closeness and never a
// stretch of time.
func (u *unkept) thin() {
	points, err := Unpack(nil, u.points)
	if err != nil {
		panic(err) // it was packed here
	}
	span := points[len(points)-1].second - points[0].second
	points = Fold(points, time.Duration(2*span/int64(len(points))+1)*time.Second)
	u.points, u.began = Pack(points), points[0].second
}

func (k *track) happened(e Event) {
	u := k.open()
	u.events = append(u.events, e)
	if extra := len(u.events) - MaxEvents; extra > 0 {
		u.events = append(u.events[:0], u.events[extra:]...)
	}
}

func (k *track) observeEvents(row *snapshot.Replication, at time.Time) {
	if row.Has(snapshot.FieldHistory) {
		known := k.crashed
		for i := len(row.History) - 1; i >= 0; i-- { // the oldest first
			e := &row.History[i]
			if e.Type == snapshot.Crashed && e.At.Unix() > known {
				k.happened(Event{At: e.At, Kind: Crash, Error: short(e.Reason)})
				k.crashed = e.At.Unix()
			}
		}
	}
	if !row.Has(snapshot.FieldState) || row.State == k.state {
		return
	}
	e := Event{At: at, Kind: State, State: row.State}
	if k.state == "" && row.Has(snapshot.FieldLastUpdated) && row.LastUpdated.Before(at) {
		e.At = row.LastUpdated // seen for the first time: the server's own word says since when
	}
	if row.Has(snapshot.FieldError) && row.State != snapshot.Running {
		e.Error = short(row.Error)
	}
	k.state = row.State
	k.happened(e)
}

// short is the beginning of a long text, cut between two characters.
func short(text string) string {
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return strings.Clone(text[:end]) + "…"
}
