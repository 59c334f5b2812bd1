package couchtest

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// feed is what is asked of /{db}/_changes.
type feed struct {
	mode      string // normal, longpoll or continuous
	since     string // "" is the beginning
	limit     int
	heartbeat time.Duration // 0 is none
	timeout   time.Duration
	docs      bool
}

func parseFeed(v url.Values) (feed, *badQuery) {
	f := feed{
		mode:    cmp.Or(v.Get("feed"), "normal"),
		since:   cmp.Or(strings.Trim(v.Get("since"), `"`), "0"),
		limit:   math.MaxInt,
		timeout: time.Minute,
		docs:    v.Get("include_docs") == "true",
	}
	for name, set := range map[string]func(int){
		"limit":     func(n int) { f.limit = n },
		"timeout":   func(n int) { f.timeout = time.Duration(n) * time.Millisecond },
		"heartbeat": func(n int) { f.heartbeat = time.Duration(n) * time.Millisecond },
	} {
		switch text := v.Get(name); {
		case text == "":
		case text == "true" && name == "heartbeat":
			f.heartbeat = time.Minute
		default:
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 {
				return f, &badQuery{http.StatusBadRequest, "bad_request", "invalid_integer"}
			}
			set(n)
		}
	}
	if _, ok := parseSeq(f.since); !ok && f.since != "now" {
		return f, &badQuery{http.StatusBadRequest, "bad_request", "Malformed sequence supplied in 'since' parameter."}
	}
	return f, nil
}

// from is the number to begin after, where the database is at seq. The sequence of another database, or of one that was
// deleted and had this name, means nothing: CouchDB then begins at the
// beginning. A salt of 0 takes every sequence for its own.
func (f *feed) from(seq int64, salt uint64) int64 {
	if f.since == "now" {
		return seq
	}
	n, _ := parseSeq(f.since)
	own := string(appendSeq(nil, salt, n))
	if salt != 0 && len(f.since) == len(own) && f.since != own {
		return 0
	}
	return n
}

// changes answers the feed of a replicator database.
func (q *request) changes(db *database) {
	f, bad := parseFeed(q.URL.Query())
	if bad != nil {
		q.fail(bad.status, bad.kind, bad.reason)
		return
	}
	q.s.mu.RLock()
	since := f.from(db.seq, db.salt)
	q.s.mu.RUnlock()
	if f.mode == "continuous" {
		q.continuous(db, f, since)
		return
	}
	if f.mode == "normal" {
		q.w.Header()["ETag"] = []string{fmt.Sprintf(`"%X"`, db.salt^uint64(since))}
	}
	if q.Method == http.MethodHead {
		return
	}
	q.stream()
	q.w.Write([]byte("{\"results\":[\n"))
	rows, last, more := q.changesSince(db, since, f)
	if rows == nil && f.mode == "longpoll" && f.limit > 0 {
		q.flush()
		until := q.until(f)
		for rows == nil && q.await(db, since, f, until) {
			rows, last, more = q.changesSince(db, since, f)
		}
	}
	for i, row := range rows {
		if i > 0 {
			q.w.Write([]byte(",\n"))
		}
		q.w.Write(row)
	}
	fmt.Fprintf(q.w, "\n],\n\"last_seq\":\"%s\",\"pending\":%d}\n\n", appendSeq(nil, db.salt, last), more)
}

// continuous answers with a line for each change, until the time is over.
func (q *request) continuous(db *database, f feed, since int64) {
	q.stream()
	for left := f.limit; left > 0; {
		rows, last, _ := q.changesSince(db, since, feed{limit: left, docs: f.docs})
		for _, row := range rows {
			q.w.Write(append(row, '\n'))
		}
		left, since = left-len(rows), last
		q.flush()
		if rows == nil && !q.await(db, since, f, q.until(f)) {
			break
		}
	}
	fmt.Fprintf(q.w, "{\"last_seq\":\"%s\",\"pending\":0}\n\n", appendSeq(nil, db.salt, since))
}

// changesSince makes the rows of what changed after since, says where they end, and how many
// more there are.
func (q *request) changesSince(db *database, since int64, f feed) (rows [][]byte, last int64, more int) {
	q.s.mu.RLock()
	defer q.s.mu.RUnlock()
	changes, more := db.since(since, f.limit)
	for _, c := range changes {
		b := appendSeq([]byte(`{"seq":"`), db.salt, c.seq)
		b = appendString(append(b, `","id":`...), c.r.id)
		b = fmt.Appendf(b, `,"changes":[{"rev":%q}]`, c.r.revision())
		if c.r.deleted {
			b = append(b, `,"deleted":true`...)
		}
		if f.docs {
			b = c.r.appendBody(append(b, `,"doc":`...), q.s.clock())
		}
		rows = append(rows, append(b, '}'))
	}
	switch {
	case len(rows) > 0 && more > 0:
		last = changes[len(changes)-1].seq
	case more > 0:
		last = since // a limit of 0
	default:
		last = db.seq
	}
	return rows, last, more
}

// until is when a waiting feed ends, zero if heartbeats keep it open.
func (q *request) until(f feed) time.Time {
	if f.heartbeat > 0 {
		return time.Time{}
	}
	return time.Now().Add(f.timeout)
}

// await waits for a change after since, and runs the script meanwhile. It reports false when
// the time is over. Waiting is in real time, whatever the server's clock.
func (q *request) await(db *database, since int64, f feed, until time.Time) bool {
	beat := newTimer(f.heartbeat, f.heartbeat > 0)
	defer beat.Stop()
	end := newTimer(time.Until(until), !until.IsZero())
	defer end.Stop()
	for {
		q.s.mu.Lock()
		changed, seq := db.wait(), db.seq
		q.s.mu.Unlock()
		if seq > since {
			return true
		}
		due, rescheduled := q.s.agenda.next()
		step := newTimer(due.Sub(q.s.Now()), !due.IsZero())
		select {
		case <-changed:
		case <-step.C:
			q.s.agenda.run(q.s.Now)
		case <-rescheduled:
		case <-beat.C:
			q.w.Write([]byte("\n"))
			q.flush()
			beat.Reset(f.heartbeat)
		case <-end.C:
			step.Stop()
			return false
		case <-q.Context().Done():
			step.Stop()
			panic(http.ErrAbortHandler) // a feed that is cut must not look as if it had ended
		}
		step.Stop()
	}
}

// newTimer is a timer that never fires where it is not wanted.
func newTimer(d time.Duration, wanted bool) *time.Timer {
	if !wanted {
		t := time.NewTimer(time.Hour)
		t.Stop()
		return t
	}
	return time.NewTimer(d)
}

func (q *request) flush() { http.NewResponseController(q.w).Flush() }

// sourceChanges answers how many changes a source has after a sequence, which is all that there
// is to know of a database whose documents are not simulated.
func (q *request) sourceChanges(src *source) {
	f, bad := parseFeed(q.URL.Query())
	if bad != nil {
		q.fail(bad.status, bad.kind, bad.reason)
		return
	}
	q.s.mu.RLock()
	now := src.at(q.s.clock())
	q.s.mu.RUnlock()
	last, pending := f.from(now, 0), int64(0)
	if f.limit == 0 {
		pending = max(0, now-last)
	} else {
		last = now
	}
	q.w.Header()["ETag"] = []string{fmt.Sprintf(`"%X"`, src.salt^uint64(now))}
	if q.Method == http.MethodHead {
		return
	}
	q.stream()
	fmt.Fprintf(q.w, "{\"results\":[\n\n],\n\"last_seq\":\"%s\",\"pending\":%d}\n\n", appendSeq(nil, src.salt, last), pending)
}
