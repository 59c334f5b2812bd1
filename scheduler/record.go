package scheduler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
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
	line := &snapshot.Line{T: at.UTC(), Server: c.Name()}
	if err := (&snapshot.Snapshot{Gaps: r.gaps}).Err(); err != nil {
		line.Error = err.Error()
		return line
	}
	line.Jobs, line.ActiveTasks = r.jobs, r.tasks
	line.Docs = r.docs[snapshot.DefaultDatabase]
	if line.Docs == nil || len(r.docs) > 1 {
		line.Docs = object(r.docs)
	}
	return line
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
}

func (r *recording) Docs(database string, body io.Reader) error {
	raw, err := r.read(snapshot.Docs, database, body)
	if err == nil {
		r.docs[database] = raw
	}
	return err
}

func (r *recording) Jobs(body io.Reader) (err error) {
	r.jobs, err = r.read(snapshot.Jobs, "", body)
	return err
}

func (r *recording) Tasks(body io.Reader) (err error) {
	r.tasks, err = r.read(snapshot.Tasks, "", body)
	return err
}

func (r *recording) Fail(part snapshot.Part, database string, err error) {
	r.begin(part, database)
	r.gaps = append(r.gaps, snapshot.Gap{Part: part, Database: database, Err: err})
}

// begin forgets how an earlier try to read the part went.
func (r *recording) begin(part snapshot.Part, database string) {
	r.gaps = slices.DeleteFunc(r.gaps, func(g snapshot.Gap) bool { return g.Part == part && g.Database == database })
}

func (r *recording) read(part snapshot.Part, database string, body io.Reader) (json.RawMessage, error) {
	r.begin(part, database)
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
	err = fmt.Errorf("read %s: %w", part, err)
	r.Fail(part, database, err)
	return nil, err
}
