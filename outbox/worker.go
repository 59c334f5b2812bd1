package outbox

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/time/rate"
)

// Deliver hands one item to the receiver. Nil means the receiver has it. It returns soon after
// ctx ends, for the worker waits for it.
//
// An error is tried again, unless it, or one that it wraps, has a method Permanent() bool that
// says true. A method RetryAfter() time.Duration is the receiver's own word for how long to
// wait, of which at most an hour is heeded. A panic is a failed attempt.
//
// Memory is what the next attempt of the item's thread is to know, kept whether or not there is an
// error; nil leaves what there was.
type Deliver func(ctx context.Context, item Item) (memory []byte, err error)

// Options are what a Worker needs. Sink, Queue and Deliver must be given.
type Options struct {
	Sink    string // as the items name it
	Queue   Queue
	Deliver Deliver

	// Timeout is for one attempt; default 10 s.
	Timeout time.Duration
	// GiveUpAfter is the age of an item from which a failed attempt is its last; default 24 h.
	GiveUpAfter time.Duration
	// Grace is how long an attempt in hand may go on when Run is told to stop; default 5 s.
	Grace time.Duration
	// Concurrency is how many attempts may run at the same time; default 1.
	Concurrency int
	// DigestAbove is as Request says; default 0: every item is sent as it was added.
	DigestAbove int
	// Limit is how many attempts may begin in a time; nil: any number.
	Limit *rate.Limiter
	// Log may be nil.
	Log *slog.Logger
	// Rand gives the chance in the back-off, in [0, 1); default math/rand/v2.
	Rand func() float64
}

// AtMost is a limit of so many attempts in a time: that many may begin at once, and after that one
// more each time that its share of the time has passed. Of 0 it is none.
func AtMost(attempts int, per time.Duration) *rate.Limiter {
	if attempts == 0 {
		return nil
	}
	return rate.NewLimiter(rate.Every(per/time.Duration(attempts)), attempts)
}

const (
	// lookEvery is how long an idle worker goes without a look: another process may have added
	// an item, or the clock been set.
	lookEvery = 30 * time.Second
	// lookSoon keeps a queue that rounds its times from being asked in a tight loop.
	lookSoon = 10 * time.Millisecond
	// leaseMargin is how much longer a lease is than an attempt may take: there has to be time
	// to note it too.
	leaseMargin = time.Minute
	// queueTimeout is for one call of the Queue.
	queueTimeout = 5 * time.Second
)

// Worker delivers the items of one sink. Make one with NewWorker, then call Run, again
// only when it has returned.
//
// One goroutine, that of Run, owns all of its state and makes every call of the Queue. An
// attempt runs in a goroutine of its own and only says how it ended.
//
// After a failed attempt the whole sink pauses, for the receiver is most likely down: 1 s, then
// doubling to 5 min with each failure in a row, or for as long as it asked. The first attempt
// afterwards is a single one, and not of the item that failed while there is another that was
// tried less often: an item that can never be delivered costs the others a second now and then,
// not a day. What is the item's own fault, a permanent refusal or a panic, pauses nothing.
//
// While a result cannot be noted nothing more is sent: it would all be sent again after a crash.
type Worker struct {
	opt     Options
	log     *slog.Logger
	wake    chan struct{}
	results chan result

	heeded    time.Time       // when the queue knew how the clock is set
	inHand    map[string]bool // by id: begun, and the result not noted
	sink      pause
	queue     pause
	queueSaid string // the queue's last error, "" when it works
	lost      error  // notes that could not be written before the end
}

// result is how one attempt ended.
type result struct {
	item    Item
	memory  []byte
	err     error
	cut     bool // it failed after it was told to end
	elapsed time.Duration
}

// NewWorker makes a worker that does nothing until Run.
func NewWorker(o Options) *Worker {
	o.Timeout = cmp.Or(o.Timeout, 10*time.Second)
	o.GiveUpAfter = cmp.Or(o.GiveUpAfter, 24*time.Hour)
	o.Grace = cmp.Or(o.Grace, 5*time.Second)
	o.Concurrency = cmp.Or(o.Concurrency, 1)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	return &Worker{
		opt:     o,
		log:     o.Log.With("sink", o.Sink),
		wake:    make(chan struct{}, 1),
		results: make(chan result, o.Concurrency),
		inHand:  make(map[string]bool, o.Concurrency),
	}
}

// Sink is whose items it delivers.
func (w *Worker) Sink() string { return w.opt.Sink }

// Wake says that an item may have been added. It never blocks, and may be called at any time by
// anyone; several calls before the worker looks are one.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run delivers until ctx ends, then lets the attempts in hand go on for Grace, cuts off those
// that need longer, notes all results, and returns when all that it started has returned. Its
// error names the results that could not be noted: those items will be sent once more.
func (w *Worker) Run(ctx context.Context) error {
	w.lost = nil
	attempts, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	for ctx.Err() == nil {
		look := time.NewTimer(w.begin(ctx, attempts))
		select {
		case r := <-w.results:
			w.settle(ctx, w.ended(r))
		case <-w.wake:
		case <-look.C:
		case <-ctx.Done():
		}
		look.Stop()
	}
	grace := time.AfterFunc(w.opt.Grace, cut)
	defer grace.Stop()
	for len(w.inHand) > 0 {
		w.settle(ctx, w.ended(<-w.results))
	}
	return w.lost
}

// ended are a result and those that came in beside it: what is noted together costs one commit.
func (w *Worker) ended(first result) []result {
	all := []result{first}
	for {
		select {
		case r := <-w.results:
			all = append(all, r)
		default:
			return all
		}
	}
}

// begin starts the attempts that may start now, and says how long it takes at most until there
// may be more to start.
func (w *Worker) begin(ctx, attempts context.Context) time.Duration {
	now := time.Now()
	if wait := later(w.sink.until, w.queue.until).Sub(now); wait > 0 {
		return wait
	}
	probe, places := w.sink.failures > 0, w.opt.Concurrency-len(w.inHand)
	if probe && len(w.inHand) > 0 {
		places = 0
	} else if probe {
		places = 1
	}
	if places == 0 {
		return lookEvery // a result comes first
	}
	free := places
	places, wait := w.allowed(now, places)
	if places == 0 {
		return wait
	}
	if err := w.heedClock(ctx, now); err != nil {
		return 0
	}
	items, next, err := w.claim(ctx, Request{
		Sink: w.opt.Sink, Now: now, Horizon: now.Add(longRetryAfter), Limit: places, Probe: probe, DigestAbove: w.opt.DigestAbove,
		Lease: now.Add(w.lease()),
	})
	if err != nil {
		return 0 // to see for how long the queue pauses
	}
	if w.opt.Limit != nil {
		w.opt.Limit.ReserveN(now, len(items))
	}
	for _, item := range items {
		w.inHand[item.ID] = true
		go w.attempt(attempts, item)
	}
	wait = lookEvery
	if len(items) == places && places < free { // the limit held others back, which are due
		_, wait = w.allowed(now, 1)
	}
	if !next.IsZero() {
		wait = min(wait, next.Sub(now))
	}
	return min(max(wait, lookSoon), lookEvery)
}

// allowed is how many of so many attempts the rate limit lets begin now; when none, also how long
// it takes until it lets one.
func (w *Worker) allowed(now time.Time, places int) (int, time.Duration) {
	if w.opt.Limit == nil {
		return places, 0
	}
	first := w.opt.Limit.ReserveN(now, 1)
	wait := first.DelayFrom(now)
	first.CancelAt(now)
	if wait > 0 {
		return 0, wait
	}
	return min(places, max(1, int(w.opt.Limit.TokensAt(now)))), 0
}

// claim asks the queue, which pauses when it fails. What this worker has in hand is not begun
// again, should its lease have run out.
func (w *Worker) claim(ctx context.Context, r Request) ([]Item, time.Time, error) {
	asking, done := context.WithTimeout(ctx, queueTimeout)
	defer done()
	items, next, err := w.opt.Queue.Claim(asking, r)
	w.answered(ctx, err)
	items = slices.DeleteFunc(items, func(i Item) bool { return w.inHand[i.ID] })
	return items, next, err
}

// answered keeps the queue's pause by how a call ended.
func (w *Worker) answered(ctx context.Context, err error) {
	switch {
	case err == nil:
		w.queue = w.queue.worked()
		w.noticeQueue(nil)
	case ctx.Err() == nil: // else it was told to end
		w.queue = w.queue.failed(time.Now(), w.queueWait)
		w.noticeQueue(err)
	}
}

// queueWait is how long to wait after the nth failure of the queue in a row.
func (w *Worker) queueWait(n int) time.Duration { return backoff(n, w.opt.Rand(), longQueueWait) }

// lease is how long what is claimed may take.
func (w *Worker) lease() time.Duration { return w.opt.Timeout + w.opt.Grace + leaseMargin }

// attempt tries one item and reports the result, whatever Deliver does.
func (w *Worker) attempt(ctx context.Context, item Item) {
	r, begun := result{item: item, err: errExited}, time.Now()
	defer func() {
		if v := recover(); v != nil {
			r.err = newPanicked(v)
		}
		r.cut = r.err != nil && ctx.Err() != nil
		r.elapsed = time.Since(begun)
		w.results <- r
	}()
	limited, done := context.WithTimeout(ctx, w.opt.Timeout)
	defer done()
	r.memory, r.err = w.opt.Deliver(limited, item)
}

// errExited is the result of a Deliver that ended its goroutine.
var errExited = errors.New("the delivery ended without a result")
