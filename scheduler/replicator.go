package scheduler

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"watchdog/snapshot"
)

// Replicator makes and ends the replications of one replicator database. It may be used by many
// goroutines at once.
type Replicator struct {
	client   *Client
	database string
}

// Replicator is that of one replicator database; "" is _replicator.
func (c *Client) Replicator(database string) *Replicator {
	return &Replicator{client: c, database: cmp.Or(database, defaultDatabase)}
}

// Database is the replicator database's name.
func (r *Replicator) Database() string { return r.database }

// Document is a document of a replicator database.
type Document struct {
	ID, Rev string
	// JSON is the document as CouchDB holds it, credentials of its source and target included.
	// It is nil where the document was only written.
	JSON json.RawMessage
}

// NoDatabaseError says that the replicator database does not exist.
type NoDatabaseError struct{ Server, Database string }

func (e *NoDatabaseError) Error() string {
	return "Database " + e.Database + " does not exist. Verify that the client is valid and try again."
}

// Create writes the document of a new replication, which CouchDB then starts. A document of that
// id which is there already stays as it is, and the error is an *Error of status 409.
//
// Credentials of endpoints are written as the server reads them: auth.basic since CouchDB 3.2,
// a header before.
func (r *Replicator) Create(ctx context.Context, d Draft) (Document, error) {
	if err := d.complete(r.client); err != nil {
		return Document{}, err
	}
	fields, err := r.fields(ctx, d)
	if err != nil {
		return Document{}, err
	}
	doc, err := r.put(ctx, d.ID, fields)
	err = d.mask().error(err)
	var e *Error
	switch {
	case missing(err):
		return doc, &NoDatabaseError{Server: r.client.Name(), Database: r.database}
	case errors.As(err, &e) && e.Status == http.StatusConflict:
		return doc, fmt.Errorf("there is a replication with id %s already: %w", d.ID, err)
	}
	return doc, err
}

// List are the documents of the replicator database, but for design documents, as they come
// from the server.
func (r *Replicator) List(ctx context.Context) iter.Seq2[Document, error] {
	type row struct {
		ID  string
		Doc json.RawMessage
	}
	all := listing[row]{
		path: "/" + escape(r.database) + "/_all_docs",
		query: func(after string) string {
			q := url.Values{"include_docs": {"true"}}
			if after != "" {
				q.Set("start_key", jsonText(after))
			}
			return q.Encode()
		},
		decode: func(data []byte) (string, row, error) {
			var one row
			if err := json.Unmarshal(data, &one); err != nil {
				return "", one, fmt.Errorf("read a document of %s of %s: %w", r.database, r.client.Name(), err)
			}
			return one.ID, one, nil
		},
		wanted: func(one row) bool { return !strings.HasPrefix(one.ID, "_design/") },
	}
	return func(yield func(Document, error) bool) {
		all.each(ctx, r.client, func(one row, err error) bool {
			if err != nil {
				return yield(Document{}, err)
			}
			doc, err := document(one.Doc)
			return yield(doc, err)
		})
	}
}

// State is what a replication is doing, "" while nobody works on it yet. It is the scheduler's
// word, or what the document says where the server has no scheduler, as before CouchDB 2.1.
func (r *Replicator) State(ctx context.Context, id string) (snapshot.State, error) {
	row, err := r.client.Doc(ctx, r.database, id)
	if err == nil {
		return row.State, nil
	}
	var none *NotFoundError
	if !errors.As(err, &none) {
		return "", err
	}
	doc, err := r.get(ctx, id)
	if err != nil {
		return "", err
	}
	return doc.state()
}

// Stop deletes the document of a replication, whatever happens to it meanwhile: CouchDB then
// ends it. Where there is none the error is a *NotFoundError.
func (r *Replicator) Stop(ctx context.Context, id string) error {
	return r.change(ctx, id, func(doc Document) error {
		_, err := r.send(ctx, call{method: http.MethodDelete, path: r.path(id), query: "rev=" + url.QueryEscape(doc.Rev)})
		return err
	})
}

// NotEndedError says that a replication cannot be started anew, because CouchDB still works on it.
type NotEndedError struct {
	ID    string
	State snapshot.State // "" where the scheduler did not say
}

func (e *NotEndedError) Error() string {
	return fmt.Sprintf("replication %s has not ended, it is %s: CouchDB itself tries again", e.ID, cmp.Or(e.State, "not started"))
}

// Restart writes a document that failed or completed anew, without what CouchDB has written into
// it, so that it starts again. One that has not ended is a *NotEndedError: CouchDB takes no notice
// of a document that is written as it was.
func (r *Replicator) Restart(ctx context.Context, id string) error {
	return r.change(ctx, id, func(doc Document) error {
		state, err := doc.state()
		if err != nil {
			return err
		}
		if !state.Terminal() {
			row, _ := r.client.Doc(ctx, r.database, id)
			if row.Replication != nil {
				state = row.State
			}
			return &NotEndedError{ID: id, State: state}
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(doc.JSON, &fields); err != nil {
			return fmt.Errorf("decode document %s: %w", id, err)
		}
		maps.DeleteFunc(fields, func(name string, _ json.RawMessage) bool { return strings.HasPrefix(name, "_replication_") })
		_, err = r.put(ctx, id, fields)
		return err
	})
}

const maxConflicts = 5 // that one change may lose against others

// change reads a document and does something to this revision of it; again with a newer one,
// when somebody else was faster. CouchDB itself is, at the end of a replication.
func (r *Replicator) change(ctx context.Context, id string, do func(Document) error) error {
	for try := 1; ; try++ {
		doc, err := r.get(ctx, id)
		if err != nil {
			return err
		}
		err = do(doc)
		var e *Error
		switch {
		case !errors.As(err, &e):
			return err
		case e.missing():
			return &NotFoundError{Server: r.client.Name(), ID: id}
		case e.Status != http.StatusConflict || try == maxConflicts || !sleep(ctx, time.Duration(try)*50*time.Millisecond):
			return err
		}
	}
}

// get is the document as it is now.
func (r *Replicator) get(ctx context.Context, id string) (Document, error) {
	row, err := r.client.one(ctx, r.path(id), id)
	if err != nil {
		return Document{}, err
	}
	return document(row.JSON)
}

// put writes a document.
func (r *Replicator) put(ctx context.Context, id string, fields any) (Document, error) {
	body, err := json.Marshal(fields)
	if err != nil {
		return Document{}, fmt.Errorf("encode document %s: %w", id, err)
	}
	rev, err := r.send(ctx, call{method: http.MethodPut, path: r.path(id), body: body})
	return Document{ID: id, Rev: rev}, err
}

// send asks once: a write whose answer got lost may have been done.
func (r *Replicator) send(ctx context.Context, write call) (rev string, err error) {
	var written struct{ Rev string }
	err = r.client.attempt(ctx, write, func(a *answer) error { return a.decode(&written) })
	return written.Rev, err
}

func (r *Replicator) path(id string) string { return "/" + escape(r.database) + "/" + escape(id) }

// document reads what names a document.
func document(data json.RawMessage) (Document, error) {
	var named struct {
		ID  string `json:"_id"`
		Rev string `json:"_rev"`
	}
	if err := json.Unmarshal(data, &named); err != nil || named.ID == "" {
		return Document{}, errors.New("what should be a document has no _id")
	}
	return Document{ID: named.ID, Rev: named.Rev, JSON: data}, nil
}

// state is what CouchDB has written into the document, which it always does at the end.
func (d Document) state() (snapshot.State, error) {
	var said struct {
		State snapshot.State `json:"_replication_state"`
	}
	if err := json.Unmarshal(d.JSON, &said); err != nil {
		return "", fmt.Errorf("decode document %s: %w", d.ID, err)
	}
	return said.State, nil
}
