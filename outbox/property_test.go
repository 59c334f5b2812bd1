package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"watchdog/outbox"
	"watchdog/outbox/outboxtest"
)

// plan is one run of worker and receiver: everything that chance decides, decided before.
type plan struct {
	Letters     []planned
	Concurrency int
	QueueFails  []bool          // call by call, and after that never
	Restarts    []time.Duration // how long each worker but the last runs
}

type planned struct {
	After   time.Duration // the one before
	Keys    []string
	Answers []string // names in answersByName; after that the last one for ever
}

var answersByName = map[string]answer{
	"yes": yes, "down": down, "refused": refused, "panics": panics, "exits": exits,
	"busy":        busy(20 * time.Second),
	"very busy":   busy(day),
	"slow":        slow(3*time.Second, yes),
	"slow to say": slow(7*time.Second, down),
	"too slow":    slow(time.Hour, yes),
}

func plans() *rapid.Generator[plan] {
	seconds := func(most int) *rapid.Generator[time.Duration] {
		return rapid.Map(rapid.IntRange(0, most), func(n int) time.Duration { return time.Duration(n) * time.Second })
	}
	names := []string{"yes", "down", "refused", "panics", "exits", "busy", "very busy", "slow", "slow to say", "too slow"}
	letters := rapid.Custom(func(t *rapid.T) planned {
		return planned{
			After:   seconds(20).Draw(t, "after"),
			Keys:    rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"x", "y", "z"}), 0, 2, rapid.ID).Draw(t, "keys"),
			Answers: rapid.SliceOfN(rapid.SampledFrom(names), 1, 5).Draw(t, "answers"),
		}
	})
	return rapid.Custom(func(t *rapid.T) plan {
		return plan{
			Letters:     rapid.SliceOfN(letters, 1, 8).Draw(t, "letters"),
			Concurrency: rapid.IntRange(1, 3).Draw(t, "concurrency"),
			QueueFails:  rapid.SliceOfN(rapid.Bool(), 0, 30).Draw(t, "queue fails"),
			Restarts:    rapid.SliceOfN(seconds(60), 0, 3).Draw(t, "restarts"),
		}
	})
}

// TestWorkerKeepsItsPromises runs the worker against receivers and queues that fail in every
// way, with restarts between. Every item is sent or buried in the end, in the order of its keys;
// what the receiver has taken it does not get again.
func TestWorkerKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := &witness{
			plan: plans().Draw(r, "plan"), attempts: map[string]int{},
			inHand: map[string]bool{}, taken: map[string]bool{},
		}
		w.queue.Fail(w.failQueue)
		synctest.Test(t, func(*testing.T) { w.run() })
		w.checkEnds()
		for _, broken := range w.broken {
			r.Error(broken)
		}
	})
}

// witness is the receiver, and notices every broken promise.
type witness struct {
	plan  plan
	queue outboxtest.Queue

	mu       sync.Mutex // guards what follows
	worker   *outbox.Worker
	calls    int // of the queue
	attempts map[string]int
	inHand   map[string]bool // being tried
	taken    map[string]bool // what the receiver said yes to, and has not been told to forget
	broken   []string
}

// run adds the letters while one worker after the other runs, the last for as long as it takes.
func (w *witness) run() {
	all := make(chan struct{})
	for i, lasts := range append(w.plan.Restarts, 4*day) {
		ctx, stop := context.WithTimeout(context.Background(), lasts)
		w.mu.Lock()
		w.worker = outbox.NewWorker(outbox.Options{
			Sink: "hook", Queue: &w.queue, Deliver: w.deliver,
			GiveUpAfter: time.Hour, Concurrency: w.plan.Concurrency, Rand: middle,
		})
		w.mu.Unlock()
		if i == 0 {
			go w.addAll(all)
		}
		if i == len(w.plan.Restarts) {
			go w.stopWhenDone(all, stop)
		}
		w.checkStop(w.worker.Run(ctx))
		stop()
	}
}

func (w *witness) addAll(done chan<- struct{}) {
	defer close(done)
	for i, p := range w.plan.Letters {
		time.Sleep(p.After)
		w.queue.Add(letter(fmt.Sprint(i), p.Keys...))
		w.mu.Lock()
		w.worker.Wake()
		w.mu.Unlock()
	}
}

func (w *witness) stopWhenDone(all <-chan struct{}, stop func()) {
	<-all
	for slices.ContainsFunc(w.queue.Entries(), func(e outboxtest.Entry) bool { return !done(e) }) {
		time.Sleep(time.Minute)
	}
	stop()
}

func (w *witness) failQueue(string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	if w.calls <= len(w.plan.QueueFails) && w.plan.QueueFails[w.calls-1] {
		return errFull
	}
	return nil
}

func (w *witness) deliver(ctx context.Context, item outbox.Item) (_ []byte, err error) {
	answer := w.begin(item)
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.inHand, item.ID)
		w.taken[item.ID] = err == nil
	}()
	err = errors.New("panicked") // unless it returns
	err = answer(ctx)
	return nil, err
}

// begin looks at everything that must hold when an attempt begins, and gives its answer.
func (w *witness) begin(item outbox.Item) answer {
	entries := w.queue.Entries()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.taken[item.ID] {
		w.breakf("%s is sent again after the receiver has taken it", item.ID)
	}
	if w.inHand[item.ID] {
		w.breakf("%s is sent twice at the same time", item.ID)
	}
	for _, e := range entries {
		if e.ID == item.ID {
			if done(e) {
				w.breakf("%s is sent when it is already %s", item.ID, e.Status)
			}
			break // what follows was added later
		}
		if !done(e) && slices.ContainsFunc(e.Keys, func(key string) bool { return slices.Contains(item.Keys, key) }) {
			w.breakf("%s with keys %v is sent before %s with keys %v is done", item.ID, item.Keys, e.ID, e.Keys)
		}
	}
	w.inHand[item.ID] = true
	if len(w.inHand) > w.plan.Concurrency {
		w.breakf("more than %d are sent at the same time: %v", w.plan.Concurrency, w.inHand)
	}
	n := slices.IndexFunc(entries, func(e outboxtest.Entry) bool { return e.ID == item.ID })
	answers := w.plan.Letters[n].Answers
	name := answers[min(w.attempts[item.ID], len(answers)-1)]
	w.attempts[item.ID]++
	return answersByName[name]
}

// checkStop looks at what a worker that was stopped left: all that it sent is noted, but for
// what its error names, which the next worker may send again.
func (w *witness) checkStop(err error) {
	for _, e := range w.queue.Entries() {
		if !w.taken[e.ID] || done(e) {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), "delivery "+e.ID+":") {
			w.breakf("%s was sent but not noted when the worker was stopped, and its error is %v", e.ID, err)
		}
		delete(w.taken, e.ID)
	}
	if len(w.inHand) > 0 {
		w.breakf("attempts go on after the worker was stopped: %v", w.inHand)
	}
}

// checkEnds looks at what became of the items: sent is what the receiver has taken, and nothing
// waits.
func (w *witness) checkEnds() {
	for _, e := range w.queue.Entries() {
		if !done(e) || (e.Status == outboxtest.Sent) != w.taken[e.ID] {
			w.breakf("%s ends as %s; the receiver has taken it: %v", e.ID, e.Status, w.taken[e.ID])
		}
	}
}

func (w *witness) breakf(format string, args ...any) {
	w.broken = append(w.broken, fmt.Sprintf(format, args...))
}

func done(e outboxtest.Entry) bool {
	return e.Status == outboxtest.Sent || e.Status == outboxtest.Dead
}
