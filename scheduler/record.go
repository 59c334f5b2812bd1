package scheduler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"watchdog/snapshot"
)

// maxRecorded bounds one recorded body: more than a million rows.
const maxRecorded = 512 << 20

// Record looks at the server as Read does, and keeps what it answered, untouched: to mask the
// credentials in it is the snapshot.Writer's. A look in which documents or jobs could not be
// read is one with an Error and no bodies. The bodies are in memory whole.
func (c *Client) Record(ctx context.Context, at time.Time) *snapshot.Line {
	r := recording{docs: map[string]json.RawMessage{}}
	c.look(ctx, &r)
	line := &snapshot.Line{T: at.UTC(), Server: c.Name(), Partial: r.partial}
	if err := (&snapshot.Snapshot{Gaps: r.gaps}).Err(); err != nil {
		line.Error = err.Error()
		return line
	}
	line.Jobs, line.ActiveTasks = r.jobs, r.tasks
	line.Docs = r.docs[snapshot.DefaultDatabase]
	if line.Docs == nil || len(r.docs) > 1 {
		line.Docs = object(r.docs)
	}
	c.recordSources(ctx, at, line)
	return line
}

// recordSources adds what sources say where the server does not know how much waits.
func (c *Client) recordSources(ctx context.Context, at time.Time, line *snapshot.Line) {
	snap, err := line.Snapshot(nil)
	if err != nil {
		return // what cannot be read cannot be replayed either, and says so there
	}
	var blind []*snapshot.Replication
	for _, r := range snap.Replications {
		if r.State == snapshot.Running && r.Continuous && !r.Has(snapshot.FieldChangesPending) {
			blind = append(blind, r)
		}
	}
	c.askSources(ctx, at, blind, func(key snapshot.Key, pending int64) {
		if line.SourcePending == nil {
			line.SourcePending = map[string]int64{}
		}
		line.SourcePending[key.Path()] = pending
	})
}

// object is the bodies by database, each as it was written.
func object(bodies map[string]json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(bodies); err != nil {
		panic(err) // they have been found valid
	}
	return b.Bytes()
}

// recording is the parts of a look as the server wrote them.
type recording struct {
	docs        map[string]json.RawMessage
	jobs, tasks json.RawMessage
	gaps        []snapshot.Gap
	partial     string // which nodes are away
}

func (r *recording) Docs(database string, body io.Reader) error {
	raw, err := whole(snapshot.Docs, body)
	if err == nil {
		r.docs[database] = raw
	}
	return err
}

func (r *recording) Jobs(body io.Reader) (err error) {
	r.jobs, err = whole(snapshot.Jobs, body)
	return err
}

func (r *recording) Tasks(body io.Reader) (err error) {
	r.tasks, err = whole(snapshot.Tasks, body)
	return err
}

func (r *recording) Fail(part snapshot.Part, database string, err error) {
	if part == snapshot.Nodes {
		r.partial = err.Error()
		return
	}
	r.gaps = append(r.gaps, snapshot.Gap{Part: part, Database: database, Err: err})
}

// whole is a body, if it is JSON up to its end.
func whole(part snapshot.Part, body io.Reader) (json.RawMessage, error) {
	raw, err := io.ReadAll(io.LimitReader(body, maxRecorded+1))
	switch {
	case err != nil:
	case len(raw) > maxRecorded:
		err = fmt.Errorf("the answer is longer than %d MiB", maxRecorded>>20)
	case !json.Valid(raw):
		err = errors.New("the answer is not JSON, or not all of it")
	default:
		return raw, nil
	}
	return nil, fmt.Errorf("read %s: %w", part, err)
}
