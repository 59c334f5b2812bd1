package soak

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"watchdog/scheduler/couchtest"
)

const (
	lives   = 12 // replications at a time
	readers = 3
	streams = 4 // readers of the live feed
)

// bustle lets everything come and go until ctx ends. Each of those that do something has chance of
// its own.
func (w *world) bustle(ctx context.Context, running func(func())) {
	n := uint64(0)
	begin := func(do func(context.Context, *rand.Rand, int)) {
		n++
		chance := rand.New(rand.NewPCG(n, 8))
		running(func() {
			for round := 0; ctx.Err() == nil; round++ {
				do(ctx, chance, round)
			}
		})
	}
	for i := range lives {
		begin(func(ctx context.Context, chance *rand.Rand, round int) {
			w.live(ctx, chance, fmt.Sprintf("doc-%d-%d", i, round))
		})
	}
	for range readers {
		begin(w.read)
	}
	for range streams {
		begin(w.stream)
	}
	begin(w.reload)
	begin(w.silence)
	begin(w.acknowledge)
	begin(w.sinkAway)
	begin(w.serverAway)
}

// live is the life of one replication, from its document to its deletion.
func (w *world) live(ctx context.Context, chance *rand.Rand, doc string) {
	r := w.couch.Put("_replicator", doc, couchtest.Spec{Rate: 5})
	w.latest.Store(doc)
	defer w.done.lives.Add(1)
	defer r.Delete()
	pause(ctx, chance, 500*time.Millisecond)
	r.Start()
	pause(ctx, chance, time.Second)
	switch chance.IntN(4) {
	case 0:
		r.Fail("no luck with " + doc)
	case 1:
		for range 3 {
			r.Crash("db_not_found: could not open " + doc)
			pause(ctx, chance, 300*time.Millisecond)
			r.Recover()
		}
		r.Crash("db_not_found: could not open " + doc)
	case 2:
		r.Stall()
		pause(ctx, chance, 6*time.Second)
		r.Resume()
	case 3:
		r.Fault("no filter for " + doc)
	}
	pause(ctx, chance, 2*time.Second)
	if chance.IntN(2) == 0 {
		r.Rewrite()
		r.Start()
		pause(ctx, chance, time.Second)
	}
}

// read asks for what the page and its readers ask for.
func (w *world) read(ctx context.Context, chance *rand.Rand, _ int) {
	doc := fmt.Sprint("/prod/_replicator/", w.latest.Load())
	paths := []string{
		"/", "/api/v1/alerts", "/api/v1/replications", "/api/v1/checks", "/api/v1/deliveries?limit=20", "/api/v1/transitions?limit=20",
		"/api/v1/silences", "/api/v1/status", "/api/v1/openapi.json", "/readyz",
		"/replications" + doc, "/api/v1/replications" + doc + "/history",
	}
	path := paths[chance.IntN(len(paths))]
	status, answer, err := w.daemon.ask(ctx, http.MethodGet, path, "")
	if ctx.Err() != nil {
		return
	}
	if err != nil || status >= http.StatusInternalServerError && path != "/readyz" {
		w.wrong("GET %s: got %d, %v: %s", path, status, err, answer)
	}
	w.done.reads.Add(1)
	pause(ctx, chance, 50*time.Millisecond)
}

// stream listens for a moment and goes away, without a word.
func (w *world) stream(ctx context.Context, chance *rand.Rand, _ int) {
	while, leave := context.WithTimeout(ctx, time.Duration(chance.Int64N(int64(500*time.Millisecond))))
	defer leave()
	req, err := http.NewRequestWithContext(while, http.MethodGet, w.daemon.url+"/api/v1/events", http.NoBody)
	if err != nil {
		w.wrong("%v", err)
		return
	}
	resp, err := w.daemon.client.Do(req)
	if err != nil {
		return // it left before there was an answer
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		w.wrong("GET /api/v1/events: got %s", resp.Status)
	}
	_, _ = io.Copy(io.Discard, resp.Body) // until it leaves
	w.done.streams.Add(1)
}

// reload changes the config; each seventh is a bad one.
func (w *world) reload(ctx context.Context, chance *rand.Rand, round int) {
	text, want := w.text(chance.IntN(variants)), http.StatusOK
	if round%7 == 6 {
		text, want = "servers: [", http.StatusUnprocessableEntity
	}
	if err := write(w.config, text); err != nil {
		w.wrong("%v", err)
	}
	status, answer, err := w.daemon.ask(ctx, http.MethodPost, "/api/v1/reload", "")
	if ctx.Err() == nil && (err != nil || status != want) {
		w.wrong("reload: got %d, %v, want %d: %s", status, err, want, answer)
	}
	w.done.reloads.Add(1)
	pause(ctx, chance, 400*time.Millisecond)
}

// silence mutes something for a while, and each second time ends it itself.
func (w *world) silence(ctx context.Context, chance *rand.Rand, round int) {
	body := fmt.Sprintf(`{"match": {"doc_id": ["doc-%d-*"]}, "for": "1s", "comment": "soak"}`, chance.IntN(lives))
	status, answer, err := w.daemon.ask(ctx, http.MethodPost, "/api/v1/silences", body)
	var made struct{ ID string }
	if err == nil {
		err = json.Unmarshal(answer, &made)
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil || status != http.StatusCreated {
		w.wrong("silence: got %d, %v: %s", status, err, answer)
	}
	w.done.silences.Add(1)
	pause(ctx, chance, 300*time.Millisecond)
	if round%2 == 0 {
		_, _, _ = w.daemon.ask(ctx, http.MethodDelete, "/api/v1/silences/"+made.ID, "") // it may have ended
	}
}

// acknowledge takes the first alert that fires, and half of the time gives it back.
func (w *world) acknowledge(ctx context.Context, chance *rand.Rand, _ int) {
	_, answer, err := w.daemon.ask(ctx, http.MethodGet, "/api/v1/alerts?status=firing&limit=1", "")
	var list struct {
		Alerts []struct{ Fingerprint string }
	}
	if err == nil && json.Unmarshal(answer, &list) == nil && len(list.Alerts) > 0 {
		path := "/api/v1/alerts/" + list.Alerts[0].Fingerprint + "/ack"
		_, _, _ = w.daemon.ask(ctx, http.MethodPut, path, `{"by": "soak"}`) // it may have ended
		if chance.IntN(2) == 0 {
			_, _, _ = w.daemon.ask(ctx, http.MethodDelete, path, "")
		}
	}
	pause(ctx, chance, 400*time.Millisecond)
}

// sinkAway lets one of the receivers be away for a moment.
func (w *world) sinkAway(ctx context.Context, chance *rand.Rand, _ int) {
	pause(ctx, chance, 2*time.Second)
	r := w.receivers[chance.IntN(len(w.receivers))]
	r.away.Store(true)
	defer r.away.Store(false)
	w.done.outages.Add(1)
	pause(ctx, chance, 600*time.Millisecond)
}

// serverAway lets the server answer wrongly, or not, for a moment.
func (w *world) serverAway(ctx context.Context, chance *rand.Rand, _ int) {
	pause(ctx, chance, 3*time.Second)
	how := []couchtest.Behaviour{
		couchtest.Status(http.StatusInternalServerError), couchtest.Hang(), couchtest.Truncate(300), couchtest.Garbage(),
		couchtest.Delay(200 * time.Millisecond),
	}
	defer w.couch.Inject(couchtest.Fault{Do: how[chance.IntN(len(how))]})()
	w.couch.ExpireSessions()
	w.done.outages.Add(1)
	pause(ctx, chance, 600*time.Millisecond)
}

// pause waits for a while by chance, of most at most, unless ctx ends.
func pause(ctx context.Context, chance *rand.Rand, most time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(chance.Int64N(int64(most)))):
	}
}
