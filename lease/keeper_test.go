package lease_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"watchdog/lease"
)

// table is one in memory, which can be away.
type table struct {
	mu     sync.Mutex // guards all
	until  map[string]time.Time
	leases map[string]lease.Lease
	away   map[string]bool // for these replicas
}

func newTable() *table {
	return &table{until: map[string]time.Time{}, leases: map[string]lease.Lease{}, away: map[string]bool{}}
}

var errAway = errors.New("connection refused")

func (t *table) Renew(_ context.Context, replica string, lives time.Duration) (*lease.View, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.away[replica] {
		return nil, errAway
	}
	t.until[replica] = time.Now().Add(lives)
	v := &lease.View{Leases: maps.Clone(t.leases)}
	for _, r := range slices.Sorted(maps.Keys(t.until)) {
		if t.until[r].After(time.Now()) {
			v.Live = append(v.Live, r)
		}
	}
	return v, nil
}

func (t *table) Take(_ context.Context, replica string, names []string) (taken []lease.Lease, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.away[replica] {
		return nil, errAway
	}
	for _, name := range names {
		if l := t.leases[name]; t.until[l.Holder].After(time.Now()) {
			continue
		}
		l := lease.Lease{Name: name, Holder: replica, Epoch: t.leases[name].Epoch + 1}
		t.leases[name] = l
		taken = append(taken, l)
	}
	return taken, nil
}

func (t *table) Return(_ context.Context, leases []lease.Lease) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range leases {
		if t.leases[l.Name] == l {
			t.leases[l.Name] = lease.Lease{Name: l.Name, Epoch: l.Epoch}
		}
	}
	return nil
}

func (t *table) Leave(_ context.Context, replica string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.until, replica)
	for name, l := range t.leases {
		if l.Holder == replica {
			t.leases[name] = lease.Lease{Name: name, Epoch: l.Epoch}
		}
	}
	return nil
}

func (t *table) cut(replica string, away bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.away[replica] = away
}

// epochs is how many tenures there have been.
func (t *table) epochs() (n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.leases {
		n += l.Epoch
	}
	return n
}

// replica is one that wants servers 1 to 6, and works on what it holds.
type replica struct {
	*lease.Keeper
	stop, kill func()
}

const leaseTime = 15 * time.Second

func start(ctx context.Context, name string, in *table, running *sync.WaitGroup) *replica {
	ctx, stop := context.WithCancel(ctx)
	k := lease.NewKeeper(lease.Options{Replica: name, Table: in, Lease: leaseTime, Log: slog.New(slog.DiscardHandler)})
	running.Go(func() { k.Run(ctx) })
	for n := range 6 {
		running.Go(func() {
			k.Hold(ctx, fmt.Sprint("server/", n+1), func(ctx context.Context, _ lease.Lease) { <-ctx.Done() })
		})
	}
	return &replica{Keeper: k, stop: stop, kill: func() { in.cut(name, true) }}
}

// held says how many each of the replicas works on.
func held(replicas ...*replica) string {
	synctest.Wait()
	var counts []string
	for _, r := range replicas {
		counts = append(counts, fmt.Sprint(len(r.Held())))
	}
	return strings.Join(counts, " ")
}

func TestKeepersShareAndTakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, began := newTable(), time.Now()
		var running sync.WaitGroup
		ctx, stop := context.WithCancel(t.Context())
		say := func(what, want, got string) {
			t.Helper()
			if got != want {
				t.Errorf("[%s] %s: got %s, want %s", time.Since(began), what, got, want)
			}
		}
		a := start(ctx, "a", in, &running)
		time.Sleep(time.Second)
		say("a is alone", "6", held(a))
		b := start(ctx, "b", in, &running)
		time.Sleep(10 * time.Second)
		say("b has joined", "3 3", held(a, b))

		b.kill() // it works on, as far as it knows
		time.Sleep(leaseTime + 5*time.Second)
		say("b was cut off", "6 3", held(a, b))
		in.cut("b", false)
		time.Sleep(5 * time.Second)
		time.Sleep(10 * time.Second)
		say("b is back", "3 3", held(a, b))

		in.cut("a", true)
		in.cut("b", true)
		time.Sleep(10 * leaseTime)
		in.cut("a", false)
		in.cut("b", false)
		time.Sleep(5 * time.Second)
		say("the table was away", "3 3", held(a, b))
		if got := in.leases["server/1"].Epoch + in.leases["server/2"].Epoch; got > 8 {
			t.Errorf("epochs: got %d in all, want none added by the table's absence", got)
		}

		a.stop()
		time.Sleep(5 * time.Second)
		say("a has left in good order", "0 6", held(a, b))
		stop()
		running.Wait()
		for _, l := range in.leases {
			if l.Holder != "" {
				t.Errorf("after all have left: %s is held by %s", l.Name, l.Holder)
			}
		}
	})
}

// TestATableThatWasAwayForALeaseTimeMovesNothing lets it be back when one of two has been silent for
// longer than a lease lasts, and the other, which sees that, has not.
func TestATableThatWasAwayForALeaseTimeMovesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newTable()
		var running sync.WaitGroup
		ctx, stop := context.WithCancel(t.Context())
		a := start(ctx, "a", in, &running)
		time.Sleep(500 * time.Millisecond)
		b := start(ctx, "b", in, &running)
		time.Sleep(60*time.Second + 50*time.Millisecond) // a has renewed half a second ago, b just now
		before := in.epochs()
		in.cut("a", true)
		in.cut("b", true)
		time.Sleep(leaseTime - 100*time.Millisecond) // b looks again in 50 ms
		in.cut("b", false)
		in.cut("a", false)
		time.Sleep(2 * leaseTime)
		if got, shares := in.epochs(), held(a, b); got != before || shares != "3 3" {
			t.Errorf("after the table was away: got %d tenures in all, and shares of %s; want %d, and 3 3", got, shares, before)
		}
		stop()
		running.Wait()
	})
}

func TestWorkEndsWhenALeaseIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newTable()
		k := lease.NewKeeper(lease.Options{Replica: "a", Table: in, Lease: leaseTime, Log: slog.New(slog.DiscardHandler)})
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { k.Run(ctx) })
		var epochs []int64
		running.Go(func() {
			k.Hold(ctx, "server/prod", func(ctx context.Context, l lease.Lease) {
				epochs = append(epochs, l.Epoch)
				if len(epochs) == 1 {
					in.mu.Lock() // another one takes over, and dies
					in.leases["server/prod"] = lease.Lease{Name: "server/prod", Holder: "b", Epoch: 7}
					in.mu.Unlock()
					k.Lost(l)
				}
				<-ctx.Done()
			})
		})
		time.Sleep(time.Minute)
		stop()
		running.Wait()
		if !slices.Equal(epochs, []int64{1, 8}) {
			t.Errorf("epochs of the work: got %v, want 1 and 8", epochs)
		}
	})
}

// TestWhatIsGivenBackSlowlyIsTakenAgain lets the work on what is to be given back end only when the
// one for whom it was has died.
func TestWhatIsGivenBackSlowlyIsTakenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newTable()
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		k := lease.NewKeeper(lease.Options{Replica: "a", Table: in, Lease: leaseTime, Log: slog.New(slog.DiscardHandler)})
		running.Go(func() { k.Run(ctx) })
		var working atomic.Int32
		for n := range 6 {
			running.Go(func() {
				k.Hold(ctx, fmt.Sprint("server/", n+1), func(held context.Context, _ lease.Lease) {
					working.Add(1)
					<-held.Done()
					if ctx.Err() == nil {
						time.Sleep(3 * leaseTime) // what is in hand takes that long
					}
					working.Add(-1)
				})
			})
		}
		time.Sleep(time.Second)
		if _, err := in.Renew(ctx, "b", leaseTime); err != nil { // it says once that it lives
			t.Fatal(err)
		}
		time.Sleep(6 * leaseTime)
		if got := working.Load(); got != 6 {
			t.Errorf("servers on which a works after b has died: got %d, want 6", got)
		}
		stop()
		running.Wait()
	})
}
