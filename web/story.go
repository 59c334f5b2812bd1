package web

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"watchdog/alert"
	"watchdog/board"
	"watchdog/history"
	"watchdog/snapshot"
	"watchdog/store"
)

// Histories is what is known of the past of replications.
type Histories interface {
	// Past is what is known of one replication from a time on.
	Past(ctx context.Context, of alert.Subject, from time.Time) (*history.Past, error)
	// Missed is how many looks and writes were lost to history.
	Missed() int64
}

// storyRange is how far back a story goes.
type storyRange struct {
	Name string // as the address has it
	step time.Duration
	n    int
}

// storyRanges are those to choose from. A step is at least as long as that of what is kept of its
// time (history.Levels).
var storyRanges = []storyRange{
	{"1h", 30 * time.Second, 120},
	{"6h", 2 * time.Minute, 180},
	{"24h", 10 * time.Minute, 144},
	{"7d", time.Hour, 168},
	{"90d", 12 * time.Hour, 180},
}

// chart is the range that ends in the step of a time.
func (r storyRange) chart(until time.Time) history.Chart {
	end := until.UTC().Truncate(r.step)
	if end.Before(until) {
		end = end.Add(r.step)
	}
	return history.Chart{From: end.Add(-time.Duration(r.n) * r.step), Step: r.step, Steps: r.n}
}

// storyPath is the address of a replication's story.
func storyPath(server, database, docID string) string {
	return "/replications/" + url.PathEscape(server) + "/" + url.PathEscape(database) + "/" + url.PathEscape(docID)
}

// historyPath is the address of a replication's history in the API.
func historyPath(of alert.Subject) string {
	return "/api/v1" + storyPath(of.Server, of.Database, of.DocID) + "/history"
}

func subjectOf(r *http.Request) alert.Subject {
	return alert.Subject{Server: r.PathValue("server"), Database: r.PathValue("database"), DocID: r.PathValue("doc_id")}
}

func (s *Server) serveStory(w http.ResponseWriter, r *http.Request) {
	v, err := s.story(r, time.Now())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var b bytes.Buffer
	if err := s.page.template.ExecuteTemplate(&b, "story.html", v); err != nil {
		s.fail(w, r, fmt.Errorf("render the story of %s: %w", v.Of, err))
		return
	}
	write(w, r, http.StatusOK, "text/html; charset=utf-8", b.Bytes())
}

// storyView is everything that a story shows.
type storyView struct {
	Now     time.Time
	Build   Build
	Of      alert.Subject
	Title   string // of the window
	Row     *rowView
	SeenAt  time.Time // when the row was
	Watcher string    // the replica that saw it, where that is another
	Unread  string    // why the server cannot be read, "" when it can
	Ranges  []choice
	Range   string
	States  stateLine
	Charts  []chart
	Events  []history.Event // the latest first
	More    int             // events that are not shown
	Firing  []Listed        // and pending, with who has it and what mutes it
	Rules   []Explained
	Told    []told
	NoStore bool // what the store knows cannot be read
}

const (
	eventsOfStory      = 30
	transitionsOfStory = 20
)

func (s *Server) story(r *http.Request, now time.Time) (*storyView, error) {
	name := cmp.Or(r.URL.Query().Get("range"), storyRanges[0].Name)
	i := slices.IndexFunc(storyRanges, func(one storyRange) bool { return one.Name == name })
	if i < 0 {
		return nil, &failure{status: http.StatusBadRequest, detail: "there is no such range"}
	}
	v := &storyView{Now: now, Build: s.Build, Of: subjectOf(r), Range: name}
	s.Replicas.Show(r.Context(), true)
	seen := s.Board.Server(v.Of.Server)
	if seen == nil {
		return nil, &failure{status: http.StatusNotFound, detail: fmt.Sprintf("there is no server %q", v.Of.Server)}
	}
	until := now
	if seen.Looked != nil && !seen.Looked.Failed() {
		until = seen.Looked.At // since then nobody has looked
	}
	in := storyRanges[i].chart(until)
	past, err := s.Histories.Past(r.Context(), v.Of, in.From)
	if err != nil {
		s.log.Warn("history cannot be read", "server", v.Of.Server, "database", v.Of.Database, "doc_id", v.Of.DocID, "err", err)
		past, v.NoStore = &history.Past{}, true
	}
	var row *snapshot.Replication
	if seen.Seen != nil {
		row = find(seen.Seen, snapshot.Key{Database: v.Of.Database, DocID: v.Of.DocID})
	}
	if row == nil && err == nil && len(past.Events) == 0 && len(past.Points) == 0 {
		return nil, &failure{status: http.StatusNotFound, detail: fmt.Sprintf("nothing is known of a replication %s", v.Of)}
	}
	state := ""
	if row != nil {
		shown := newRowView(rowOf(row, seen, s.watcher(seen)))
		v.Row, v.SeenAt, state = &shown, seen.Seen.At, shown.State
	}
	if seen.Elsewhere {
		v.Watcher = seen.Replica
	}
	if seen.Looked != nil && seen.Looked.Failed() {
		v.Unread = message(seen.Looked.Err())
	}
	v.Title = v.Of.DocID + " · Watchdog"
	for _, one := range storyRanges {
		link := storyPath(v.Of.Server, v.Of.Database, v.Of.DocID) + "?range=" + one.Name
		v.Ranges = append(v.Ranges, choice{State: one.Name, Link: link, Current: one.Name == name})
	}
	v.Firing = s.listed(slices.DeleteFunc(slices.Clone(seen.Alerts), func(a alert.Alert) bool { return a.Subject() != v.Of }))
	v.draw(past, in, state, until)
	if row != nil {
		v.Rules, err = s.Explain(r.Context(), v.Of, row, seen.Seen.At, seen.Alerts)
		v.NoStore = v.NoStore || err != nil
	}
	if v.Told, err = s.told(r.Context(), v.Of); err != nil {
		v.NoStore = true
	}
	return v, nil
}

// find is a replication of a look, nil when it is not there.
func find(s *snapshot.Snapshot, key snapshot.Key) *snapshot.Replication {
	i, found := slices.BinarySearchFunc(s.Replications, key, func(r *snapshot.Replication, key snapshot.Key) int { return r.Key.Compare(key) })
	if !found {
		return nil
	}
	return s.Replications[i]
}

func rowOf(r *snapshot.Replication, v *board.View, watcher string) row {
	return row{r, v.Server, v.Seen.At, watcher}
}

// draw makes the pictures.
func (v *storyView) draw(past *history.Past, in history.Chart, state string, until time.Time) {
	v.States = newStateLine(past, in, state, until)
	rates := func(name, class string, c history.Counter) numbers { return numbers{name, class, past.Rates(c, in)} }
	v.Charts = []chart{
		newChart("documents", "Documents", "/s", in, rates("written", "first", history.DocsWritten), rates("read", "second", history.DocsRead)),
		newChart("pending", "Changes pending", "", in, numbers{"pending", "third", past.Highest(history.ChangesPending, in)}),
		newChart("revisions", "Revisions checked", "/s", in, rates("checked", "second", history.RevisionsChecked)),
		newChart("failures", "Write failures", "/s", in, rates("failed", "bad", history.DocWriteFailures)),
	}
	for i := len(past.Events) - 1; i >= 0; i-- {
		switch e := past.Events[i]; {
		case e.At.Before(in.From) && e.Kind == history.Crash:
		case len(v.Events) == eventsOfStory:
			v.More++
		default:
			v.Events = append(v.Events, e)
		}
	}
}

// told is a transition, and where it went.
type told struct {
	alert.Transition
	Deliveries []store.Delivery
}

// told gives what was told of a replication, the latest first.
func (s *Server) told(ctx context.Context, of alert.Subject) ([]told, error) {
	transitions, err := s.Archive.Transitions(ctx, store.TransitionFilter{
		Server: of.Server, Database: of.Database, DocID: of.DocID, Limit: transitionsOfStory,
	})
	if err != nil {
		return nil, err
	}
	all := make([]told, len(transitions))
	byFingerprint := map[string][]store.Delivery{}
	for i, t := range transitions {
		all[i].Transition = t
		deliveries, read := byFingerprint[t.Fingerprint]
		if !read {
			deliveries, err = s.Archive.Deliveries(ctx, store.DeliveryFilter{Fingerprint: t.Fingerprint, Limit: transitionsOfStory})
			if err != nil {
				return nil, err
			}
			byFingerprint[t.Fingerprint] = deliveries
		}
		for _, d := range deliveries {
			if tells(&d, &t) {
				all[i].Deliveries = append(all[i].Deliveries, d)
			}
		}
	}
	return all, nil
}

// tells reports whether a delivery tells of a transition.
func tells(d *store.Delivery, t *alert.Transition) bool {
	return slices.ContainsFunc(d.Alerts, func(a alert.Transition) bool {
		return a.Fingerprint == t.Fingerprint && a.At.Equal(t.At) && a.Status == t.Status
	})
}
