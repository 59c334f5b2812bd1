package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"

	"watchdog/snapshot"
)

// Row is one row of the scheduler's.
type Row struct {
	// JSON is CouchDB's own object, untouched.
	JSON json.RawMessage
	// Replication is what it says. Its Database is the name by which it was asked for.
	*snapshot.Replication
}

// ListOptions say which rows of a listing are wanted. The zero value is all of them.
type ListOptions struct {
	// Database is one replicator database, or snapshot.TransientDatabase among jobs. "" is every
	// one that the spec covers, one after the other, and among jobs simply all.
	Database string
	States   []snapshot.State
	Limit    int // rows at most; 0 is no limit
	Skip     int // rows to pass over before the first
}

// Docs are the rows of /_scheduler/docs, as they come from the server: memory does not grow with
// their number. A row that cannot be read is an error with its JSON, and the others follow; a
// database that does not exist has none. An answer that breaks off is continued where it did; an
// error without JSON is one that could not be, and the rows behind it are missing.
//
// Limit, Skip and a limited States are counted here. CouchDB's own limit counts what it then
// does not show, design documents and other states, so it loses rows.
func (c *Client) Docs(ctx context.Context, o ListOptions) iter.Seq2[Row, error] {
	return o.window(func(yield func(Row, error) bool) {
		databases, err := []string{o.Database}, error(nil)
		if o.Database == "" {
			databases, err = c.Databases(ctx)
		}
		for _, db := range databases {
			if !c.docsOf(db, o.States).each(ctx, c, yield) {
				return
			}
		}
		if err != nil {
			yield(Row{}, err)
		}
	})
}

// docsOf is the listing of one replicator database. To filter by state spares bytes, no work.
func (c *Client) docsOf(database string, states []snapshot.State) listing[Row] {
	var decoder snapshot.Decoder
	return listing[Row]{
		path: docsPath + escape(database),
		query: func(after string) string {
			q := url.Values{}
			if len(states) > 0 {
				q.Set("states", joined(states))
			}
			if after != "" {
				q.Set("start_key", jsonText(after))
			}
			return q.Encode()
		},
		decode: func(row []byte) (string, Row, error) {
			r, err := decoder.Doc(database, row)
			if err != nil {
				return "", odd(row), fmt.Errorf("read a row of the docs of %s of %s: %w", database, c.Name(), err)
			}
			return r.DocID, Row{slices.Clone(row), r}, nil
		},
	}
}

// Jobs are the rows of /_scheduler/jobs, in the manner of Docs. The server makes all of them
// for any request, so there is one, and it names no limit but one that no row can be lost by.
func (c *Client) Jobs(ctx context.Context, o ListOptions) iter.Seq2[Row, error] {
	var decoder snapshot.Decoder
	all := listing[Row]{
		path:  jobsPath,
		query: func(string) string { return allJobs },
		decode: func(row []byte) (string, Row, error) {
			r, err := decoder.Job(row)
			if err != nil {
				return "", odd(row), fmt.Errorf("read a row of the jobs of %s: %w", c.Name(), err)
			}
			r.Database = c.withoutAccount(r.Database)
			return r.ID, Row{slices.Clone(row), r}, nil
		},
		wanted: func(r Row) bool { return o.Database == "" || r.Database == o.Database },
	}
	return o.window(func(yield func(Row, error) bool) { all.each(ctx, c, yield) })
}

// Doc is the row of one document. Where CouchDB says that there is none the error is a
// *NotFoundError; a row whose state is null, since nobody works on the document yet, is a row
// without State.
func (c *Client) Doc(ctx context.Context, database, id string) (Row, error) {
	path := docsPath + escape(database) + "/" + escape(id)
	row, err := c.one(ctx, path, id)
	if err != nil {
		return row, err
	}
	var decoder snapshot.Decoder
	if row.Replication, err = decoder.Doc(database, row.JSON); err != nil {
		return row, fmt.Errorf("read %s of %s: %w", snapshot.Key{Database: database, DocID: id}.Path(), c.Name(), err)
	}
	return row, nil
}

// Job is the row of one job, by its replication id. Where CouchDB says that there is none the
// error is a *NotFoundError.
func (c *Client) Job(ctx context.Context, id string) (Row, error) {
	row, err := c.one(ctx, jobsPath+"/"+escape(id), id)
	if err != nil {
		return row, err
	}
	var decoder snapshot.Decoder
	if row.Replication, err = decoder.Job(row.JSON); err != nil {
		return row, fmt.Errorf("read job %s of %s: %w", id, c.Name(), err)
	}
	row.Database = c.withoutAccount(row.Database)
	return row, nil
}

// one is the answer about one thing.
func (c *Client) one(ctx context.Context, path, id string) (Row, error) {
	body, err := c.getSmall(ctx, path)
	if missing(err) {
		return Row{}, &NotFoundError{Server: c.Name(), ID: id}
	}
	return Row{JSON: body}, err
}

// Databases are the replicator databases that the spec covers, those that its globs match on the
// server included. The error says that the globs' are not known; the others are returned all
// the same.
func (c *Client) Databases(ctx context.Context) ([]string, error) {
	databases := slices.DeleteFunc(slices.Clone(c.spec.ReplicatorDBs), isGlob)
	if len(databases) == len(c.spec.ReplicatorDBs) {
		return databases, nil
	}
	found, err := c.discover(ctx)
	for _, db := range found {
		if !slices.Contains(databases, db) {
			databases = append(databases, db)
		}
	}
	return databases, err
}

// withoutAccount is the name of a database as it is asked for. Jobs of Cloudant name it with the
// account before it, which is the first word of the server's host.
func (c *Client) withoutAccount(database string) string {
	u, err := url.Parse(c.base)
	if err != nil {
		return database
	}
	account, _, _ := strings.Cut(u.Hostname(), ".")
	return strings.TrimPrefix(database, account+"/")
}

// NotFoundError says that CouchDB itself answered that a replication does not exist.
type NotFoundError struct{ Server, ID string }

func (e *NotFoundError) Error() string { return "Replication with id " + e.ID + " not found." }

// missing reports whether err is CouchDB's own word that there is no such thing.
func missing(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.missing()
}

// window passes on the rows of the wanted states, after the first Skip of them and at most Limit.
// Errors are passed on and not counted.
func (o ListOptions) window(rows iter.Seq2[Row, error]) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		seen := 0
		for row, err := range rows {
			if err == nil {
				if len(o.States) > 0 && !slices.Contains(o.States, row.State) {
					continue
				}
				if seen++; seen <= o.Skip {
					continue
				}
			}
			if !yield(row, err) || err == nil && seen-o.Skip == o.Limit {
				return
			}
		}
	}
}

// listing is an answer of many rows, in the order of their keys.
type listing[T any] struct {
	path string
	// query is for the rows from the one with that key on, or from before it; "" is the first.
	query  func(after string) string
	decode func(row []byte) (key string, item T, err error)
	wanted func(T) bool // nil: all of them
}

// each yields the items as they come, and reports whether more are wanted. An answer that breaks
// off is asked for again from where it did, as long as each answer gets further.
func (l listing[T]) each(ctx context.Context, c *Client, yield func(T, error) bool) (more bool) {
	var none T
	more = true
	for last := ""; ; {
		from := last
		err := c.fetch(ctx, l.path, l.query(from), func(a *answer) error {
			before := last
			return snapshot.EachRow(a, func(row []byte) bool {
				key, item, err := l.decode(row)
				if err == nil {
					if before != "" && key <= before {
						return true // yielded already
					}
					last = key
					if l.wanted != nil && !l.wanted(item) {
						return true
					}
				}
				more = yield(item, err)
				return more
			})
		})
		switch {
		case !more:
			return false
		case err == nil, missing(err):
			return true
		case last == from || ctx.Err() != nil:
			return yield(none, err)
		}
	}
}

// odd is a row that could not be read.
func odd(row []byte) Row { return Row{JSON: slices.Clone(row)} }

func joined(states []snapshot.State) string {
	words := make([]string, len(states))
	for i, s := range states {
		words[i] = string(s)
	}
	return strings.Join(words, ",")
}

func jsonText(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // any text is JSON's
	}
	return string(quoted)
}
