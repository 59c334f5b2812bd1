package history

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"watchdog/alert"
	"watchdog/snapshot"
)

// Keeper keeps history: a store.
type Keeper interface {
	// Remembered is what was kept of the replications of a server.
	Remembered(ctx context.Context, server string) ([]Remembered, error)
	// KeepHistory keeps a batch, all or nothing.
	KeepHistory(ctx context.Context, b *Batch) error
	// FoldHistory folds rows that have grown old by a moment into rows of the next level, and
	// gives how many were folded.
	FoldHistory(ctx context.Context, now time.Time) (int, error)
	// History is what was kept of one replication from a time on.
	History(ctx context.Context, of alert.Subject, from time.Time) (*Past, error)
}

// Batch is what is kept at once of one server.
type Batch struct {
	Server string
	Looks  []Span // each is new, or longer than one that is kept with the same beginning
	Rows   []Row
}

// Row is what is kept at once of one replication.
type Row struct {
	Remembered
	Events []Event
	Points []byte    // packed; empty: none
	Begin  time.Time // of the points
}

const (
	// pointsEvery is how often the points of a server are kept: what is lost at most when the process
	// is killed. Each server has its own moments, so that those of many are not written at once.
	pointsEvery = 10 * time.Minute
	// eventsEvery is how often events are kept.
	eventsEvery = 10 * time.Second
	// batchRows bounds a batch, so that a commit never waits for long.
	batchRows = 500
	// queued is how many looks may wait while the keeper writes.
	queued = 256
	// lastWords is how long keeping may take after the daemon was told to stop.
	lastWords = 4 * time.Second
)

// Recorder keeps what it is shown.
type Recorder struct {
	keeper Keeper
	log    *slog.Logger
	looks  chan *snapshot.Snapshot
	missed atomic.Int64 // looks that were dropped, and writes that failed

	mu      sync.Mutex // guards what follows, between Run and those who read
	servers map[string]*server

	failing bool // of Run: the last write failed
}

// server is what the recorder remembers of one server.
type server struct {
	name   string
	tracks []track // ordered by key, as the rows of looks are
	spans  []Span  // that are not kept yet, or not all of them
	whole  bool    // the last look was
	looks  uint32
	kept   time.Time // of Run: up to when points are kept
}

// NewRecorder makes a recorder that keeps nothing before Run.
func NewRecorder(keeper Keeper, log *slog.Logger) *Recorder {
	return &Recorder{keeper: keeper, log: log, looks: make(chan *snapshot.Snapshot, queued), servers: map[string]*server{}}
}

// Observe shows the recorder a look. It does not wait: one that there is no room for is dropped,
// and counted. It may be called by anyone, for each server in the order of the looks.
func (r *Recorder) Observe(s *snapshot.Snapshot) {
	select {
	case r.looks <- s:
	default:
		r.missed.Add(1)
	}
}

// Missed is how many looks were dropped and how many writes failed.
func (r *Recorder) Missed() int64 { return r.missed.Load() }

// Run keeps what it is shown until ctx ends, and then what is left.
func (r *Recorder) Run(ctx context.Context) {
	events, folds := time.NewTicker(eventsEvery), time.NewTicker(pointsEvery)
	defer events.Stop()
	defer folds.Stop()
	for {
		select {
		case s := <-r.looks:
			r.look(ctx, s)
		case <-events.C:
			if kept, err := r.keep(ctx, time.Now()); kept || err != nil {
				r.note(ctx, err)
			}
		case <-folds.C:
			if _, err := r.keeper.FoldHistory(ctx, time.Now()); err != nil {
				r.note(ctx, err)
			}
		case <-ctx.Done():
			r.finish(context.WithoutCancel(ctx))
			return
		}
	}
}

// finish keeps what is left.
func (r *Recorder) finish(ctx context.Context) {
	ctx, done := context.WithTimeout(ctx, lastWords)
	defer done()
	_, err := r.keep(ctx, time.Time{})
	r.note(ctx, err)
}

// look takes in one look.
func (r *Recorder) look(ctx context.Context, s *snapshot.Snapshot) {
	sv, err := r.server(ctx, s.Server)
	if err != nil {
		r.note(ctx, err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	sv.observe(s)
}

// server is a server by its name. Of one that is new, what was kept is read first.
func (r *Recorder) server(ctx context.Context, name string) (*server, error) {
	if sv := r.servers[name]; sv != nil { // only this goroutine changes the map
		return sv, nil
	}
	known, err := r.keeper.Remembered(ctx, name)
	if err != nil {
		return nil, err
	}
	sv := &server{name: name, tracks: make([]track, len(known)), kept: time.Now().Add(-moment(name))}
	for i, k := range known {
		sv.tracks[i] = track{key: k.Key, state: k.State, crashed: max(k.Crashed.Unix(), 0)}
	}
	slices.SortFunc(sv.tracks, byKey) // a store may have an order of its own
	r.mu.Lock()
	defer r.mu.Unlock()
	r.servers[name] = sv
	return sv, nil
}

// observe notes a look. One that was cut short shows nothing for sure.
func (sv *server) observe(s *snapshot.Snapshot) {
	if s.Failed() {
		sv.whole = false
		return
	}
	sv.looks++
	if !sv.whole {
		sv.spans, sv.whole = append(sv.spans, Span{Begin: s.At.Truncate(time.Microsecond)}), true // as stores keep it
	}
	sv.spans[len(sv.spans)-1].End = s.At
	var added []track
	next := 0
	for _, row := range s.Replications {
		for next < len(sv.tracks) && sv.tracks[next].key.Compare(row.Key) < 0 {
			next++
		}
		if next < len(sv.tracks) && sv.tracks[next].key == row.Key {
			sv.tracks[next].observe(row, s.At, sv.looks)
			next++
			continue
		}
		added = append(added, track{})
		added[len(added)-1].observe(row, s.At, sv.looks)
	}
	if len(added) > 0 {
		sv.tracks = append(slices.Grow(sv.tracks, len(added)), added...)
		slices.SortFunc(sv.tracks, byKey)
	}
	if len(sv.tracks) > len(s.Replications) {
		sv.sweep(s)
	}
}

func byKey(a, b track) int { return a.key.Compare(b.key) }

// track is the track of a replication, nil when there is none. It is valid until one is added or
// taken out.
func (sv *server) track(key snapshot.Key) *track {
	i, found := slices.BinarySearchFunc(sv.tracks, key, func(k track, key snapshot.Key) int { return k.key.Compare(key) })
	if !found {
		return nil
	}
	return &sv.tracks[i]
}

// sweep notes what the look did not show.
func (sv *server) sweep(s *snapshot.Snapshot) {
	for i := range sv.tracks {
		k := &sv.tracks[i]
		if k.look == sv.looks {
			continue
		}
		switch answer := s.Asked[k.key]; {
		case answer.Missing:
			k.vanish(s.At)
			k.end(s.At)
		case answer.Replication != nil:
			k.observe(answer.Replication, s.At, sv.looks)
		default:
			k.vanish(s.At)
		}
	}
}

// note logs the first failure in a row, and the end of them.
func (r *Recorder) note(ctx context.Context, err error) {
	switch {
	case err == nil && r.failing:
		r.failing = false
		r.log.Info("history is kept again")
	case err != nil && ctx.Err() == nil:
		r.missed.Add(1)
		if !r.failing {
			r.failing = true
			r.log.Error("history cannot be kept; checks and alerts go on", "err", err)
		}
	}
}

// Past is what is known of one replication from a time on: what is kept, and what is not kept
// yet. It may be called by anyone.
func (r *Recorder) Past(ctx context.Context, of alert.Subject, from time.Time) (*Past, error) {
	recent := r.recent(of) // first, so that nothing falls between the two
	past, err := r.keeper.History(ctx, of, from)
	if err != nil {
		return nil, err
	}
	past.join(recent)
	return past, nil
}

// recent is what is not kept yet of one replication.
func (r *Recorder) recent(of alert.Subject) *Past {
	r.mu.Lock()
	defer r.mu.Unlock()
	sv := r.servers[of.Server]
	if sv == nil {
		return &Past{}
	}
	past := &Past{Looks: slices.Clone(sv.spans)}
	k := sv.track(snapshot.Key{Database: of.Database, DocID: of.DocID})
	if k == nil || k.unkept == nil {
		return past
	}
	past.Events = slices.Clone(k.unkept.events)
	if points, err := Unpack(nil, k.unkept.points); err == nil { // it was packed here
		past.Points = points
	}
	return past
}

// join adds what is newer, and may overlap.
func (p *Past) join(newer *Past) {
	for _, point := range newer.Points {
		if n := len(p.Points); n == 0 || point.second > p.Points[n-1].second {
			p.Points = append(p.Points, point)
		}
	}
	p.Events = append(p.Events, slices.DeleteFunc(newer.Events, func(e Event) bool { return slices.Contains(p.Events, e) })...)
	slices.SortStableFunc(p.Events, func(a, b Event) int { return a.At.Compare(b.At) })
	for _, span := range newer.Looks {
		if n := len(p.Looks); n > 0 && p.Looks[n-1].Begin.Equal(span.Begin) {
			p.Looks[n-1].End = span.End
			continue
		}
		p.Looks = append(p.Looks, span)
	}
}
