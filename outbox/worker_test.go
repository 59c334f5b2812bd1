package outbox_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/outbox"
)

const day = 24 * time.Hour

func TestWorker(t *testing.T) {
	parallel := func(o *outbox.Options) { o.Concurrency = 3 }
	abc := func() []outbox.Item { return []outbox.Item{letter("a"), letter("b"), letter("c")} }

	for _, tt := range []struct {
		name    string
		options func(*outbox.Options)
		items   func() []outbox.Item
		answers script
		lasts   time.Duration
		seen    string
		noted   string
	}{
		{
			name: "an item is sent once", items: abc, lasts: day,
			seen:  "0s a, 0s b, 0s c",
			noted: "a sent 0s, b sent 0s, c sent 0s",
		},
		{
			name: "a failed attempt is repeated after 1 s, doubling to 5 min", lasts: 19 * time.Minute,
			items:   func() []outbox.Item { return []outbox.Item{letter("a")} },
			answers: script{"a": times(99, down)},
			seen:    "0s a, 1s a, 3s a, 7s a, 15s a, 31s a, 1m3s a, 2m7s a, 4m15s a, 8m31s a, 13m31s a, 18m31s a",
			noted:   "a retrying 23m31s after 12: 503",
		},
		{
			name: "an item waits for the one before it with the same key", lasts: time.Minute,
			items: func() []outbox.Item {
				return []outbox.Item{letter("a1", "a"), letter("a2", "a"), letter("b")}
			},
			answers: script{"a1": {down}},
			seen:    "0s a1, 1s b, 1s a1, 1s a2",
			noted:   "a1 sent 1s, a2 sent 1s, b sent 1s",
		},
		{
			name: "a sink that is down is asked by one item at a time", lasts: 20 * time.Second, items: abc,
			answers: script{"a": times(9, down), "b": times(9, down), "c": times(9, down)},
			seen:    "0s a, 1s b, 3s c, 7s a, 15s b",
			noted:   "a retrying 15s after 2: 503, b retrying 31s after 2: 503, c retrying 7s after 1: 503",
		},
		{
			name: "a sink that works again gets all that waits", lasts: 20 * time.Second, items: abc,
			answers: script{"a": times(2, down), "b": {down}, "c": {down}},
			seen:    "0s a, 1s b, 3s c, 7s a, 15s b, 15s a, 15s c",
			noted:   "a sent 15s, b sent 15s, c sent 15s",
		},
		{
			name: "an item that never succeeds costs the others a second now and then", lasts: 9 * time.Second,
			items:   abc,
			answers: script{"a": times(9, down), "b": {slow(3*time.Second, yes)}},
			seen:    "0s a, 1s b, 4s a, 5s c, 6s a",
			noted:   "a retrying 10s after 3: 503, b sent 4s, c sent 5s",
		},
		{
			name: "a receiver that asks to wait is left alone, by all items", lasts: time.Hour, items: abc,
			answers: script{"a": {busy(42 * time.Second)}},
			seen:    "0s a, 42s b, 42s a, 42s c",
			noted:   "a sent 42s, b sent 42s, c sent 42s",
		},
		{
			name: "a wait that is asked for does not shorten the back-off", lasts: 5 * time.Second,
			items:   func() []outbox.Item { return []outbox.Item{letter("a")} },
			answers: script{"a": {down, busy(time.Second)}},
			seen:    "0s a, 1s a, 3s a",
			noted:   "a sent 3s",
		},
		{
			name: "no more than an hour of what a receiver asks for is heeded", lasts: day,
			items:   func() []outbox.Item { return []outbox.Item{letter("a")} },
			answers: script{"a": {busy(999 * time.Hour)}},
			seen:    "0s a, 1h0m0s a",
			noted:   "a sent 1h0m0s",
		},
		{
			name: "a permanent refusal is buried and holds up nothing", lasts: time.Minute,
			items: func() []outbox.Item {
				return []outbox.Item{letter("a1", "a"), letter("a2", "a")}
			},
			answers: script{"a1": {refused}},
			seen:    "0s a1, 0s a2",
			noted:   "a1 dead 0s after 1: post: 410, a2 sent 0s",
		},
		{
			name: "an item is given up with its first failure after 24 h", lasts: 3 * day,
			items:   func() []outbox.Item { return []outbox.Item{letter("a1", "a"), letter("a2", "a")} },
			answers: script{"a1": times(999, down)},
			options: func(o *outbox.Options) { o.Log = nil },
			noted:   "a1 dead 24h3m31s after 297: given up after 24h0m0s: 503, a2 sent 24h8m31s",
		},
		{
			name: "the last attempt is made when the time is up, not later", lasts: day,
			items:   func() []outbox.Item { return []outbox.Item{letter("a"), letter("b")} },
			answers: script{"a": times(99, down), "b": times(1, slow(5*time.Second, yes))},
			options: func(o *outbox.Options) { o.GiveUpAfter = 10 * time.Second },
			seen:    "0s a, 1s b, 6s a, 8s a, 10s a",
			noted:   "a dead 10s after 4: given up after 10s: 503, b sent 6s",
		},
		{
			name: "what is too old is tried all the same before it is given up", lasts: day,
			items: func() []outbox.Item {
				old, older := letter("a"), letter("b")
				old.Created = old.Created.Add(-2 * day)
				older.Created = older.Created.Add(-3 * day)
				return []outbox.Item{old, older}
			},
			answers: script{"a": {down}},
			seen:    "0s a, 1s b",
			noted:   "a dead 0s after 1: given up after 24h0m0s: 503, b sent 1s",
		},
		{
			name: "a panic is a failed attempt of that item alone", lasts: time.Minute, items: abc,
			answers: script{"a": {panics, panics}},
			seen:    "0s a, 0s b, 0s c, 1s a, 3s a",
			noted:   "a sent 3s, b sent 0s, c sent 0s",
		},
		{
			name: "an attempt that ends without a result is a failed one", lasts: time.Minute,
			items:   func() []outbox.Item { return []outbox.Item{letter("a")} },
			answers: script{"a": {exits}},
			seen:    "0s a, 1s a",
			noted:   "a sent 1s",
		},
		{
			name: "a refusal that says it is not permanent is tried again", lasts: time.Minute,
			items:   func() []outbox.Item { return []outbox.Item{letter("a")} },
			answers: script{"a": {unsure}},
			seen:    "0s a, 1s a",
			noted:   "a sent 1s",
		},
		{
			name: "an attempt that takes too long is cut off", lasts: time.Minute,
			items:   func() []outbox.Item { return []outbox.Item{letter("a")} },
			answers: script{"a": {slow(time.Hour, yes)}},
			seen:    "0s a, 11s a",
			noted:   "a sent 11s",
		},
		{
			name: "several run at a time, and another begins as soon as one has ended", lasts: time.Minute, options: parallel,
			items: func() []outbox.Item {
				return []outbox.Item{letter("a1", "a"), letter("a2", "a"), letter("b"), letter("c"), letter("d")}
			},
			answers: script{
				"a1": {slow(5*time.Second, yes)}, "b": {slow(3*time.Second, yes)},
				"c": {slow(2*time.Second, yes)}, "d": {slow(7*time.Second, yes)},
			},
			seen:  "0s a1, 0s b, 0s c, 2s d, 5s a2",
			noted: "a1 sent 5s, a2 sent 5s, b sent 3s, c sent 2s, d sent 9s",
		},
		{
			name: "older items that become due do not add to what runs", lasts: time.Minute, items: abc,
			options: func(o *outbox.Options) { o.Concurrency = 2 },
			answers: script{"a": {panics, slow(2*time.Second, yes)}, "b": {panics}, "c": {slow(9*time.Second, yes)}},
			seen:    "0s a, 0s b, 0s c, 1s a, 3s b",
			noted:   "a sent 3s, b sent 3s, c sent 9s",
		},
		{
			name: "failures of attempts that ran together are one failure of the sink", lasts: time.Minute, options: parallel,
			items:   abc,
			answers: script{"a": {down}, "b": {down}, "c": {down}},
			seen:    "0s a, 0s b, 0s c, 1s a, 1s b, 1s c",
			noted:   "a sent 1s, b sent 1s, c sent 1s",
		},
		{
			name: "a sink that failed is not probed while older attempts go on", lasts: time.Minute, options: parallel,
			items: func() []outbox.Item {
				b, c := letter("b"), letter("c")
				b.Attempts, c.Attempts = 3, 3 // so a is tried less often
				return []outbox.Item{letter("a"), b, c}
			},
			answers: script{"a": {down}, "b": {slow(5*time.Second, yes)}, "c": {slow(3*time.Second, yes)}},
			seen:    "0s a, 0s b, 0s c, 3s a",
			noted:   "a sent 3s, b sent 5s, c sent 3s",
		},
		{
			name: "a wait that was asked for is not cut short by another failure, nor by success", lasts: 2 * time.Minute, options: parallel,
			items:   func() []outbox.Item { return append(abc(), letter("d")) },
			answers: script{"a": {busy(time.Minute)}, "b": {slow(time.Second, down)}, "c": {slow(2*time.Second, yes)}},
			seen:    "0s a, 0s b, 0s c, 1m0s a, 1m0s b, 1m0s d",
			noted:   "a sent 1m0s, b sent 1m0s, c sent 2s, d sent 1m0s",
		},
		{
			name: "the probe of a sink is alone", lasts: time.Minute, options: parallel, items: abc,
			answers: script{"a": {down, slow(4*time.Second, yes)}, "b": {down}, "c": {down}},
			seen:    "0s a, 0s b, 0s c, 1s a, 5s b, 5s c",
			noted:   "a sent 5s, b sent 5s, c sent 5s",
		},
		{
			name: "no more attempts begin than the limit allows", lasts: time.Minute, items: abc,
			options: func(o *outbox.Options) {
				o.Concurrency = 3
				o.Limit = outbox.AtMost(2, 8*time.Second)
			},
			seen:  "0s a, 0s b, 4s c",
			noted: "a sent 0s, b sent 0s, c sent 4s",
		},
		{
			name: "beside slow attempts others begin as soon as the limit allows", lasts: time.Minute, items: abc,
			options: func(o *outbox.Options) {
				o.Concurrency = 3
				o.Limit = outbox.AtMost(1, time.Second)
			},
			answers: script{"a": {slow(9*time.Second, yes)}, "b": {slow(9*time.Second, yes)}},
			seen:    "0s a, 1s b, 2s c",
			noted:   "a sent 9s, b sent 10s, c sent 2s",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, tt.answers, tt.options)
				s.add(tt.items()...)
				time.Sleep(tt.lasts)
				if err := s.end(); err != nil {
					t.Errorf("Run: got error %v, want none", err)
				}
				if got := s.seen(); tt.seen != "" && got != tt.seen {
					t.Errorf("attempts:\n got %s\nwant %s", got, tt.seen)
				}
				if got := s.noted(); got != tt.noted {
					t.Errorf("notes:\n got %s\nwant %s", got, tt.noted)
				}
			})
		})
	}
}

func TestWorkerJitter(t *testing.T) {
	for _, tt := range []struct {
		name   string
		chance float64
		seen   string
	}{
		{"the least chance waits a fifth less", 0, "0s a, 800ms a, 2.4s a, 5.6s a"},
		{"the middle waits exactly", 0.5, "0s a, 1s a, 3s a, 7s a"},
		{"three quarters wait a tenth more", 0.75, "0s a, 1.1s a, 3.3s a, 7.7s a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, script{"a": times(3, down)}, func(o *outbox.Options) {
					o.Rand = func() float64 { return tt.chance }
				})
				s.add(letter("a"))
				time.Sleep(time.Minute)
				if got := s.seen(); got != tt.seen {
					t.Errorf("attempts:\n got %s\nwant %s", got, tt.seen)
				}
			})
		})
	}
}

func TestWorkerOfASinkThatIsDownDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := newStage(t, script{"a": times(99, slow(time.Hour, yes))}, nil)
		other := newStage(t, nil, func(o *outbox.Options) {
			o.Sink, o.Queue = "oncall", &broken.queue
		})
		b := letter("b")
		b.Sink = "oncall"
		broken.add(letter("a"), b)
		other.worker.Wake()
		time.Sleep(15 * time.Second)
		if got, want := broken.noted(), "a retrying 11s after 1: context deadline exceeded, b sent 0s"; got != want {
			t.Errorf("notes:\n got %s\nwant %s", got, want)
		}
	})
}

func TestWorkerWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, script{"c": {down}}, nil)

		time.Sleep(time.Second)
		s.add(letter("a")) // woken at once

		time.Sleep(10 * time.Second)
		s.queue.Add(letter("b")) // by another process: found at the next look, 30 s after the last

		time.Sleep(40 * time.Second)
		s.add(letter("c"))
		time.Sleep(500 * time.Millisecond)
		s.add(letter("d")) // a wake does not end a pause

		time.Sleep(time.Minute)
		if got, want := s.seen(), "1s a, 31s b, 51s c, 52s d, 52s c"; got != want {
			t.Errorf("attempts:\n got %s\nwant %s", got, want)
		}
	})
}

func TestWorkerLooksWhileItWaitsForARetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, script{"a": times(9, panics)}, nil)
		s.add(letter("a"))
		time.Sleep(2 * time.Minute) // its next attempt is at 2m7s, the one after that at 4m15s
		s.queue.Add(letter("b"))
		time.Sleep(90 * time.Second)
		s.queue.Add(letter("c"))
		time.Sleep(30 * time.Second)
		want := "0s a, 1s a, 3s a, 7s a, 15s a, 31s a, 1m3s a, 2m3s b, 2m7s a, 3m37s c"
		if got := s.seen(); got != want {
			t.Errorf("attempts:\n got %s\nwant %s", got, want)
		}
	})
}

func TestWorkerWakeNeverBlocks(t *testing.T) {
	worker := outbox.NewWorker(outbox.Options{})
	for range 3 {
		worker.Wake() // nobody listens yet
	}
}

func TestWorkerLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, script{
			"a": {down, slow(time.Second, yes)},
			"b": {refused},
			"c": {panics},
		}, nil)
		s.add(letter("a"), letter("b"), letter("c"))
		time.Sleep(time.Minute)
		if err := s.end(); err != nil {
			t.Errorf("Run: got error %v, want none", err)
		}
		want := strings.TrimLeft(`
time=0s level=WARN msg="delivery failed" sink=hook delivery=a attempt=1 retry_at=1s err=503
time=1s level=ERROR msg="delivery given up" sink=hook delivery=b attempt=1 err="post: 410"
time=2s level=INFO msg=delivered sink=hook delivery=a attempt=2 elapsed=1s
time=2s level=ERROR msg="delivery failed" sink=hook delivery=c attempt=1 retry_at=3s stack=true err="panic: no such block"
time=3s level=INFO msg=delivered sink=hook delivery=c attempt=2 elapsed=0s
`, "\n")
		if diff := cmp.Diff(want, s.log.String()); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	})
}

func TestAnAttemptKnowsWhatTheOneBeforeItInItsThreadRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, script{"a": {down}, "b": {refused}, "c": {panics}}, nil)
		for _, id := range []string{"a", "b", "c", "d"} {
			one := letter(id, "group")
			one.Thread = "group"
			s.add(one)
		}
		time.Sleep(time.Minute)
		if got, want := s.noted(), "a sent 1s, b dead 1s after 1: post: 410, c sent 2s, d sent 2s"; got != want {
			t.Errorf("notes:\n got %s\nwant %s", got, want)
		}
		want := []string{"", "a", "aa", "aab", "aab", "aabc"}
		if diff := cmp.Diff(want, s.recalls); diff != "" {
			t.Errorf("what the attempts found, of which the first of c panicked (-want +got):\n%s", diff)
		}
	})
}
