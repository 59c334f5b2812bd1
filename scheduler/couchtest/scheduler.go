package couchtest

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// batch is how many rows are made under one lock.
const batch = 256

func (q *request) scheduler() {
	path := q.path[1:]
	switch {
	case len(path) == 1 && path[0] == "jobs":
		q.jobs()
	case len(path) == 2 && path[0] == "jobs":
		q.job(strings.ReplaceAll(path[1], " ", "+"))
	case len(path) == 1 && path[0] == "docs":
		q.docs("_replicator")
	case len(path) > 1 && path[0] == "docs":
		q.docsPath(path[1:])
	default:
		q.json(http.StatusNotFound, `{"error":"not found"}`)
	}
}

// docsPath tells a database from a document. The slashes of a database's name need not be
// escaped here, since _replicator is no document.
func (q *request) docsPath(path []string) {
	if len(path) <= 2 && isReplicator(path[0]) {
		path = append([]string{path[0]}, path[1:]...)
	} else if i := slices.Index(path, "_replicator"); i >= 0 {
		path = append([]string{strings.Join(path[:i+1], "/")}, path[i+1:]...)
	} else {
		path = nil
	}
	switch len(path) {
	case 1:
		q.docs(path[0])
	case 2:
		q.doc(path[0], path[1])
	default:
		q.fail(http.StatusBadRequest, "bad_request", "Invalid path")
	}
}

// doc answers the row of one document.
func (q *request) doc(database, id string) {
	q.s.mu.RLock()
	var body []byte
	if db := q.s.databases[database]; db != nil {
		if r := db.docs[id]; r != nil && !r.deleted {
			body = r.appendRow(nil, q.s.clock())
		}
	}
	q.s.mu.RUnlock()
	if body == nil {
		q.missing("missing")
		return
	}
	q.bytes(http.StatusOK, append(body, '\n'))
}

// docs streams the rows of one database.
func (q *request) docs(database string) {
	page, bad := parsePage(q.URL.Query())
	if bad != nil {
		q.fail(bad.status, bad.kind, bad.reason)
		return
	}
	q.s.mu.Lock()
	db := q.s.databases[database]
	if db == nil {
		q.s.mu.Unlock()
		q.missing("Database does not exist.")
		return
	}
	all, total, now := db.order.list(), db.live, q.s.clock()
	q.s.mu.Unlock()
	if q.Method == http.MethodHead {
		q.w.Header().Set("Content-Length", "0") // which is not true of a GET
		return
	}
	q.stream()
	rows, before := page.between(all)
	b := append(appendListHead(total, before+min(page.skip, len(all)-before), "docs"), "\r\n"...)
	pick := &pick{page: &page}
	for chunk := range slices.Chunk(rows, batch) {
		if pick.full() {
			break
		}
		b = q.appendRows(b, chunk, pick, now)
		if _, err := q.w.Write(b); err != nil {
			return
		}
		b = b[:0]
	}
	q.w.Write(append(b, "\r\n]}"...))
	q.w.Write([]byte{'\n'})
}

// appendRows writes those of some rows that are picked.
func (q *request) appendRows(b []byte, rows []*Replication, pick *pick, now time.Time) []byte {
	q.s.mu.RLock()
	defer q.s.mu.RUnlock()
	odd := oddRow(q.Request)
	for _, r := range rows {
		if pick.full() {
			break
		}
		if !pick.offers(r) || !r.listed() || !pick.wants(r.state()) || !pick.takes() {
			continue
		}
		if pick.sent > 1 {
			b = append(b, ",\r\n"...)
		}
		b = r.appendRow(b, now)
		if pick.sent == 1 && odd != "" {
			b = append(append(b, ",\r\n"...), odd...)
		}
	}
	return b
}

// listed reports whether the list of documents shows it: not a design document, not one that
// nobody claims.
func (r *Replication) listed() bool {
	switch r.phase {
	case completed, failed:
		return true
	case unclaimed, gone:
		return false
	}
	return !r.s.down[r.node]
}

// jobs answers all jobs. As CouchDB does, it makes the whole body before the first byte.
func (q *request) jobs() {
	limit, skip, bad := parseJobsPage(q.URL.Query())
	if bad != nil {
		q.fail(bad.status, bad.kind, bad.reason)
		return
	}
	all, now := q.allJobs()
	offset := min(skip, len(all))
	rows := all[offset:]
	rows = rows[:min(limit, len(rows))]
	odd := oddRow(q.Request)
	q.list(appendListHead(len(all), offset, "jobs"), rows, func(b []byte, r *Replication, first bool) []byte {
		if r.phase != scheduled {
			return b
		}
		if !first {
			b = append(b, ',')
		}
		b = r.appendJob(b, now)
		if first && odd != "" {
			b = append(append(b, ','), odd...)
		}
		return b
	}, "]}\n")
}

func (q *request) activeTasks() {
	all, now := q.allJobs()
	q.list([]byte{'['}, all, func(b []byte, r *Replication, first bool) []byte {
		if r.pid == "" || r.hidden || r.silent {
			return b
		}
		if !first {
			b = append(b, ',')
		}
		return r.appendTask(b, now)
	}, "]\n")
}

// allJobs are the jobs of the nodes that answer.
func (q *request) allJobs() ([]*Replication, time.Time) {
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	all := q.s.jobOrder.list()
	if len(q.s.down) > 0 {
		all = slices.DeleteFunc(slices.Clone(all), func(r *Replication) bool { return q.s.down[r.node] })
	}
	return all, q.s.clock()
}

// list answers with rows whose length must be known before they are sent. It makes them in
// pieces, which the next list uses again: a long one is neither copied as it grows nor new
// memory each time.
func (q *request) list(head []byte, rows []*Replication, appendRow func(b []byte, r *Replication, first bool) []byte, tail string) {
	pieces, length, first := []*[]byte{}, len(head)+len(tail), true
	for chunk := range slices.Chunk(rows, batch) {
		piece, _ := q.s.pieces.Get().(*[]byte)
		if piece == nil {
			piece = new([]byte)
		}
		b := (*piece)[:0]
		q.s.mu.RLock()
		for _, r := range chunk {
			had := len(b)
			b = appendRow(b, r, first)
			first = first && len(b) == had
		}
		q.s.mu.RUnlock()
		*piece = b
		pieces, length = append(pieces, piece), length+len(b)
	}
	defer func() {
		for _, piece := range pieces {
			q.s.pieces.Put(piece)
		}
	}()
	q.w.Header().Set("Content-Length", strconv.Itoa(length))
	q.w.WriteHeader(http.StatusOK)
	if q.Method == http.MethodHead {
		return
	}
	q.w.Write(head)
	for _, piece := range pieces {
		if _, err := q.w.Write(*piece); err != nil {
			return
		}
	}
	io.WriteString(q.w, tail)
}

func (q *request) job(id string) {
	q.s.mu.RLock()
	var body []byte
	if r := q.s.jobs[id]; r != nil && !q.s.down[r.node] {
		body = r.appendJob(nil, q.s.clock())
	}
	q.s.mu.RUnlock()
	if body == nil {
		q.missing("missing")
		return
	}
	q.bytes(http.StatusOK, append(body, '\n'))
}

func (q *request) membership() {
	q.s.mu.RLock()
	var up []byte
	for _, node := range q.s.opts.Nodes {
		if !q.s.down[node] {
			up = appendString(append(up, ','), node)
		}
	}
	q.s.mu.RUnlock()
	var all []byte
	for _, node := range q.s.opts.Nodes {
		all = appendString(append(all, ','), node)
	}
	q.plain()
	q.json(http.StatusOK, `{"all_nodes":[`+strings.TrimPrefix(string(up), ",")+
		`],"cluster_nodes":[`+strings.TrimPrefix(string(all), ",")+`]}`)
}

func (q *request) allDatabases() {
	q.s.mu.RLock()
	names := []string{"_users"}
	for name := range q.s.databases {
		names = append(names, name)
	}
	for name, src := range q.s.sources {
		if local(name) && !src.missing && !isReplicator(name) {
			names = append(names, name)
		}
	}
	q.s.mu.RUnlock()
	slices.Sort(names)
	b := []byte{'['}
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, name)
	}
	q.json(http.StatusOK, string(append(b, ']')))
}
