package history

import (
	"context"
	"hash/fnv"
	"slices"
	"time"

	"watchdog/snapshot"
)

// moment is how long before pointsEvery has passed for the first time the points of a server are
// kept.
func moment(server string) time.Duration {
	h := fnv.New64a()
	h.Write([]byte(server))
	return time.Duration(h.Sum64() % uint64(pointsEvery)) //nolint:gosec // both fit
}

// keep writes what is not kept yet: the events, and of a server whose moment has come the points
// too. Without a time that is so of every server. Kept says that there was something.
func (r *Recorder) keep(ctx context.Context, now time.Time) (kept bool, err error) {
	for _, sv := range r.servers {
		all := now.IsZero() || now.Sub(sv.kept) >= pointsEvery
		for keys := range slices.Chunk(sv.pending(all), batchRows) {
			if err := r.keepRows(ctx, sv, keys, all); err != nil {
				return kept, err
			}
			kept = true
		}
		if !all {
			continue
		}
		if len(sv.spans) > 0 {
			// The looks come last: a time of which not all is kept stays a gap.
			if err := r.keeper.KeepHistory(ctx, &Batch{Server: sv.name, Looks: sv.spans}); err != nil {
				return kept, err
			}
			kept = true
			r.mu.Lock()
			sv.spans = slices.Clone(sv.spans[len(sv.spans)-1:])
			r.mu.Unlock()
		}
		sv.kept = now
	}
	return kept, nil
}

// pending are the replications of which something is not kept yet.
func (sv *server) pending(all bool) []snapshot.Key {
	var keys []snapshot.Key
	for i := range sv.tracks {
		if u := sv.tracks[i].unkept; u != nil && (all || len(u.events) > 0) {
			keys = append(keys, sv.tracks[i].key)
		}
	}
	return keys
}

// keepRows writes what is not kept yet of some replications. It reads without the lock, as only
// Run writes.
func (r *Recorder) keepRows(ctx context.Context, sv *server, keys []snapshot.Key, all bool) error {
	b := &Batch{Server: sv.name, Rows: make([]Row, 0, len(keys))}
	for _, key := range keys {
		k := sv.track(key)
		row := Row{Remembered: Remembered{Key: key, State: k.state, Crashed: time.Unix(k.crashed, 0).UTC()}, Events: k.unkept.events}
		if all {
			row.Points, row.Begin = k.unkept.points, time.Unix(k.unkept.began, 0).UTC()
		}
		b.Rows = append(b.Rows, row)
	}
	if err := r.keeper.KeepHistory(ctx, b); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	ended := false
	for _, key := range keys {
		k := sv.track(key)
		k.unkept.events = nil
		if all || len(k.unkept.points) == 0 {
			k.unkept = nil
		}
		ended = ended || k.ended()
	}
	if ended {
		sv.tracks = slices.DeleteFunc(sv.tracks, func(k track) bool { return k.ended() })
	}
	return nil
}
