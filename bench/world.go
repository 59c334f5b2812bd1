package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"watchdog/scheduler/couchtest"
)

// maxJobs is how many replications a node of CouchDB runs at a time by default; the others wait.
const maxJobs = 500

// fleet is a simulated server with replications, whose connections are counted.
type fleet struct {
	*couchtest.Server
	url         string
	connections atomic.Int64 // that were made
	stop        func()
}

// newFleet is a server with so many replications: as many as one node runs are running and
// write five documents a second each, the others wait for their turn.
func newFleet(ctx context.Context, replications int) (*fleet, error) {
	f := &fleet{Server: populated(replications)}
	var err error
	f.url, f.stop, err = serve(ctx, f, &f.connections)
	return f, err
}

func populated(replications int) *couchtest.Server {
	s := couchtest.New(couchtest.Options{})
	for i := range replications {
		spec := couchtest.Spec{State: couchtest.Pending, Docs: 5000}
		if i < maxJobs {
			spec.State, spec.Rate = couchtest.Running, 5
		}
		s.Put("_replicator", doc(i), spec)
	}
	return s
}

func doc(i int) string { return fmt.Sprintf("orders-%07d", i) }

// traffic is all that was asked and sent since ForgetRequests.
func (f *fleet) traffic() (requests int, bytes int64) {
	for _, t := range f.Traffic() {
		requests += t.Requests
		bytes += t.Bytes
	}
	return requests, bytes
}

// serve answers on a port of this machine until stop is called, and counts connections.
func serve(ctx context.Context, h http.Handler, connections *atomic.Int64) (url string, stop func(), err error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(ctx) // ends long polls
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: time.Minute,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew && connections != nil {
				connections.Add(1)
			}
		},
	}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(l) }) // it ends by Close
	return "http://" + l.Addr().String(), func() {
		cancel()
		_ = server.Close()
		running.Wait()
	}, nil
}

// receiver takes webhooks, Watchdog's and Alertmanager's, and knows when each replication was
// first told of.
type receiver struct {
	url  string
	stop func()

	mu   sync.Mutex // guards told
	told map[string]chan time.Time
}

func newReceiver(ctx context.Context) (*receiver, error) {
	r := &receiver{told: map[string]chan time.Time{}}
	var err error
	r.url, r.stop, err = serve(ctx, r, nil)
	return r, err
}

// ServeHTTP notes the time before anything else.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	at := time.Now()
	var body struct {
		Alerts []struct {
			DocID  string            `json:"doc_id"` // Watchdog
			Labels map[string]string `json:"labels"` // Alertmanager
		} `json:"alerts"`
	}
	if err := json.NewDecoder(req.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, a := range body.Alerts {
		if a.DocID == "" {
			a.DocID = a.Labels["doc_id"]
		}
		select {
		case r.of(a.DocID) <- at:
		default: // told again
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// of is where the time comes at which a replication is told of.
func (r *receiver) of(docID string) chan time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.told[docID] == nil {
		r.told[docID] = make(chan time.Time, 1)
	}
	return r.told[docID]
}

// await is how long after an instant a replication was told of.
func (r *receiver) await(ctx context.Context, docID string, since time.Time) (time.Duration, error) {
	limit := time.NewTimer(2 * time.Minute)
	defer limit.Stop()
	select {
	case at := <-r.of(docID):
		return at.Sub(since), nil
	case <-limit.C:
		return 0, fmt.Errorf("%s was not told of within two minutes", docID)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}
