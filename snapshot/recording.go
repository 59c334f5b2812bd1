package snapshot

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"watchdog/secret"
)

// RecordingServer is the name of the server in a recording that does not name it.
const RecordingServer = "recording"

// DefaultDatabase is the replicator database whose documents a Line holds that does not name
// any: every CouchDB has it.
const DefaultDatabase = "_replicator"

// Line is one line of a recording: one snapshot, or one that failed. The bodies are CouchDB's
// own text.
type Line struct {
	T      time.Time `json:"t"`
	Server string    `json:"server,omitempty"`
	// Docs is a body of /_scheduler/docs, of DefaultDatabase; or an object of such bodies by
	// replicator database.
	Docs        json.RawMessage `json:"docs,omitempty"`
	Jobs        json.RawMessage `json:"jobs,omitempty"`
	ActiveTasks json.RawMessage `json:"active_tasks,omitempty"`
	// Error is why there are no bodies.
	Error string `json:"error,omitempty"`
	// Partial is which nodes of the cluster were away: what the bodies do not show may be there.
	Partial string `json:"partial,omitempty"`
	// Asked holds what asking for single documents answered, by "database/doc_id": the body, or
	// the status where it was not 200. Empty, but not nil, says that there was nothing to ask;
	// nil that nobody would have asked (see Reader).
	Asked map[string]json.RawMessage `json:"asked,omitzero"`
	// SourcePending holds what sources said is waiting, by "database/doc_id".
	SourcePending map[string]int64 `json:"source_pending,omitempty"`
}

// UnmarshalJSON reads a line of a recording. Keys that are not known are passed over.
func (l *Line) UnmarshalJSON(data []byte) error { return l.parse(bytes.Clone(data)) }

// parse reads a line, whose bodies are then parts of data, not looked into yet.
func (l *Line) parse(data []byte) error {
	*l = Line{}
	return members(data, func(key string, value json.RawMessage) error {
		if string(value) == "null" {
			return nil
		}
		switch key {
		case "t":
			return decode(value, &l.T, key, "an RFC 3339 time")
		case "server":
			return decode(value, &l.Server, key, "text")
		case "error":
			return decode(value, &l.Error, key, "text")
		case "partial":
			return decode(value, &l.Partial, key, "text")
		case "docs":
			l.Docs = value
		case "jobs":
			l.Jobs = value
		case "active_tasks":
			l.ActiveTasks = value
		case "asked":
			return decode(value, &l.Asked, key, "an object")
		case "source_pending":
			return l.parsePending(value)
		}
		return nil
	})
}

// parsePending passes over null, which is not a number: the source did not answer.
func (l *Line) parsePending(value json.RawMessage) error {
	var numbers map[string]*int64
	if err := decode(value, &numbers, "source_pending", "an object of numbers"); err != nil {
		return err
	}
	l.SourcePending = make(map[string]int64, len(numbers))
	for name, n := range numbers {
		if n != nil {
			l.SourcePending[name] = *n
		}
	}
	return nil
}

func decode(value json.RawMessage, dst any, key, want string) error {
	if err := json.Unmarshal(value, dst); err != nil {
		return fmt.Errorf("%q is %s, not %s: %w", key, kindOf(value), want, err)
	}
	return nil
}

// members calls each with every member of the JSON object data. Values are parts of data and
// found by their brackets: they may be malformed inside.
func members(data []byte, each func(key string, value json.RawMessage) error) error {
	if kind := kindOf(data); kind != "an object" {
		return fmt.Errorf("it is %s, not an object", kind)
	}
	c := cursor{b: data}
	c.take('{')
	for first := true; !c.take('}'); first = false {
		if !first && !c.take(',') {
			return malformed(data)
		}
		key, ok := c.text()
		if !ok || !c.take(':') {
			return malformed(data)
		}
		c.peek()
		var s span
		n, whole := s.scan(data[c.i:])
		if !whole || n == 0 {
			return malformed(data)
		}
		value := data[c.i : c.i+n : c.i+n]
		c.i += n
		if err := each(string(key), value); err != nil {
			return err
		}
	}
	if !c.atEnd() {
		return malformed(data)
	}
	return nil
}

// malformed says where data is no JSON.
func malformed(data []byte) error {
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		return err
	}
	return errors.New("it is malformed")
}

// Snapshot is what the line tells. prev, which may be nil, is the snapshot before it of the
// same server. A poll that failed, or a body in which the server refused, is a gap; any other
// thing that cannot be read is an error.
func (l *Line) Snapshot(prev *Snapshot) (*Snapshot, error) {
	if l.T.IsZero() {
		return nil, errors.New(`it has no "t", the time at which the snapshot was taken`)
	}
	b := NewBuilder(l.server(), l.T)
	b.Reuse(prev)
	if err := l.bodies(b); err != nil {
		return nil, err
	}
	if l.Partial != "" {
		b.Fail(Nodes, "", errors.New(l.Partial))
	}
	for name, answer := range l.Asked {
		if err := l.answer(b, name, answer); err != nil {
			return nil, fmt.Errorf("asked: %w", err)
		}
	}
	for name, pending := range l.SourcePending {
		key, err := ParseKey(name)
		if err != nil {
			return nil, fmt.Errorf("source_pending: %w", err)
		}
		b.SourcePending(key, pending)
	}
	return b.Snapshot(), nil
}

func (l *Line) server() string { return cmp.Or(l.Server, RecordingServer) }

// bodies reads the listings of the line.
func (l *Line) bodies(b *Builder) error {
	if l.Error != "" {
		err := errors.New(secret.MaskURLs(l.Error))
		b.Fail(Docs, DefaultDatabase, err)
		b.Fail(Jobs, "", err)
		return nil
	}
	if l.Docs == nil && l.Jobs == nil {
		return errors.New(`it has neither "docs" and "jobs" nor an "error"`)
	}
	docs, err := l.docs()
	if err != nil {
		return err
	}
	for _, database := range slices.Sorted(maps.Keys(docs)) {
		if err := unlessRefused(b.Docs(database, bytes.NewReader(docs[database]))); err != nil {
			return err
		}
	}
	if l.Jobs != nil {
		if err := unlessRefused(b.Jobs(bytes.NewReader(l.Jobs))); err != nil {
			return err
		}
	}
	if l.ActiveTasks != nil {
		return unlessRefused(b.Tasks(bytes.NewReader(l.ActiveTasks)))
	}
	return nil
}

// docs are the bodies by replicator database.
func (l *Line) docs() (map[string]json.RawMessage, error) {
	bodies, single := map[string]json.RawMessage{}, false
	if l.Docs == nil {
		return bodies, nil
	}
	err := members(l.Docs, func(key string, value json.RawMessage) error {
		switch key {
		case "docs", "rows", "total_rows", "error":
			single = true
		}
		bodies[key] = value
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("docs: %w", err)
	}
	if single {
		return map[string]json.RawMessage{DefaultDatabase: l.Docs}, nil
	}
	return bodies, nil
}

// answer reads what asking for one document answered.
func (l *Line) answer(b *Builder, name string, answer json.RawMessage) error {
	key, err := ParseKey(name)
	if err != nil {
		return err
	}
	switch kindOf(answer) {
	case "an object":
		return unlessRefused(b.Answer(key, answer))
	case "a number", "null":
		if string(answer) == "404" {
			b.Missing(key)
			return nil
		}
		b.answer(key, Answer{}) // it told nothing
		return nil
	}
	return fmt.Errorf("%s is %s: write the status, or the body", key.Path(), kindOf(answer))
}

// unlessRefused is err unless it is CouchDB's own refusal.
func unlessRefused(err error) error {
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		return nil
	}
	return err
}

// ParseKey reads what Key.Path wrote: "_replicator/orders", "team/_replicator/a/b". The
// database ends with the first "_replicator".
func ParseKey(text string) (Key, error) {
	if id, ok := strings.CutPrefix(text, TransientDatabase+"/"); ok && id != "" {
		return Key{TransientDatabase, id}, nil
	}
	const end = DefaultDatabase + "/"
	for at := 0; ; {
		i := strings.Index(text[at:], end)
		if i < 0 || at+i+len(end) == len(text) {
			return Key{}, fmt.Errorf("%q names no replication: write it like _replicator/orders", text)
		}
		if at += i; at == 0 || text[at-1] == '/' {
			return Key{text[:at+len(DefaultDatabase)], text[at+len(end):]}, nil
		}
		at += len(end)
	}
}
