package couchtest

import (
	"fmt"
	"net/http"
	"strings"
)

// databases answers what is asked of one database.
func (q *request) databases() {
	name := q.path[0]
	if !q.who.admin {
		if q.who.name == "" {
			q.fail(http.StatusUnauthorized, "unauthorized", "You are not authorized to access this db.")
		} else {
			q.fail(http.StatusForbidden, "forbidden", "You are not allowed to access this db.")
		}
		return
	}
	q.s.mu.RLock()
	db, src := q.s.databases[name], q.s.sources[name]
	there := db != nil || src != nil && !src.missing && local(name)
	q.s.mu.RUnlock()
	switch {
	case len(q.path) == 1:
		q.database(name, there)
	case !there:
		q.missing("Database does not exist.")
	case q.path[1] == "_changes" && len(q.path) == 2:
		q.allow(func() {
			if db != nil {
				q.changes(db)
			} else {
				q.sourceChanges(src)
			}
		}, "GET", "HEAD", "POST")
	case q.path[1] == "_all_docs" && len(q.path) == 2 && db != nil:
		q.allow(func() { q.allDocs(db) }, "GET", "HEAD")
	case db != nil:
		q.document(db, strings.Join(q.path[1:], "/"))
	default:
		q.missing("missing")
	}
}

// database answers what is asked of a database as a whole.
func (q *request) database(name string, there bool) {
	q.allow(func() {
		switch {
		case q.Method == http.MethodPut && there:
			q.fail(http.StatusPreconditionFailed, "file_exists", "The database could not be created, the file already exists.")
		case q.Method == http.MethodPut:
			q.s.CreateDatabase(name)
			q.json(http.StatusCreated, `{"ok":true}`)
		case !there:
			q.missing("Database does not exist.")
		case q.Method == http.MethodDelete:
			q.s.DeleteDatabase(name)
			q.json(http.StatusOK, `{"ok":true}`)
		default:
			q.databaseInfo(name)
		}
	}, "DELETE", "GET", "HEAD", "PUT")
}

func (q *request) databaseInfo(name string) {
	q.s.mu.RLock()
	var count, deleted int
	var seq []byte
	made := int64(firstMade)
	if db := q.s.databases[name]; db != nil {
		count, deleted = db.live, len(db.docs)-db.live
		seq, made = appendSeq(nil, db.salt, db.seq), db.made
	} else {
		src := q.s.sources[name]
		n := src.at(q.s.clock())
		count, seq = int(n), appendSeq(nil, src.salt, n)
	}
	q.s.mu.RUnlock()
	q.json(http.StatusOK, fmt.Sprintf(`{"instance_start_time":"%d","db_name":%s,"purge_seq":"0-g1AAAABXeJzLYWBgYMpgTmHgz8tPSTV0MDQy1zMAQsMckEQiQ1L9____sxIZ8KjKUgCSSfYgRUm4FTmAFMUTVOQBUjQfj6I8FiDJcABI_YcYlQUA8dwofA",`+
		`"update_seq":%q,"sizes":{"file":33288,"external":%d,"active":%d},"props":{},"doc_del_count":%d,"doc_count":%d,"disk_format_version":8,"compact_running":false,"cluster":{"q":2,"n":1,"w":1,"r":1}}`,
		made, appendString(nil, name), seq, 300*count, 400*count, deleted, count))
}

// allDocs streams a replicator database itself; with include_docs as CouchDB does, credentials
// in the clear.
func (q *request) allDocs(db *database) {
	page, bad := parsePage(q.URL.Query())
	if bad != nil {
		q.fail(bad.status, bad.kind, bad.reason)
		return
	}
	q.s.mu.Lock()
	all, total, now := db.order.list(), db.live, q.s.clock()
	q.s.mu.Unlock()
	q.stream()
	rows, before := page.between(all)
	rows = rows[min(page.skip, len(rows)):]
	rows = rows[:min(page.limit, len(rows))]
	b := append(appendListHead(total, before+min(page.skip, len(all)-before), "rows"), "\r\n"...)
	first := true
	q.s.mu.RLock()
	for _, r := range rows {
		if r.deleted {
			continue
		}
		if !first {
			b = append(b, ",\r\n"...)
		}
		first = false
		b = appendString(append(b, `{"id":`...), r.id)
		b = appendString(append(b, `,"key":`...), r.id)
		b = fmt.Appendf(b, `,"value":{"rev":%q}`, r.revision())
		if q.URL.Query().Get("include_docs") == "true" {
			b = r.appendBody(append(b, `,"doc":`...), now)
		}
		b = append(b, '}')
	}
	q.s.mu.RUnlock()
	q.w.Write(append(b, "\r\n]}\n"...))
}
