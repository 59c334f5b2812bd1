package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/cycle"
	"watchdog/notify"
	"watchdog/outbox"
	"watchdog/store"
)

// outage is a sink that is away for a day, while forty replications fail and recover again and
// again, on four servers.
type outage struct {
	store  *store.DB
	worker *outbox.Worker
	router *notify.Router
	until  time.Time // the sink is away until then

	memory map[string]*notify.Memory
	firing map[string]map[string]alert.Alert // by server and fingerprint
	said   map[string]int                    // transitions of each alert that were decided

	mu       sync.Mutex
	messages []notify.Message // that the sink took
	attempts int
}

func newOutage(t *testing.T, away time.Duration) *outage {
	kept, err := store.Open(t.Context(), store.Memory, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	router, problems := notify.NewRouter(notify.Spec{Routes: []notify.RouteSpec{{To: []string{"oncall"}, RepeatInterval: 4 * time.Hour}}})
	if problems != nil {
		t.Fatal(problems)
	}
	o := &outage{
		store: kept, router: router, until: time.Now().Add(away),
		memory: map[string]*notify.Memory{}, firing: map[string]map[string]alert.Alert{}, said: map[string]int{},
	}
	o.worker = outbox.NewWorker(outbox.Options{
		Sink: "oncall", Queue: kept, Deliver: o.deliver, DigestAbove: 10, Limit: outbox.AtMost(1, time.Second),
	})
	return o
}

func (o *outage) deliver(_ context.Context, item outbox.Item) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.attempts++
	if time.Now().Before(o.until) {
		return nil, errors.New("connection refused")
	}
	var m notify.Message
	if err := json.Unmarshal(item.Payload, &m); err != nil {
		return nil, err
	}
	o.messages = append(o.messages, m)
	return nil, nil
}

// change lets an alert begin or end, and commits what is to be told.
func (o *outage) change(t *testing.T, server, doc string, life int) {
	now := time.Now()
	if o.memory[server] == nil {
		o.memory[server], o.firing[server] = notify.NewMemory(), map[string]alert.Alert{}
	}
	subject := alert.Subject{Server: server, Database: "_replicator", DocID: doc}
	a := alert.Alert{
		Status: alert.StatusFiring, Rule: "replication-failed", Severity: alert.Critical,
		Fingerprint: alert.Fingerprint("replication-failed", subject), Server: server, Database: subject.Database, DocID: doc,
		Error: fmt.Sprint("life ", life), StartsAt: now,
	}
	reason := alert.ReasonNew
	if _, fires := o.firing[server][a.Fingerprint]; fires {
		a.Status, reason, a.EndsAt = alert.StatusResolved, alert.ReasonResolved, &now
		delete(o.firing[server], a.Fingerprint)
	} else {
		o.firing[server][a.Fingerprint] = a
	}
	plan := o.router.Step(o.memory[server], notify.Input{
		Now: now, Transitions: []alert.Transition{{Reason: reason, At: now, Alert: a}},
		Firing: func() (all []alert.Alert) {
			for _, f := range o.firing[server] {
				all = append(all, f)
			}
			return all
		},
	})
	if err := o.store.Commit(t.Context(), &cycle.Outcome{Server: server, At: now, Messages: plan.Messages}); err != nil {
		t.Fatal(err)
	}
	o.memory[server].Apply(plan)
	for _, m := range plan.Messages {
		for i := range m.Alerts {
			o.said[m.Alerts[i].Fingerprint]++
		}
	}
	o.worker.Wake()
}

// A day of outage, on a fake clock: nothing is lost, each alert is told in order, and what is told
// afterwards is a handful of messages, not the six hundred that wait.
func TestADayOfOutageEndsInDigestsNotInAStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day, servers, docs = 24 * time.Hour, 4, 10
		o := newOutage(t, day)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- o.worker.Run(ctx) }()
		waiting := 0
		for tick := range 600 { // every 2m24s one alert changes
			o.change(t, fmt.Sprint("server", tick%servers), fmt.Sprint("doc", tick/servers%docs), tick/servers/docs/2)
			waiting++
			time.Sleep(day / 600)
		}
		time.Sleep(10 * time.Minute) // a paused sink is asked again within five
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		o.check(t, servers)
		t.Logf("%d transitions in %d messages, after %d attempts", waiting, len(o.messages), o.attempts)
		if err := o.store.Close(); err != nil {
			t.Error(err)
		}
	})
}

func (o *outage) check(t *testing.T, groups int) {
	told, last := map[string]int{}, map[string]alert.Transition{}
	for _, m := range o.messages {
		for _, a := range m.Alerts {
			told[a.Fingerprint]++
			if before, ok := last[a.Fingerprint]; ok && (a.At.Before(before.At) || a.Status == before.Status && a.Reason != alert.ReasonRepeat) {
				t.Errorf("%s of %s at %s is told after %s at %s", a.Status, a.Subject(), a.At, before.Status, before.At)
			}
			last[a.Fingerprint] = a
		}
	}
	if diff := cmp.Diff(o.said, told); diff != "" {
		t.Errorf("transitions of each alert (-decided +told):\n%s", diff)
	}
	// Of each group the one that was tried while the sink was away, and the digest.
	if got, most := len(o.messages), 2*groups; got > most {
		t.Errorf("the sink was told %d messages when it was back, want at most %d", got, most)
	}
	if most := 24*60/4 + 20; o.attempts > most { // five minutes, a fifth shorter at the least
		t.Errorf("the sink was tried %d times, want at most one try in four minutes, %d", o.attempts, most)
	}
	left, err := o.store.Backlogs(t.Context())
	if err != nil || len(left) > 0 {
		t.Errorf("left in the queue: %+v, error %v", left, err)
	}
}
