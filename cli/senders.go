package cli

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"

	"watchdog/config"
	"watchdog/outbox"
)

// sender is the worker of one sink of the config.
type sender struct {
	sink   config.Sink
	worker *outbox.Worker

	// Of senders, once it runs.
	before *sender // of the same sink, which is to end first; nil: there is none
	leave  context.CancelFunc
	done   chan struct{}
}

// openSenders makes a sender for each sink, but for those that have one already and are as they
// were.
func (d *daemon) openSenders(sinks []config.Sink, before []*sender) ([]*sender, error) {
	var all []*sender
	for _, sink := range sinks {
		if s := senderOf(sink.Name, before); s != nil && reflect.DeepEqual(s.sink, sink) {
			all = append(all, s)
			continue
		}
		worker, err := d.session.openWorker(sink, d.store, d.noted, d.log)
		if err != nil {
			return nil, fmt.Errorf("open sink %s: %w", sink.Name, err)
		}
		all = append(all, &sender{sink: sink, worker: worker, done: make(chan struct{})})
	}
	return all, nil
}

func senderOf(sink string, all []*sender) *sender {
	for _, s := range all {
		if s.sink.Name == sink {
			return s
		}
	}
	return nil
}

// senders runs those of the setup of the moment. One goroutine calls run and wait.
type senders struct {
	now     atomic.Pointer[[]*sender]
	parted  []*sender // that were told to end, and may not have
	running sync.WaitGroup

	mu   sync.Mutex // guards errs
	errs []error
}

// run makes these run until ctx ends, and those that ran before and are not among them end with
// what they have in hand. No two send to one sink at the same time, nor do two replicas: each
// works while it holds the sink.
func (s *senders) run(ctx context.Context, next []*sender, hold func(context.Context, string, func(context.Context))) {
	var before []*sender
	if now := s.now.Swap(&next); now != nil {
		before = *now
	}
	for _, one := range before {
		if senderOf(one.sink.Name, next) != one {
			one.leave()
			s.parted = append(s.parted, one)
		}
	}
	for _, one := range next {
		if one.leave != nil {
			continue // it runs
		}
		for _, p := range s.parted {
			if p.sink.Name == one.sink.Name {
				one.before = p // the last one, which waits for those before it
			}
		}
		running, leave := context.WithCancel(ctx)
		one.leave = leave
		s.running.Go(func() { s.note(one.run(running, hold)) })
	}
	s.forget()
}

// forget lets go of those that have ended.
func (s *senders) forget() {
	var parted []*sender
	for _, one := range s.parted {
		select {
		case <-one.done:
		default:
			parted = append(parted, one)
		}
	}
	s.parted = parted
}

func (s *sender) run(ctx context.Context, hold func(context.Context, string, func(context.Context))) (err error) {
	defer close(s.done)
	defer s.leave()
	if s.before != nil {
		<-s.before.done
		s.before = nil
	}
	hold(ctx, s.sink.Name, func(ctx context.Context) { err = errors.Join(err, s.worker.Run(ctx)) })
	return err
}

func (s *senders) note(err error) {
	if err == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errs = append(s.errs, err)
}

// wake says that there may be something to send. Anyone may call it.
func (s *senders) wake() {
	now := s.now.Load()
	if now == nil {
		return
	}
	for _, one := range *now {
		one.worker.Wake()
	}
}

// wait returns when all have ended, with the results that could not be noted.
func (s *senders) wait() error {
	s.running.Wait()
	return errors.Join(s.errs...)
}
