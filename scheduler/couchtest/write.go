package couchtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// field is one member of a document, in the order in which it was written.
type field struct {
	name  string
	value json.RawMessage
}

// parseFields reads a JSON object.
func parseFields(body []byte) ([]field, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("not an object: %v", err)
	}
	fields := []field{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		fields = append(fields, field{name.(string), value})
	}
	_, err := d.Token()
	return fields, err
}

// draft is a document that somebody wants to write.
type draft struct {
	rev     string
	deleted bool
	state   string // of a document that says itself how it ended
	reason  string
	fields  []field
	spec    Spec
}

// refusal is the reason why a document is not taken, "" if it is.
func (s *Server) draft(fields []field, design bool) (d draft, refusal string) {
	endpoints := map[string]*string{"source": &d.spec.Source, "target": &d.spec.Target}
	d.spec.OneShot = true
	d.fields = []field{}
	for _, f := range fields {
		switch f.name {
		case "_rev":
			json.Unmarshal(f.value, &d.rev)
		case "_deleted":
			json.Unmarshal(f.value, &d.deleted)
		case "_replication_state":
			json.Unmarshal(f.value, &d.state)
		case "_replication_state_reason":
			json.Unmarshal(f.value, &d.reason)
		case "continuous":
			var continuous bool
			json.Unmarshal(f.value, &continuous)
			d.spec.OneShot = !continuous
		case "create_target":
			json.Unmarshal(f.value, &d.spec.CreateTarget)
		case "filter":
			json.Unmarshal(f.value, &d.spec.Filter)
		case "owner":
			json.Unmarshal(f.value, &d.spec.Owner)
		case "source", "target":
			*endpoints[f.name] = endpointURL(f.value)
		}
		own := f.name == "_id" || f.name == "_rev" || f.name == "owner"
		ended := d.state == string(Failed) || d.state == string(Completed)
		if !own && (!strings.HasPrefix(f.name, "_replication_") || ended) {
			d.fields = append(d.fields, f)
		}
	}
	if design || d.deleted || d.state == string(Failed) || d.state == string(Completed) {
		return d, ""
	}
	for _, name := range []string{"source", "target"} {
		endpoint := *endpoints[name]
		if endpoint == "" {
			return d, "Missing replicator database"
		}
		if local(endpoint) {
			return d, "local_endpoints_not_supported"
		}
		if u, err := url.Parse(endpoint); err != nil || u.Host == "" {
			return d, "endpoint has an invalid url"
		}
	}
	return d, ""
}

// endpointURL reads an endpoint, which is a URL or an object that has one.
func endpointURL(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	var object struct{ URL string }
	json.Unmarshal(value, &object)
	return object.URL
}

// localize turns the URL of a database of this server into its name. Under the lock.
func (s *Server) localize(endpoint string) string {
	bare := strings.TrimSuffix(string(appendEndpoint(nil, s.base, endpoint)), "/")
	name, ok := strings.CutPrefix(bare, s.base+"/")
	if !ok || strings.ContainsAny(name, "/?") {
		return endpoint
	}
	if name, err := url.PathUnescape(name); err == nil {
		return name
	}
	return endpoint
}

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

// accept takes a document that a client wrote.
func (r *Replication) accept(d draft, who identity, now time.Time) {
	fresh := r.phase == gone
	r.unschedule(now)
	r.fields = d.fields
	r.design = strings.HasPrefix(r.id, "_design/")
	r.byHand = false
	if d.spec.Owner == "" {
		d.spec.Owner = who.name
	}
	d.spec.Source, d.spec.Target = r.s.localize(d.spec.Source), r.s.localize(d.spec.Target)
	known := r.s.sources[d.spec.Source] != nil
	d.spec.Speed, d.spec.Silent = 100, true
	r.apply(d.spec, now)
	r.phase = unclaimed
	switch State(d.state) {
	case Failed:
		r.phase, r.reason, r.byHand = failed, d.reason, true
	case Completed:
		r.phase, r.byHand = completed, true
	}
	if fresh {
		r.db.add(r)
	}
	r.db.write(r)
	if r.design || r.phase != unclaimed {
		return
	}
	if !known {
		if local(d.spec.Source) {
			r.src.missing = true
		} else {
			r.src.set(500, now)
		}
	}
	if !r.s.opts.Manual {
		r.live(now)
	}
}

// live is the life of a document that a client wrote, as the scheduler would lead it.
func (r *Replication) live(now time.Time) {
	rev := r.rev
	then := func(after time.Duration, from []phase, do func(now time.Time)) {
		r.s.agenda.add(now.Add(after), func() {
			r.do(func(now time.Time) {
				if r.rev == rev && slices.Contains(from, r.phase) {
					do(now)
				}
			})
		})
	}
	then(200*time.Millisecond, []phase{unclaimed}, func(time.Time) { r.phase = initializing })
	then(time.Second, []phase{initializing}, r.try)
}

// try starts the job, and tries again later if the source is not there. A job that is not
// continuous completes when it has copied all.
func (r *Replication) try(now time.Time) {
	rev := r.rev
	again := func(after time.Duration, do func(time.Time)) {
		r.s.agenda.add(now.Add(after), func() {
			r.do(func(now time.Time) {
				if r.rev == rev && r.phase == scheduled {
					do(now)
				}
			})
		})
	}
	if r.src.missing {
		r.crash("db_not_found: could not open "+string(appendEndpoint(nil, r.s.base, r.spec.Source)), now)
		again(30*time.Second<<min(max(r.errorCount()-1, 0), 10), r.try)
		return
	}
	r.start(now)
	again(time.Second, func(time.Time) { r.silent = false })
	if r.spec.OneShot && r.phase == scheduled {
		copying := time.Duration(float64(r.waitingAt(now)) / r.spec.Speed * float64(time.Second))
		again(max(copying, time.Second), r.complete)
	}
}
