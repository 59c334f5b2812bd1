package scheduler_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler"
	"watchdog/scheduler/couchtest"
	"watchdog/snapshot"
)

// house is a client whose doorbell somebody listens to, who looks at each ring.
type house struct {
	*testing.T
	srv *couchtest.Server
	c   *scheduler.Client

	looking sync.Mutex // held while somebody looks: one at a time, as the owner of a server does

	mu       sync.Mutex // guards the rest
	began    time.Time
	rings    []time.Duration
	troubles []string
}

// listen looks once, and then at each ring, until the test ends. It returns when the first look
// is over and the doorbell is quiet.
func listen(t *testing.T, srv *couchtest.Server, spec scheduler.Spec) *house {
	t.Helper()
	h := &house{T: t, srv: srv, c: home(t, srv, spec)}
	ctx, cancel := context.WithCancel(t.Context())
	var listening sync.WaitGroup
	listening.Go(func() {
		h.c.Listen(ctx, func() {
			h.mu.Lock()
			h.rings = append(h.rings, time.Since(h.began))
			h.mu.Unlock()
			h.look(ctx)
		}, func(err error) {
			h.mu.Lock()
			h.troubles = append(h.troubles, err.Error())
			h.mu.Unlock()
		})
	})
	t.Cleanup(func() { cancel(); listening.Wait() })
	h.look(ctx)
	time.Sleep(time.Minute)
	h.forget()
	return h
}

func (h *house) look(ctx context.Context) *snapshot.Snapshot {
	h.looking.Lock()
	defer h.looking.Unlock()
	return h.c.Read(ctx, time.Now(), nil)
}

// heard is how often it rang, and what troubles it told, since forget.
func (h *house) heard() (rings int, troubles []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.rings), slices.Clone(h.troubles)
}

func (h *house) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rings, h.troubles, h.began = nil, nil, time.Now()
}

// rang waits, and compares when it rang since the last call.
func (h *house) rang(when string, wait time.Duration, want ...time.Duration) {
	h.Helper()
	time.Sleep(wait)
	synctest.Wait()
	h.mu.Lock()
	got := h.rings
	h.mu.Unlock()
	if diff := cmp.Diff(want, got); diff != "" {
		h.Errorf("rings %s (-want +got):\n%s", when, diff)
	}
	h.forget()
}

func TestTheDoorbellRingsWhenADocumentIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := couchtest.New(couchtest.Options{Databases: []string{"team/_replicator"}, Manual: true})
		orders := srv.Put("team/_replicator", "orders", couchtest.Spec{State: couchtest.Running, OneShot: true})
		h := listen(t, srv, scheduler.Spec{ReplicatorDBs: []string{"*_replicator"}})
		h.rang("when nothing is written", time.Hour)
		orders.Crash("db_not_found")
		h.rang("after a crash, which is not written", time.Minute)
		orders.Complete()
		h.rang("when it completes", time.Minute, 20*time.Millisecond)
		orders.Delete()
		h.rang("when it is deleted", time.Minute, 20*time.Millisecond)
	})
}

func TestABurstIsAFewRings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := couchtest.New(couchtest.Options{})
		h := listen(t, srv, scheduler.Spec{})
		for i := range 10_000 {
			srv.Put("_replicator", fmt.Sprintf("doc%d", i%300), couchtest.Spec{State: couchtest.Failed, JobID: fmt.Sprint(i)})
			if i%10 == 9 {
				time.Sleep(time.Millisecond) // one second in all
			}
		}
		time.Sleep(time.Minute)
		if n, _ := h.heard(); n < 2 || n > 11 {
			t.Errorf("10,000 changes in a second: got %d rings, want about one every 100 ms", n)
		}
	})
}

func TestASlowServerIsNotRungAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := couchtest.New(couchtest.Options{})
		srv.Inject(couchtest.Fault{Path: "/_scheduler/jobs", Do: couchtest.Delay(time.Second)})
		orders := srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running})
		h := listen(t, srv, scheduler.Spec{})
		for range 120 {
			orders.Fail("duplicate")
			time.Sleep(500 * time.Millisecond)
		}
		n, _ := h.heard()
		if n < 9 || n > 11 {
			t.Errorf("a change every half second, and looks of one second: got %d rings in a minute, want about 10", n)
		}
	})
}

func TestALookThatWasHeldUpHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := couchtest.New(couchtest.Options{})
		orders := srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running})
		invoices := srv.Put("_replicator", "invoices", couchtest.Spec{State: couchtest.Running})
		h := listen(t, srv, scheduler.Spec{})
		remove := srv.Inject(couchtest.Fault{Path: "/_scheduler/jobs", Do: couchtest.Delay(300 * time.Millisecond)})
		orders.Fail("duplicate")
		time.Sleep(500 * time.Millisecond)
		remove()
		invoices.Fail("duplicate")
		h.rang("after one slow look", time.Minute, 20*time.Millisecond, 520*time.Millisecond)
	})
}

func TestANewDocumentHasEchoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := couchtest.New(couchtest.Options{Manual: true})
		h := listen(t, srv, scheduler.Spec{})
		doc := srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Initializing})
		h.rang("while it is initializing", 2*time.Second, 20*time.Millisecond, 1040*time.Millisecond)
		doc.Start()
		h.rang("when it is not any more", time.Minute, 1060*time.Millisecond)
		srv.Put("_replicator", "audit", couchtest.Spec{State: couchtest.Unclaimed})
		h.rang("for one that stays so", time.Minute,
			20*time.Millisecond, 1040*time.Millisecond, 3060*time.Millisecond, 7080*time.Millisecond)
	})
}

func TestADoorbellThatDoesNotWorkIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := couchtest.New(couchtest.Options{})
		orders := srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running})
		h := listen(t, srv, scheduler.Spec{})
		remove := srv.Inject(couchtest.Fault{Path: "/_replicator/_changes", Do: couchtest.Status(http.StatusForbidden)})
		orders.Fail("duplicate")
		time.Sleep(time.Minute)
		if _, troubles := h.heard(); len(troubles) != 1 || !strings.Contains(troubles[0], "listen to _replicator: GET /_replicator/_changes of prod: 403") {
			t.Errorf("troubles: got %q, want one", troubles)
		}
		srv.ForgetRequests()
		h.forget()
		time.Sleep(time.Hour)
		if n := srv.Traffic()["GET /{db}/_changes"].Requests; n == 0 || n > 30 {
			t.Errorf("tries within an hour: got %d, want some, and ever fewer", n)
		}
		if _, troubles := h.heard(); len(troubles) != 0 {
			t.Errorf("troubles: got %q, want no more", troubles)
		}
		remove()
		time.Sleep(10 * time.Minute)
		h.forget()
		orders.Start()
		h.rang("when it works again", 500*time.Millisecond, 20*time.Millisecond)
	})
}

func TestNoDoorbellWhereTheSpecSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := couchtest.New(couchtest.Options{})
		c := home(t, srv, scheduler.Spec{Doorbell: new(false)})
		read(t, c)
		c.Listen(t.Context(), func() { t.Error("it rang") }, func(err error) { t.Error(err) })
		if n := srv.Traffic()["GET /{db}/_changes"].Requests; n != 0 {
			t.Errorf("long polls: got %d, want none", n)
		}
	})
}

func TestTheDoorbellTakesNoPlaceAmongTheRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := couchtest.New(couchtest.Options{Databases: []string{"a/_replicator", "b/_replicator", "c/_replicator"}})
		h := listen(t, srv, scheduler.Spec{ReplicatorDBs: []string{"*_replicator"}, MaxConcurrent: 1})
		began := time.Now()
		if snap := h.look(t.Context()); snap.Failed() || time.Since(began) > 0 {
			t.Errorf("Read with four long polls open: got %v after %v, want it at once", snap.Err(), time.Since(began))
		}
	})
}
