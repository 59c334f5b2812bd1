//go:build linux

package chaos

import (
	"context"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"syscall"
	"time"

	"watchdog/scheduler/couchtest"
)

// fault is one kind of trouble. do begins it and returns what ends it.
type fault struct {
	kind   string
	weight int // how often it comes, compared with others
	do     func(ctx context.Context, w *world, chance *rand.Rand, lasts time.Duration) (undo func())
}

// faults are those that can happen whatever the store is.
var faults = []fault{
	{"SIGTERM", 2, terminate},
	{"SIGSTOP", 8, freeze},

	{"clock set forward", 6, setClock(1)},
	{"clock set back", 6, setClock(-1)},
	{"garbage as config", 3, garbageConfig},
	{"no config", 2, noConfig},

	{"server: refused", 5, atServer(refused)},
	{"server: reset", 5, atServer(reset)},
	{"server: hung", 5, atServer(hung)},
	{"server: cut", 5, atServer(cut)},
	{"server: name unknown", 3, nameUnknown},
	{"server: bodies cut", 6, answering(func(c *rand.Rand) couchtest.Behaviour { return couchtest.Truncate(c.IntN(2000)) })},
	{"server: bodies stop", 4, answering(func(c *rand.Rand) couchtest.Behaviour { return couchtest.HangAfter(c.IntN(2000)) })},
	{"server: garbage", 5, answering(func(*rand.Rand) couchtest.Behaviour { return couchtest.Garbage() })},
	{"server: a page", 3, answering(func(*rand.Rand) couchtest.Behaviour { return couchtest.HTML(http.StatusOK) })},
	{"server: an odd row", 4, answering(func(*rand.Rand) couchtest.Behaviour { return couchtest.OddRow("") })},
	{"server: 401", 2, answering(func(*rand.Rand) couchtest.Behaviour { return couchtest.Status(http.StatusUnauthorized) })},
	{"server: 403", 2, answering(func(*rand.Rand) couchtest.Behaviour { return couchtest.Status(http.StatusForbidden) })},
	{"server: 429", 5, answering(func(*rand.Rand) couchtest.Behaviour {
		return couchtest.RetryAfter(http.StatusTooManyRequests, time.Second)
	})},
	{"server: 500", 6, answering(func(*rand.Rand) couchtest.Behaviour { return couchtest.Status(http.StatusInternalServerError) })},
	{"server: 503", 4, answering(func(*rand.Rand) couchtest.Behaviour { return couchtest.Status(http.StatusServiceUnavailable) })},
	{"server: no answer", 5, answering(func(*rand.Rand) couchtest.Behaviour { return couchtest.Hang() })},
	{"server: late", 5, answering(func(c *rand.Rand) couchtest.Behaviour {
		return couchtest.Delay(time.Duration(c.IntN(1000)) * time.Millisecond)
	})},
	{"server: trickles", 3, answering(func(*rand.Rand) couchtest.Behaviour { return couchtest.Trickle(200, 20*time.Millisecond) })},
	{"server: sessions expire", 3, expireSessions},
	{"server: a node is down", 5, nodeDown},

	{"receiver: refused", 4, atReceiver(refused)},
	{"receiver: reset", 4, atReceiver(reset)},
	{"receiver: hung", 4, atReceiver(hung)},
	{"receiver: cut", 4, atReceiver(cut)},
	{"receiver: 503", 5, feeling(unable)},
	{"receiver: 429", 5, feeling(busy)},
	{"receiver: deaf", 4, feeling(deaf)},
	{"receiver: silent", 4, feeling(silent)},
	{"receiver: abrupt", 6, feeling(abrupt)},
	{"receiver: half an answer", 4, feeling(half)},
	{"receiver: late", 4, feeling(slow)},
}

// diskFaults are those of a store that is a file: it is there again as soon as the daemon is.
var diskFaults = []fault{
	{"SIGKILL", 32, kill},
	{"full disk", 6, fullDisk},
	{"slow disk", 6, slowDisk},
	{"read-only disk", 1, readOnlyDisk},
	{"store of a newer version", 1, newerStore},
}

// databaseFaults are those of a store that is a database. A daemon that was killed leaves its leases
// behind, so that the next one watches nothing for some seconds: it is killed more seldom.
var databaseFaults = []fault{
	{"SIGKILL", 6, kill},
	{"database: refused", 5, atDatabase(refused)},
	{"database: reset", 8, atDatabase(reset)},
	{"database: hung", 6, atDatabase(hung)},
	{"database: cut", 6, atDatabase(cut)},
	{"database: slow", 6, atDatabase(sluggish)},
	{"database: killed", 4, killDatabase},
	{"database of a newer version", 1, newerDatabase},
}

// faultsOf are those that can happen to a store.
func faultsOf(database bool) []fault {
	if database {
		return slices.Concat(faults, databaseFaults)
	}
	return slices.Concat(faults, diskFaults)
}

func nothing() {}

// kill ends the process at any moment; it is started again at once.
func kill(_ context.Context, w *world, _ *rand.Rand, _ time.Duration) func() {
	if w.daemon.kill() {
		w.kills.Add(1)
	}
	return nothing
}

func terminate(ctx context.Context, w *world, _ *rand.Rand, _ time.Duration) func() {
	defer w.exclusively()()
	defer w.daemon.release()
	w.daemon.hold(ctx, syscall.SIGTERM)
	return nothing
}

// freeze stops the process in whatever it does, and lets it go on.
func freeze(_ context.Context, w *world, _ *rand.Rand, _ time.Duration) func() {
	end := w.ledger.outage() // requests whose time runs out meanwhile have failed
	w.daemon.signal(syscall.SIGSTOP, false)
	return func() {
		w.daemon.signal(syscall.SIGCONT, false)
		end()
	}
}

func fullDisk(_ context.Context, w *world, _ *rand.Rand, _ time.Duration) func() {
	if !w.disk.small {
		return nothing
	}
	done := w.daemon.excuse(excuseFull)
	if err := w.disk.fill(); err != nil {
		w.note("the disk cannot be filled now: %v", err) // it is read-only
	}
	return func() { w.must(w.disk.free()); done() }
}

// slowDisk makes each write and each sync take longer.
func slowDisk(_ context.Context, w *world, chance *rand.Rand, _ time.Duration) func() {
	if w.machine == nil {
		return nothing
	}
	w.must(w.machine.SetDisk(time.Duration(1+chance.IntN(40)) * time.Millisecond))
	return func() { w.must(w.machine.SetDisk(0)) }
}

// setClock sets the wall clock forward or back, by seconds, minutes or hours. It stays so until it is
// set again.
func setClock(direction time.Duration) func(context.Context, *world, *rand.Rand, time.Duration) func() {
	return func(_ context.Context, w *world, chance *rand.Rand, _ time.Duration) func() {
		if w.machine == nil {
			return nothing
		}
		unit := [...]time.Duration{time.Second, time.Minute, time.Hour}[chance.IntN(3)]
		step := direction * unit * time.Duration(1+chance.IntN(8))
		w.must(w.ledger.setClock(step, w.machine.SetClock))
		w.note("the clock was set by %s", step)
		return nothing
	}
}

// readOnlyDisk is what a file system makes of itself when its device fails. Linux allows it on
// request only where nobody writes: so the daemon is killed first, and must not start then.
func readOnlyDisk(ctx context.Context, w *world, _ *rand.Rand, _ time.Duration) func() {
	if !w.disk.small {
		return nothing
	}
	defer w.exclusively()()
	defer w.holdDown(ctx)()
	if err := w.disk.seal(true); err != nil {
		w.note("the disk cannot be made read-only now: %v", err) // the filler is open
		return nothing
	}
	w.daemon.mustRefuse(ctx, excuseReadOnly)
	w.must(w.disk.seal(false))
	return nothing
}

// newerStore puts a store that a later version wrote in the place of ours, for a while.
func newerStore(ctx context.Context, w *world, _ *rand.Rand, _ time.Duration) func() {
	defer w.exclusively()()
	defer w.holdDown(ctx)()
	back, err := w.swapStore()
	if err != nil {
		w.note("the store cannot be swapped now: %v", err) // the disk is full
		return nothing
	}
	w.daemon.mustRefuse(ctx, excuseNewer)
	w.must(back())
	return nothing
}

func atDatabase(state network) func(context.Context, *world, *rand.Rand, time.Duration) func() {
	return func(_ context.Context, w *world, _ *rand.Rand, _ time.Duration) func() {
		done := w.daemon.excuse(excuseAway)
		w.must(w.database.proxy.set(state))
		return func() { w.must(w.database.proxy.set(open)); done() }
	}
}

// killDatabase ends the database without a word to anybody, and starts it again.
func killDatabase(ctx context.Context, w *world, _ *rand.Rand, lasts time.Duration) func() {
	done := w.daemon.excuse(excuseAway)
	defer done()
	w.database.mu.Lock()
	defer w.database.mu.Unlock()
	w.database.Stop()
	pause(ctx, lasts)
	w.must(w.database.Start())
	return nothing
}

// newerDatabase makes the database one that a later version wrote, for a while.
func newerDatabase(ctx context.Context, w *world, _ *rand.Rand, _ time.Duration) func() {
	defer w.exclusively()()
	defer w.holdDown(ctx)()
	w.database.mu.Lock()
	defer w.database.mu.Unlock()
	back, err := w.database.makeNewer(ctx)
	if err != nil {
		w.note("the database cannot be made newer now: %v", err)
		return nothing
	}
	w.daemon.mustRefuse(ctx, excuseNewer)
	w.must(back())
	return nothing
}

func garbageConfig(_ context.Context, w *world, chance *rand.Rand, _ time.Duration) func() {
	garbage := []string{"servers: [", "\x00\x01\x02", "nonsense: true\n", w.config()[:chance.IntN(len(w.config()))] + "\n\t: ]"}
	return w.reconfigure(excuseGarbage, func() error {
		return os.WriteFile(w.daemon.config, []byte(garbage[chance.IntN(len(garbage))]), 0o600)
	})
}

func noConfig(_ context.Context, w *world, _ *rand.Rand, _ time.Duration) func() {
	return w.reconfigure(excuseGone, func() error { return os.Remove(w.daemon.config) })
}

func atServer(state network) func(context.Context, *world, *rand.Rand, time.Duration) func() {
	return func(_ context.Context, w *world, _ *rand.Rand, _ time.Duration) func() {
		end := w.ledger.outage()
		w.must(w.proxy.set(state))
		return func() { w.must(w.proxy.set(open)); end() }
	}
}

// nameUnknown makes the lookup of the server's name fail, and every connection be made anew.
func nameUnknown(_ context.Context, w *world, _ *rand.Rand, _ time.Duration) func() {
	end := w.ledger.outage()
	w.must(w.names.know(false))
	w.must(w.proxy.set(reset))
	w.must(w.proxy.set(open))
	return func() { w.must(w.names.know(true)); end() }
}

// answering lets the server answer some of its requests otherwise.
func answering(how func(*rand.Rand) couchtest.Behaviour) func(context.Context, *world, *rand.Rand, time.Duration) func() {
	paths := []string{"", "", "/_scheduler/docs", "/_scheduler/jobs", "/_active_tasks", "/_replicator/_changes", "/_session"}
	return func(_ context.Context, w *world, chance *rand.Rand, _ time.Duration) func() {
		end := w.ledger.outage()
		remove := w.couch.Inject(couchtest.Fault{Path: paths[chance.IntN(len(paths))], Do: how(chance)})
		return func() { remove(); end() }
	}
}

func expireSessions(_ context.Context, w *world, _ *rand.Rand, _ time.Duration) func() {
	w.couch.ExpireSessions()
	return nothing
}

// nodeDown makes rows be missing, without a word of it.
func nodeDown(_ context.Context, w *world, _ *rand.Rand, _ time.Duration) func() {
	end := w.ledger.outage()
	w.couch.NodeDown(secondNode, true)
	return func() { w.couch.NodeDown(secondNode, false); end() }
}

func atReceiver(state network) func(context.Context, *world, *rand.Rand, time.Duration) func() {
	return func(_ context.Context, w *world, chance *rand.Rand, _ time.Duration) func() {
		r := w.receivers[chance.IntN(len(w.receivers))]
		w.must(r.proxy.set(state))
		return func() { w.must(r.proxy.set(open)) }
	}
}

func feeling(m mood) func(context.Context, *world, *rand.Rand, time.Duration) func() {
	return func(_ context.Context, w *world, chance *rand.Rand, _ time.Duration) func() {
		r := w.receivers[chance.IntN(len(w.receivers))]
		r.set(m)
		return func() { r.set(well) }
	}
}
