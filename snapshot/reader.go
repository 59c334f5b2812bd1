package snapshot

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ErrCutShort is the error of the last line of a recording that stops in the middle, as the
// crash of a recorder leaves it. All lines before it are whole.
var ErrCutShort = errors.New("the recording is cut short")

// Reader reads the snapshots of a recording, of one server or several.
//
// Where no line says what asking for single documents answered, the Reader answers in its
// place: a replication that is absent from two complete snapshots of its server in a row is
// missing (Asked) in the second. Snapshots that are not complete in between count neither way.
//
// Of a database whose documents were never listed only the jobs are seen, and there two
// complete listings of jobs in a row are the evidence, but for continuous replications alone:
// a one-shot leaves the jobs when it completes, so one that is absent stays unknown. A
// transient job has no document: when it has left the jobs it is gone, however it ended.
type Reader struct {
	in      *bufio.Reader
	buf     []byte
	line    int
	failed  bool // the stream beneath did
	asked   bool // a line said what was asked
	servers map[string]*watched
}

// watched is what a Reader remembers of one server.
type watched struct {
	last      *Snapshot
	snapshots int
	listed    map[string]bool // databases whose documents were asked for
	known     map[Key]sighting
}

// sighting is when a replication was last seen.
type sighting struct {
	snapshot   int
	continuous bool
	absent     int // complete snapshots without it since
}

// NewReader reads a recording that is not compressed.
func NewReader(r io.Reader) *Reader {
	return &Reader{in: bufio.NewReaderSize(r, 64<<10), servers: map[string]*watched{}}
}

// Next is the next snapshot, io.EOF after the last. An error names the line, and Next then goes
// on with the line behind it, if there is one.
func (r *Reader) Next() (*Snapshot, error) {
	if r.failed {
		return nil, io.EOF
	}
	data, whole, err := r.nextLine()
	if err == io.EOF {
		return nil, err
	}
	if err != nil {
		r.failed = true
		return nil, fmt.Errorf("line %d: %w", r.line, err)
	}
	s, err := r.snapshot(data)
	switch {
	case err == nil:
		return s, nil
	case !whole && !json.Valid(data):
		return nil, fmt.Errorf("line %d: %w after %d bytes of it", r.line, ErrCutShort, len(data))
	}
	return nil, fmt.Errorf("line %d: %w", r.line, err)
}

// nextLine is the next line that is not blank, valid until the one after it is read; whole
// unless the recording ends without a newline.
func (r *Reader) nextLine() (data []byte, whole bool, err error) {
	for len(data) == 0 {
		r.line++
		r.buf = r.buf[:0]
		err = bufio.ErrBufferFull
		for err == bufio.ErrBufferFull {
			var part []byte
			part, err = r.in.ReadSlice('\n')
			r.buf = append(r.buf, part...)
		}
		switch {
		case err == io.ErrUnexpectedEOF: // of a compressed recording
			return nil, false, ErrCutShort
		case err != nil && (err != io.EOF || len(r.buf) == 0):
			return nil, false, err
		}
		data = bytes.TrimSpace(r.buf)
	}
	return data, err == nil, nil
}

func (r *Reader) snapshot(data []byte) (*Snapshot, error) {
	var l Line
	if err := l.parse(data); err != nil {
		return nil, err
	}
	w := r.servers[l.server()]
	if w == nil {
		w = &watched{listed: map[string]bool{}, known: map[Key]sighting{}}
		r.servers[l.server()] = w
	}
	s, err := l.Snapshot(w.last)
	if err != nil {
		return nil, err
	}
	w.last = s
	if r.asked = r.asked || l.Asked != nil; r.asked {
		return s, nil
	}
	return s.WithAnswers(w.missing(s)), nil
}

// missing are the replications that since s count as deleted.
func (w *watched) missing(s *Snapshot) map[Key]Answer {
	w.snapshots++
	for _, database := range s.look.listed {
		w.listed[database] = true
	}
	for _, r := range s.Replications {
		w.known[r.Key] = sighting{snapshot: w.snapshots, continuous: r.Continuous}
	}
	answers := map[Key]Answer{}
	for key, seen := range w.known {
		if seen.snapshot == w.snapshots || !w.provesAbsence(s, key, seen) {
			continue
		}
		if seen.absent++; seen.absent < 2 {
			w.known[key] = seen
			continue
		}
		delete(w.known, key)
		answers[key] = Answer{Missing: true}
	}
	return answers
}

// provesAbsence reports whether s, which does not show a replication, would show it if it were
// there.
func (w *watched) provesAbsence(s *Snapshot, key Key, seen sighting) bool {
	if w.listed[key.Database] || key.Database == TransientDatabase {
		return s.Complete(key.Database)
	}
	return seen.continuous && s.Complete(TransientDatabase) // the jobs are whole
}
