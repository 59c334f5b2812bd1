package couchtest

import (
	"container/heap"
	"sync"
	"sync/atomic"
	"time"
)

// Step is something that happens at a time.
type Step struct {
	At time.Duration // from when the script is played
	Do func()
}

// Script is a story: what happens when. A step calls the methods of the server and of its
// replications, and all they do has the step's own time, however late it is run. It must not
// wait for an answer of the server, which waits for the step.
type Script []Step

// Play lets a script happen from now on.
func (s *Server) Play(script Script) {
	for _, step := range script {
		s.After(step.At, step.Do)
	}
}

// After lets something happen a while from now; a step of a script may call it too. Steps at
// the same instant run in the order in which they were asked for.
func (s *Server) After(d time.Duration, do func()) { s.agenda.add(s.Now().Add(d), do) }

// Now is the server's time: during a step of a script, the step's.
func (s *Server) Now() time.Time {
	if at := s.agenda.running.Load(); at != nil {
		return *at
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.clock()
}

// clock is Now under the lock.
func (s *Server) clock() time.Time {
	if at := s.agenda.running.Load(); at != nil {
		return *at
	}
	return s.opts.Now().Add(s.ahead)
}

// Advance puts the server's clock forward and runs the steps that are due then. It must not be
// called by a step.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	s.ahead += d
	s.mu.Unlock()
	s.catchUp()
}

// catchUp runs the steps that are due, unless it is called by one.
func (s *Server) catchUp() {
	if s.agenda.running.Load() == nil {
		s.agenda.run(s.Now)
	}
}

// past does something at a time that is over.
func (s *Server) past(ago time.Duration, do func()) {
	s.agenda.turn.Lock()
	defer s.agenda.turn.Unlock()
	s.agenda.perform(s.Now().Add(-ago), do)
}

// agenda holds the steps to come.
type agenda struct {
	turn    sync.Mutex                // held while steps run, so that they run in order
	running atomic.Pointer[time.Time] // the time of the step that runs, nil between steps

	mu    sync.Mutex // guards steps and added
	steps appointments
	added int
	wake  chan struct{} // closed when the next step may have become an earlier one
}

func (a *agenda) add(at time.Time, do func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.added++
	heap.Push(&a.steps, appointment{at, a.added, do})
	if a.wake != nil {
		close(a.wake)
		a.wake = nil
	}
}

// run runs all that is due by now, and what that makes due. When it returns no step runs.
func (a *agenda) run(clock func() time.Time) {
	a.turn.Lock()
	defer a.turn.Unlock()
	now := clock()
	for {
		step, due := a.take(now)
		if !due {
			return
		}
		a.perform(step.at, step.do)
	}
}

// perform does something at a time of its own. The caller has the turn.
func (a *agenda) perform(at time.Time, do func()) {
	a.running.Store(&at)
	defer a.running.Store(nil)
	do()
}

func (a *agenda) take(now time.Time) (appointment, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.steps) == 0 || a.steps[0].at.After(now) {
		return appointment{}, false
	}
	return heap.Pop(&a.steps).(appointment), true
}

// next is when the next step is due, zero if there is none, and what is closed when that changes.
func (a *agenda) next() (at time.Time, changed <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.wake == nil {
		a.wake = make(chan struct{})
	}
	if len(a.steps) > 0 {
		at = a.steps[0].at
	}
	return at, a.wake
}

type appointment struct {
	at    time.Time
	order int
	do    func()
}

type appointments []appointment

func (h appointments) Len() int { return len(h) }
func (h appointments) Less(i, j int) bool {
	if !h[i].at.Equal(h[j].at) {
		return h[i].at.Before(h[j].at)
	}
	return h[i].order < h[j].order
}
func (h appointments) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *appointments) Push(x any)   { *h = append(*h, x.(appointment)) }
func (h *appointments) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
