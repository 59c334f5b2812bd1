package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/robfig/cron/v3"

	"watchdog/alert"
	"watchdog/cycle"
	"watchdog/snapshot"
)

const (
	// maxAsks bounds how many absent documents one check asks for; the rest stay held and are
	// asked for by the checks that follow.
	maxAsks = 200
)

// owner owns what is remembered of one server: nobody else touches it.
type owner struct {
	name      string
	reader    Reader
	checks    []dueCheck
	state     *cycle.State
	last      *snapshot.Snapshot
	ledger    Ledger
	hold      func(context.Context, string, func(context.Context, Ledger)) // nil: it is ours alone
	unsaved   unsaved
	committed func(*cycle.Outcome)
	reported  func(*Report)
	said      func(context.Context, time.Duration) (*cycle.Standing, error)
	stands    *cycle.Standing // as last heard
	unheard   bool            // what people say could not be read, which was said
	alerts    []alert.Alert   // of the last report
	changed   bool            // the alerts are not those any more
	log       *slog.Logger
	clock     clock
	failing   bool          // the last look was incomplete
	stuck     bool          // the last tick could not be committed
	bell      Doorbell      // nil: there is none
	wake      chan struct{} // of one: some check is due
	rung      chan struct{} // of one: what is due is not to be delayed
	heard     chan struct{} // of one: people have said something
	hurry     bool          // somebody rang for what is due
	working   sync.Mutex    // held while the owner is at work, and not only waits to hold its server
	pulse     *pulse
	before    *owner        // whose work this one takes over when it has ended; nil: there is none
	leave     chan struct{} // closed when the owner is to end, with nothing in hand
	done      chan struct{} // closed when it has ended
}

type dueCheck struct {
	Check
	due   atomic.Bool
	begun bool // has run at least once
}

func newOwner(s Server, state *cycle.State, opts Options) *owner {
	o := &owner{
		name: s.Name, reader: s.Reader, bell: s.Doorbell, state: state, ledger: opts.Ledger, hold: opts.Hold,
		committed: opts.Committed, reported: opts.Reported, said: opts.Standing, log: opts.Log.With("server", s.Name),
		checks: make([]dueCheck, len(s.Checks)),
		wake:   make(chan struct{}, 1),
		rung:   make(chan struct{}, 1),
		heard:  make(chan struct{}, 1),
		pulse:  &pulse{},
		leave:  make(chan struct{}),
		done:   make(chan struct{}),
	}
	for i, c := range s.Checks {
		o.checks[i].Check = c
	}
	return o
}

// comeDue notes that a check is to run. It may be called from anywhere and does not wait.
func (o *owner) comeDue(check int) {
	o.checks[check].due.Store(true)
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// comeNow is comeDue without jitter.
func (o *owner) comeNow(check int) {
	select {
	case o.rung <- struct{}{}:
	default:
	}
	o.comeDue(check)
}

// ring makes every check come due, now. As comeDue, it does not wait.
func (o *owner) ring() {
	for i := range o.checks {
		o.comeNow(i)
	}
}

// deaf notes what the doorbell cannot listen to.
func (o *owner) deaf(err error) {
	o.log.Warn("the doorbell does not hear everything; the schedule sees it", "err", err)
}

// run runs what is due until ctx ends or the owner is let go: each check at once, and then by its
// schedule and when the doorbell rings.
func (o *owner) run(ctx context.Context) {
	defer close(o.done)
	o.takeOver()
	if o.hold == nil {
		o.work(ctx)
		return
	}
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-o.leave:
			o.working.Lock() // what is in hand is finished
			stop()
			o.working.Unlock()
		case <-waiting.Done():
		}
	}()
	o.hold(waiting, o.name, o.tenure)
}

// tenure is run while the server is held.
func (o *owner) tenure(ctx context.Context, ledger Ledger) {
	o.working.Lock()
	defer o.working.Unlock()
	o.ledger, o.unsaved, o.last, o.clock = ledger, unsaved{}, nil, clock{}
	if o.load(ctx) {
		o.report(nil, &Report{})
		o.work(ctx)
	}
}

// load loads what is remembered, as soon as that works; false when the owner is to end before.
func (o *owner) load(ctx context.Context) bool {
	for said := false; ; said = true {
		var err error
		if o.state, err = o.ledger.Load(ctx, o.name); err == nil {
			return true
		}
		if !said && ctx.Err() == nil {
			o.log.Error("what is remembered cannot be loaded", "err", err)
		}
		select {
		case <-time.After(listenEvery):
		case <-o.leave:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// work looks and decides until ctx ends or the owner is let go.
func (o *owner) work(ctx context.Context) {
	defer o.pulse.rest()
	defer o.part(ctx)
	schedule := cron.New()
	for i := range o.checks {
		schedule.Schedule(steady{o.checks[i].Schedule}, cron.FuncJob(func() { o.comeDue(i) }))
		o.comeDue(i)
	}
	schedule.Start()
	defer func() { <-schedule.Stop().Done() }()

	listening, deafen := context.WithCancel(ctx)
	var bell sync.WaitGroup
	defer bell.Wait()
	defer deafen()
	if o.bell != nil {
		bell.Go(func() { o.bell.Listen(listening, o.ring, o.deaf) })
	}
	for o.runDue(ctx) {
	}
}

// ended reports whether the owner has ended.
func (o *owner) ended() bool {
	select {
	case <-o.done:
		return true
	default:
		return false
	}
}

// takeOver waits until the owner before has ended, and goes on from where it is.
func (o *owner) takeOver() {
	b := o.before
	if b == nil {
		return
	}
	o.before = nil // it may have had one too
	<-b.done
	if o.hold != nil {
		return // it is loaded, when the server is held again
	}
	o.state, o.stands, o.alerts, o.failing, o.stuck = b.state, b.stands, b.alerts, b.failing, b.stuck
	o.unsaved, o.clock = b.unsaved, b.clock
	if o.reader == b.reader {
		o.last = b.last // what another reader saw may be of another server
	}
	o.state.Reconsider()
}

// runDue waits for what comes due next and runs it; false when the owner is to end.
func (o *owner) runDue(ctx context.Context) bool {
	o.pulse.beat(listenEvery)
	alarm := time.NewTimer(o.untilTick())
	defer alarm.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-o.leave:
		return false
	case <-alarm.C:
		o.tickNow(ctx)
	case <-o.heard:
		o.tickNow(ctx)
	case <-o.wake:
	}
	select {
	case <-o.rung:
		o.hurry = true
	default:
		o.hurry = false
	}
	for i := range o.checks {
		c := &o.checks[i]
		if !c.due.Swap(false) {
			continue
		}
		o.expect(c)
		if !o.pause(ctx, c) {
			return false
		}
		if err := o.check(ctx, c); err != nil && ctx.Err() == nil {
			o.log.Error("check failed", "check", c.Name, "err", err)
		}
	}
	return true
}

// expect says how long a check may take.
func (o *owner) expect(c *dueCheck) {
	if c.Timeout == 0 {
		o.pulse.rest()
		return
	}
	o.pulse.beat(c.Jitter + c.Timeout)
}

// pause waits a random time below the check's jitter, but for its first run, or until somebody
// rings; false when the owner is to end.
func (o *owner) pause(ctx context.Context, c *dueCheck) bool {
	select {
	case <-o.leave:
		return false
	default:
	}
	first := !c.begun
	c.begun = true
	if c.Jitter <= 0 || first || o.hurry {
		return ctx.Err() == nil
	}
	t := time.NewTimer(rand.N(c.Jitter))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-o.rung:
		o.hurry = true
		return true
	case <-o.leave:
		return false
	case <-ctx.Done():
		return false
	}
}

// check looks, decides and commits once, and reports what became of it.
func (o *owner) check(ctx context.Context, c *dueCheck) error {
	r := &Report{Began: time.Now()}
	r.Err = o.decide(ctx, c, r)
	if ctx.Err() == nil {
		o.report(c, r)
	}
	return r.Err
}

// decide fills in a report. A panic is a bug of ours: the server goes on being watched from what
// was last committed.
func (o *owner) decide(ctx context.Context, c *dueCheck, report *Report) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	snap := o.look(ctx, c)
	report.Snapshot = snap
	if err := ctx.Err(); err != nil {
		return err // what was cut short by stopping says nothing about the server
	}
	outcome := c.Cycle.Step(o.state, snap, o.standing(ctx, 0))
	applied, err := o.commit(ctx, outcome)
	if applied {
		o.clock.decide()
		o.tell(c, snap, outcome)
	}
	if err == nil {
		report.Outcome = outcome
	}
	return err
}

// look reads the server, and asks for what is missing from a complete view.
func (o *owner) look(ctx context.Context, c *dueCheck) *snapshot.Snapshot {
	if c.Timeout > 0 {
		var done context.CancelFunc
		ctx, done = context.WithTimeout(ctx, c.Timeout)
		defer done()
	}
	now := time.Now().UTC()
	snap := o.reader.Read(ctx, now, o.last)
	snap.ClockSet = o.clock.look(now)
	o.last = snap
	answers := map[snapshot.Key]snapshot.Answer{}
	for key := range o.state.Absent(snap) {
		if len(answers) == maxAsks {
			break
		}
		answer, err := o.reader.Ask(ctx, key)
		if err != nil {
			o.log.Warn("asking for a replication failed", "check", c.Name, "database", key.Database, "doc_id", key.DocID, "err", err)
			break
		}
		answers[key] = answer
	}
	if len(answers) == 0 {
		return snap
	}
	return snap.WithAnswers(answers)
}

// tell logs the story: what the server does, and what was decided.
func (o *owner) tell(c *dueCheck, snap *snapshot.Snapshot, outcome *cycle.Outcome) {
	switch err := snap.Err(); {
	case err != nil && !o.failing:
		o.log.Warn("server cannot be read", "check", c.Name, "err", err)
	case err == nil && o.failing:
		o.log.Info("server can be read again", "check", c.Name)
	}
	o.failing = snap.Failed()
	if len(snap.RowErrors) > 0 {
		o.log.Warn("rows could not be read", "check", c.Name, "rows", len(snap.RowErrors), "err", errors.Join(snap.RowErrors[:min(3, len(snap.RowErrors))]...))
	}
	for i := range outcome.Transitions {
		t := &outcome.Transitions[i]
		o.log.Info("alert "+verb(t), "check", c.Name, "rule", t.Rule, "severity", t.Severity.String(),
			"database", t.Database, "doc_id", t.DocID, "reason", string(t.Reason))
	}
}

func verb(t *alert.Transition) string {
	switch t.Status {
	case alert.StatusResolved:
		return "resolved"
	case alert.StatusEvent:
		return "event"
	default:
		return "fires"
	}
}
