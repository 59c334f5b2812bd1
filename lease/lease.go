// Package lease shares work among replicas: who watches which server, and who sends to which sink.
//
// A replica says every so often that it lives. What a replica holds is its own as long as it
// lives; what nobody who lives holds is taken by those who hold less than their share. A new
// tenure has a new epoch, and whoever writes shows the epoch of his: so one that was paused, or
// cut off, while another took over can write nothing any more.
//
// # Promises
//
// Two replicas never write in tenures of one name at the same time: the table decides, by its own
// clock. After a replica fails, what it held is taken within one and a half lease times; one that
// ends in good order leaves it at once. Shares differ by one at most, and nothing moves while they do.
//
// # Not promised
//
// That a replica which is cut off knows it at once: until it hears of it, it may read what is no
// longer its own. A share by weight: one server counts as much as another.
//
// # Testing
//
// Step as a table. The Keeper with a table in memory inside a testing/synctest bubble; the tables
// of the stores by storetest.
package lease

import (
	"cmp"
	"context"
	"errors"
	"hash/fnv"
	"slices"
	"strings"
	"time"
)

// Lease is one tenure of one name.
type Lease struct {
	Name   string // "kind/name"
	Holder string // the replica
	Epoch  int64  // grows with each tenure of the name
}

// ErrLost says that a lease is no longer its holder's.
var ErrLost = errors.New("another replica has taken over")

// View is what a table shows at one moment.
type View struct {
	Live   []string // the replicas that live, in order, the one that looks included
	Leases map[string]Lease
}

// free reports whether nobody holds a name, and whether that is because the holder has died.
func (v *View) free(name string) (free, orphaned bool) {
	l, known := v.Leases[name]
	if !known || l.Holder == "" {
		return true, false
	}
	dead := !slices.Contains(v.Live, l.Holder)
	return dead, dead
}

// Table is where the replicas meet.
type Table interface {
	// Renew says that a replica lives for a lease time from now on, and shows what is so.
	Renew(ctx context.Context, replica string, lease time.Duration) (*View, error)
	// Take gives a replica those of the names that nobody who lives holds.
	Take(ctx context.Context, replica string, names []string) ([]Lease, error)
	// Return gives leases back. What is not its holder's any more is left alone.
	Return(ctx context.Context, leases []Lease) error
	// Leave gives back all that a replica holds, and forgets it.
	Leave(ctx context.Context, replica string) error
}

// Step decides what a replica takes, and what it gives back to be taken by others: of each kind of
// the names that it wants, its share. What a dead replica left is taken only by one that is
// settled: after a failure of the table itself everybody first has the time to say that he lives.
func Step(me string, wanted []string, seen *View, settled bool) (take, give []string) {
	kinds := map[string][]string{}
	for _, name := range wanted {
		kind, _, _ := strings.Cut(name, "/")
		kinds[kind] = append(kinds[kind], name)
	}
	for _, names := range kinds {
		var mine, open []string
		for _, name := range names {
			free, orphaned := seen.free(name)
			switch {
			case seen.Leases[name].Holder == me:
				mine = append(mine, name)
			case free && (settled || !orphaned):
				open = append(open, name)
			}
		}
		quota := share(me, len(names), seen.Live)
		prefer(me, mine)
		prefer(me, open)
		if len(mine) > quota {
			give = append(give, mine[quota:]...)
		} else {
			take = append(take, open[:min(len(open), quota-len(mine))]...)
		}
	}
	slices.Sort(take)
	slices.Sort(give)
	return take, give
}

// share is how many of n names are a replica's: the first of those that live have one more where
// n cannot be divided.
func share(me string, n int, live []string) int {
	i := slices.Index(live, me)
	if i < 0 {
		return 0
	}
	quota := n / len(live)
	if i < n%len(live) {
		quota++
	}
	return quota
}

// prefer puts names in an order that is a replica's own, so that those who take at the same time
// rarely want the same, and one that comes back gets what it had.
func prefer(me string, names []string) {
	rank := func(name string) uint64 {
		h := fnv.New64a()
		h.Write([]byte(me + "\x00" + name))
		return h.Sum64()
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) })
}
