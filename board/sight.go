package board

import (
	"bytes"
	"compress/flate"
	"encoding/gob"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"time"

	"watchdog/snapshot"
)

// Sight is what a replica sees of a server that it watches, as it is written down for the others.
// Only this package knows what the bytes say.
type Sight struct {
	Head []byte
	// Parts are the replications, in up to 32 parts by the sum of their names, so that little is
	// written where little changed: those that are not as they were written before.
	Parts map[int][]byte
}

const (
	// sightParts is part of the written form, as is the order of snapshot.Field: sightFormat is
	// raised with either.
	sightParts  = 32
	sightFormat = 1
)

// head is a server but for its replications.
type head struct {
	Format       int
	Replica      string
	Looked, Seen time.Time
	Version      string
	Error        string // why the last look was cut short, "" when it was whole
	FailingSince time.Time
	States       map[string]int
	Checks       []headCheck
}

// headCheck is a Check, its error as a text.
type headCheck struct {
	Check
	Error string
}

// Sight writes down what a replica sees of a server, nil before the first look. Written are the
// replications that were written before; nil: none were.
func (v *View) Sight(replica string, written *snapshot.Snapshot) (*Sight, error) {
	if v.Looked == nil {
		return nil, nil //nolint:nilnil // there is nothing to see
	}
	h := head{
		Format: sightFormat, Replica: replica, Looked: v.Looked.At, Seen: v.Seen.At, Version: v.Looked.Version,
		FailingSince: v.FailingSince, States: v.States,
	}
	if err := v.Looked.Err(); err != nil {
		h.Error = err.Error()
	}
	for _, c := range v.Checks {
		one := headCheck{Check: c}
		if c.Err != nil {
			one.Err, one.Error = nil, c.Err.Error()
		}
		h.Checks = append(h.Checks, one)
	}
	s := &Sight{Parts: map[int][]byte{}}
	p, err := newPacker()
	if err == nil {
		s.Head, err = p.pack(h)
	}
	for part, rows := range differing(written, v.Seen) {
		if err == nil {
			s.Parts[part], err = p.pack(rows)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("write down server %s: %w", v.Server, err)
	}
	return s, nil
}

// differing are the parts that are not as they were, whole.
func differing(before, now *snapshot.Snapshot) map[int][]*snapshot.Replication {
	if before == now {
		return nil
	}
	changed := map[int][]*snapshot.Replication{}
	if before == nil {
		for part := range sightParts {
			changed[part] = nil
		}
	} else {
		markDiffering(changed, before.Replications, now.Replications)
	}
	for _, r := range now.Replications {
		part := partOf(r.Key)
		if rows, differs := changed[part]; differs {
			changed[part] = append(rows, r)
		}
	}
	return changed
}

// markDiffering notes the parts of what came, went or changed. Both lists are in order, and looks
// share what did not change.
func markDiffering(changed map[int][]*snapshot.Replication, before, now []*snapshot.Replication) {
	for len(before) > 0 || len(now) > 0 {
		order := 0
		switch {
		case len(now) == 0:
			order = -1
		case len(before) == 0:
			order = 1
		default:
			order = before[0].Compare(now[0].Key)
		}
		switch {
		case order < 0:
			changed[partOf(before[0].Key)] = nil
			before = before[1:]
		case order > 0:
			changed[partOf(now[0].Key)] = nil
			now = now[1:]
		default:
			if !before[0].Equal(now[0]) {
				changed[partOf(now[0].Key)] = nil
			}
			before, now = before[1:], now[1:]
		}
	}
}

func partOf(key snapshot.Key) int {
	h := fnv.New32a()
	io.WriteString(h, key.Database)
	h.Write([]byte{0})
	io.WriteString(h, key.DocID)
	return int(h.Sum32() % sightParts)
}

// packer compresses values. To make one costs more than to use it.
type packer struct{ flate *flate.Writer }

func newPacker() (*packer, error) {
	w, err := flate.NewWriter(io.Discard, flate.BestSpeed)
	return &packer{w}, err
}

func (p *packer) pack(v any) ([]byte, error) {
	var b bytes.Buffer
	p.flate.Reset(&b)
	if err := errors.Join(gob.NewEncoder(p.flate).Encode(v), p.flate.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func unpack(b []byte, into any) error {
	return gob.NewDecoder(flate.NewReader(bytes.NewReader(b))).Decode(into)
}
