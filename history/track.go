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
	row     *snapshot.Replication // as last seen; nil before the first time
	state   snapshot.State
	crashed int64
	seen    int64   // the last look that showed it
	last    Point   // zero before the first
	open    []byte  // points that are not kept yet
	began   int64   // the first of them
	events  []Event // that are not kept yet
	look    uint64  // the number of the last look that showed it
	gone    bool
}

const (
	// maxOpen bounds the points of a replication that wait to be kept, in bytes: at a look every 30 s
	// over an hour of them. More are thinned.
	maxOpen = 2 << 10
	// rest is after how many seconds a point is kept although nothing moved.
	rest = int64(day / time.Second)
)

// observe notes what a look shows of it.
func (k *track) observe(row *snapshot.Replication, at time.Time, look uint64) {
	k.look, k.gone = look, false
	changed := row != k.row // looks share what did not change
	if changed {
		k.observeEvents(row, at)
		k.row = row
	}
	if p := k.last.next(at, row); changed && !p.same(&k.last) || p.second-k.last.second >= rest {
		k.hold()
		k.add(p)
	}
	k.seen = at.Unix()
}

// vanish notes that a look did not show it.
func (k *track) vanish(at time.Time) {
	if k.last.known == 0 {
		return
	}
	k.hold()
	p := k.last
	p.second, p.known = at.Unix(), 0
	k.add(p)
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

// hold adds the last point again at the look before this one, up to which nothing moved.
func (k *track) hold() {
	if k.last.second != 0 && k.seen > k.last.second {
		p := k.last
		p.second = k.seen
		k.add(p)
	}
}

func (k *track) add(p Point) {
	if len(k.open) >= maxOpen {
		k.thin()
	}
	if len(k.open) == 0 {
		k.began = p.second
	}
	k.open = pack(k.open, k.last, p)
	k.last = p
}

// thin keeps about every second one of the points that wait, and always the last. So a server that
// is looked at every second, or a store that takes nothing for long, costs closeness and never a
// stretch of time.
func (k *track) thin() {
	points, err := Unpack(nil, k.open)
	if err != nil {
		panic(err) // it was packed here
	}
	span := points[len(points)-1].second - points[0].second
	points = Fold(points, time.Duration(2*span/int64(len(points))+1)*time.Second)
	k.open, k.began = Pack(points), points[0].second
}

func (k *track) happened(e Event) {
	k.events = append(k.events, e)
	if extra := len(k.events) - MaxEvents; extra > 0 {
		k.events = append(k.events[:0], k.events[extra:]...)
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
