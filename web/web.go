// Package web serves what the board shows: the page, its live feed, the API, the metrics, and
// whether the daemon is well.
//
// # Promises
//
// Reading waits for nobody: what servers show is read from the board without a lock. A reader
// that is too slow for the live feed is dropped, and no reader makes a check or a delivery wait.
// Every request is bounded in size and time. What must not be shown is not: nothing of a config
// but names comes here.
//
// # Not promised
//
// That the feed tells everything: a page reads anew what it shows when it is connected again.
//
// # Testing
//
// With a board and a store in memory behind a server of net/http/httptest; the page in Chromium.
package web

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"watchdog/alert"
	"watchdog/board"
	"watchdog/notify"
	"watchdog/snapshot"
	"watchdog/store"
)

// Archive is what the store knows and the board does not: history, and what is on its way.
type Archive interface {
	Transitions(ctx context.Context, f store.TransitionFilter) ([]alert.Transition, error)
	Deliveries(ctx context.Context, f store.DeliveryFilter) ([]store.Delivery, error)
	// Delivery is store.ErrNoDelivery when there is none of that id.
	Delivery(ctx context.Context, id string) (*store.Delivery, error)
	Backlogs(ctx context.Context) ([]store.Backlog, error)
	// RetryDead queues dead deliveries again; one that is not dead is an error.
	RetryDead(ctx context.Context, at time.Time, ids ...string) error
}

// Options are what a Server needs. All but Reload, Replicas, Alive, Heartbeat and Log must be given.
type Options struct {
	Settings
	Board     *board.Board
	Archive   Archive
	Said      Said
	Histories Histories
	// Explain says of each rule what it makes of one replication, as it was seen at a time, with
	// what is remembered of it and the alerts of its server.
	Explain func(ctx context.Context, of alert.Subject, row *snapshot.Replication, at time.Time, alerts []alert.Alert) ([]Explained, error)
	// List gives, for each alert of a list, what people should know beside it; nil means that
	// nothing mutes any, and nobody has any.
	List func([]alert.Alert) []Listed
	// Windows says which windows are open at a time; nil means that there are none.
	Windows func(now time.Time) []notify.WindowState
	// ComeDue makes a check run now; false when there is no such check.
	ComeDue func(server, check string) bool
	// Reload loads the config anew, and says what came of it. A config that is bad is a diag.List.
	// Nil: it cannot be loaded anew.
	Reload func(context.Context) (*Reloaded, error)
	// Replicas are those that share the store; nil: this process has it to itself.
	Replicas Replicas
	// Alive says what in the daemon hangs; nil: it is not known.
	Alive func() error
	// Heartbeat is when a dead man's switch was last called; nil, or a zero time: never.
	Heartbeat func() time.Time
	// ConfigPath is the file that the config was read from.
	ConfigPath string
	Build      Build
	Log        *slog.Logger
}

// Build is which program this is.
type Build struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
	Store   string `json:"store"` // sqlite or memory
}

// Server is the HTTP side of the daemon. Make one with New, then call Listen and Run, or use
// Handler alone.
type Server struct {
	Options
	log      *slog.Logger
	mux      http.Handler // within the gate
	now      atomic.Pointer[face]
	feed     *feed
	metrics  *metrics
	page     *page
	sparks   sparklines
	config   atomic.Pointer[configState]
	listener net.Listener
}

// New makes a server that does not listen yet.
func New(o Options) *Server {
	s := &Server{Options: o, log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), feed: newFeed(), page: newPage()}
	if s.Replicas == nil {
		s.Replicas = alone{}
	}
	s.metrics = newMetrics(s)
	s.mux = s.routes()
	s.Change(o.Settings)
	return s
}

// Publish tells readers of what a report brought. It is quick, and may be called by anyone.
func (s *Server) Publish(c board.Change) {
	s.metrics.observe(c)
	s.feed.changed(c)
}

// Handler is everything that is served.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.now.Load().handler.ServeHTTP(w, r) })
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", s.metrics.handler())
	mux.HandleFunc("GET /{$}", s.serveIndex)
	mux.HandleFunc("GET /replications/{server}/{database}/{doc_id}", s.serveStory)
	mux.HandleFunc("GET /assets/{name}", s.page.serveAsset)
	for i := range operations {
		op := &operations[i]
		mux.HandleFunc(op.method+" "+op.path, func(w http.ResponseWriter, r *http.Request) { s.answer(op, w, r) })
		if op.form != "" {
			mux.HandleFunc("POST "+op.form, func(w http.ResponseWriter, r *http.Request) { s.submit(op, w, r) })
		}
	}
	mux.HandleFunc("GET /api/v1/openapi.json", s.serveOpenAPI)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.noSuch(mux, w, r) })
	return mux
}

// noSuch answers what no handler is there for: wrong path, or wrong method.
func (s *Server) noSuch(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "" && pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		refuse(w, r, http.StatusNotFound, "there is nothing at this address")
		return
	}
	w.Header()["Allow"] = allowed
	refuse(w, r, http.StatusMethodNotAllowed, "this address takes other methods")
}
