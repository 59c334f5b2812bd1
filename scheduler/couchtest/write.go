package couchtest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// document answers GET, PUT and DELETE of one document of a replicator database.
func (q *request) document(db *database, id string) {
	q.allow(func() {
		switch q.Method {
		case http.MethodPut:
			q.putDocument(db, id)
		case http.MethodDelete:
			q.write(db, id, draft{rev: q.rev(), deleted: true}, http.StatusOK)
		default:
			q.getDocument(db, id)
		}
	}, "DELETE", "GET", "HEAD", "PUT")
}

// rev is the revision that a request names outside a body.
func (q *request) rev() string {
	if rev := q.URL.Query().Get("rev"); rev != "" {
		return rev
	}
	return strings.Trim(q.Header.Get("If-Match"), `"`)
}

func (q *request) getDocument(db *database, id string) {
	q.s.mu.RLock()
	r := db.docs[id]
	var body []byte
	var rev string
	if r != nil && !r.deleted {
		body, rev = r.appendBody(nil, q.s.clock()), r.revision()
	}
	q.s.mu.RUnlock()
	switch {
	case r == nil:
		q.missing("missing")
	case body == nil:
		q.missing("deleted")
	default:
		q.w.Header()["ETag"] = []string{`"` + rev + `"`}
		q.bytes(http.StatusOK, append(body, '\n'))
	}
}

func (q *request) putDocument(db *database, id string) {
	body, err := io.ReadAll(http.MaxBytesReader(q.w, q.Body, 8<<20))
	if err != nil {
		q.fail(http.StatusRequestEntityTooLarge, "too_large", "the request entity is too large")
		return
	}
	fields, err := parseFields(body)
	if err != nil {
		q.fail(http.StatusBadRequest, "bad_request", "invalid UTF-8 JSON")
		return
	}
	d, refusal := q.s.draft(fields, strings.HasPrefix(id, "_design/"))
	if refusal != "" {
		q.fail(http.StatusForbidden, "forbidden", refusal)
		return
	}
	if d.rev == "" {
		d.rev = q.rev()
	}
	q.write(db, id, d, http.StatusCreated)
}

// write writes a document if its revision is the present one.
func (q *request) write(db *database, id string, d draft, status int) {
	s := q.s
	s.mu.Lock()
	now := s.clock()
	r := db.docs[id]
	there := r != nil && !r.deleted
	switch {
	case !there && d.deleted:
		s.mu.Unlock()
		q.missing(map[bool]string{true: "deleted", false: "missing"}[r != nil])
		return
	case there && d.rev != r.revision(), !there && d.rev != "":
		s.mu.Unlock()
		q.fail(http.StatusConflict, "conflict", "Document update conflict.")
		return
	}
	if r == nil {
		r = &Replication{s: s, db: db, id: id, shard: shardOf(id), phase: gone}
	}
	if d.deleted {
		r.end(now)
	} else {
		r.accept(d, q.who, now)
	}
	rev := r.revision()
	s.mu.Unlock()
	q.w.Header()["ETag"] = []string{`"` + rev + `"`}
	if status == http.StatusCreated {
		q.w.Header().Set("Location", "http://"+q.Host+q.URL.EscapedPath())
	}
	q.json(status, fmt.Sprintf(`{"ok":true,"id":%s,"rev":%q}`, appendString(nil, id), rev))
}
