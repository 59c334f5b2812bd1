//go:build linux

package fleet

import (
	"slices"
	"sync"
	"syscall"
	"time"

	"watchdog/store/pgtest"
)

// fault is one kind of trouble, which lasts between least and most lease times. Either a replica or
// the database suffers it; what does that returns when it is over.
type fault struct {
	kind        string
	least, most float64
	replica     func(w *world, e Event, r *replica)
	database    func(w *world, e Event)
}

// faults are all there are: each comes as often as any other.
var faults = []fault{
	{kind: "SIGKILL", most: 1, replica: kill},
	{kind: "SIGTERM", most: 1, replica: terminate},
	{kind: "SIGSTOP", least: 1.2, most: 2, replica: freeze},
	{kind: "cut wire", least: 1.2, most: 2, replica: hang},
	{kind: "broken wire", least: 0.5, most: 2, replica: sever},
	{kind: "database restart", least: 0.2, most: 1.2, database: restartDatabase},
	{kind: "database failover", database: failover},
}

// play lets a schedule happen, one fault after the other and several at a time, and returns when all
// are over. The database and each replica have one at a time, and one replica has none.
func (w *world) play(schedule []Event) {
	byKind := map[string]fault{}
	for _, f := range faults {
		byKind[f.kind] = f
	}
	var lasting sync.WaitGroup
	began := time.Now()
	for _, e := range schedule {
		time.Sleep(time.Until(began.Add(e.At)))
		f := byKind[e.Kind]
		if f.database != nil {
			w.database.Lock()
			w.note("%s", e.Kind)
			lasting.Go(func() {
				defer w.database.Unlock()
				f.database(w, e)
			})
			continue
		}
		r := w.replicas[e.Replica]
		r.faulty.Lock()
		w.spare <- struct{}{}
		w.note("%s of %s for %s", e.Kind, r.now().name, e.For.Round(time.Millisecond))
		lasting.Go(func() {
			defer func() { <-w.spare; r.faulty.Unlock() }()
			f.replica(w, e, r)
		})
	}
	lasting.Wait()
}

// befalls records a fault; the returned function ends it.
func (w *world) befalls(kind, process string) (over func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, Fault{Kind: kind, Process: process, Began: time.Now()})
	i := len(w.faults) - 1
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.faults[i].Over = time.Now()
	}
}

// awaySince reports whether the database was away at some moment since.
func (w *world) awaySince(since time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.faults, func(f Fault) bool {
		return f.Process == "" && (f.Over.IsZero() || f.Over.After(since))
	})
}

// kill ends a process at any moment; another takes its place.
func kill(w *world, e Event, r *replica) {
	w.befalls(e.Kind, r.now().name) // it is never over
	r.end(syscall.SIGKILL)
	time.Sleep(e.For)
	r.start()
}

func terminate(w *world, e Event, r *replica) {
	w.befalls(e.Kind, r.now().name)
	r.end(syscall.SIGTERM)
	time.Sleep(e.For)
	r.start()
}

// freeze stops a process in whatever it does for longer than its leases last.
func freeze(w *world, e Event, r *replica) {
	over := w.befalls(e.Kind, r.now().name)
	r.signal(syscall.SIGSTOP)
	time.Sleep(e.For)
	over()
	r.signal(syscall.SIGCONT)
}

// hang keeps anything from passing between a replica and the database, and then lets all of it
// arrive.
func hang(w *world, e Event, r *replica) {
	over := w.befalls(e.Kind, r.now().name)
	r.wired(func(w *pgtest.Wire) { w.Cut(true) })
	time.Sleep(e.For)
	over()
	r.wired(func(w *pgtest.Wire) { w.Cut(false) })
}

// sever ends the connections between a replica and the database, and lets it make none.
func sever(w *world, e Event, r *replica) {
	over := w.befalls(e.Kind, r.now().name)
	r.wired(func(w *pgtest.Wire) { w.Break(true) })
	time.Sleep(e.For)
	over()
	r.wired(func(w *pgtest.Wire) { w.Break(false) })
}

func restartDatabase(w *world, e Event) {
	over := w.befalls(e.Kind, "")
	w.database.primary().Stop()
	time.Sleep(e.For)
	if err := w.database.primary().Start(); err != nil {
		w.t.Errorf("start the database again: %v", err)
	}
	over()
	w.note("the database is back")
}

// failover loses the database for good. Its standby takes its place, and gets a standby of its own.
func failover(w *world, e Event) {
	over := w.befalls(e.Kind, "")
	w.database.promote(w.t)
	over()
	w.note("the standby is promoted")
	w.database.follow(w.t)
	for _, r := range w.replicas {
		for i, one := range r.wires {
			one.Aim(w.database.slots[i].Address())
		}
	}
}
