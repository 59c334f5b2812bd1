package outbox_test

import (
	"testing"
	"testing/synctest"
	"time"

	"watchdog/outbox"
)

func TestWorkerStop(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers script
		options func(*outbox.Options)
		after   time.Duration // when it is told to stop
		took    time.Duration // until Run has returned
		seen    string
		noted   string
	}{
		{
			name:  "an idle worker stops at once, and what waits is kept",
			after: time.Minute, answers: script{"a": times(99, down), "b": times(99, down)},
			seen:  "0s a, 1s b, 3s a, 7s b, 15s a, 31s b",
			noted: "a retrying 31s after 3: 503, b retrying 1m3s after 3: 503",
		},
		{
			name: "an attempt in hand is finished, and no other begun", after: time.Second, took: 3 * time.Second,
			answers: script{"a": {slow(4*time.Second, yes)}},
			seen:    "0s a", noted: "a sent 4s, b queued",
		},
		{
			name: "an attempt that fails in the end is tried again later", after: time.Second, took: 3 * time.Second,
			answers: script{"a": {slow(4*time.Second, down)}},
			seen:    "0s a", noted: "a retrying 5s after 1: 503, b queued",
		},
		{
			name: "an attempt that outlasts the grace is cut off, to be repeated at the next start", after: time.Second, took: 5 * time.Second,
			answers: script{"a": {slow(9*time.Second, yes)}},
			seen:    "0s a", noted: "a retrying 6s after 1: cut off by the shutdown: context canceled, b queued",
		},
		{
			name: "an attempt that is cut off is not given up for that", after: time.Second, took: 5 * time.Second,
			answers: script{"a": {slow(9*time.Second, yes)}},
			options: func(o *outbox.Options) { o.GiveUpAfter = time.Second },
			seen:    "0s a", noted: "a retrying 6s after 1: cut off by the shutdown: context canceled, b queued",
		},
		{
			name: "the grace can be set", after: time.Second, took: 2 * time.Second,
			answers: script{"a": {slow(9*time.Second, yes)}},
			options: func(o *outbox.Options) { o.Grace = 2 * time.Second },
			seen:    "0s a", noted: "a retrying 3s after 1: cut off by the shutdown: context canceled, b queued",
		},
		{
			name: "all that run at the same time are waited for", after: time.Second, took: 3 * time.Second,
			answers: script{"a": {slow(2*time.Second, yes)}, "b": {slow(4*time.Second, yes)}},
			options: func(o *outbox.Options) { o.Concurrency = 2 },
			seen:    "0s a, 0s b", noted: "a sent 2s, b sent 4s",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, tt.answers, tt.options)
				s.add(letter("a"), letter("b"))
				time.Sleep(tt.after)
				stopped := time.Now()
				if err := s.end(); err != nil {
					t.Errorf("Run: got error %v, want none", err)
				}
				if took := time.Since(stopped); took != tt.took {
					t.Errorf("Run returned after %v, want %v", took, tt.took)
				}
				if got := s.seen(); got != tt.seen {
					t.Errorf("attempts:\n got %s\nwant %s", got, tt.seen)
				}
				if got := s.noted(); got != tt.noted {
					t.Errorf("notes:\n got %s\nwant %s", got, tt.noted)
				}
			})
		})
	}
}
