//go:build linux

package chaos

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Event is one fault: what happens, from when, and for how long. Faults overlap.
type Event struct {
	At   time.Duration // from the beginning
	For  time.Duration
	Kind string // a name in the table of faults
	Dice uint64 // what else is left to chance: where it hits, and how hard
}

func (e Event) String() string {
	return fmt.Sprintf("%7.3fs %-24s for %4d ms", e.At.Seconds(), e.Kind, e.For.Milliseconds())
}

// rand is chance of the event's own: the same for the same event.
func (e Event) rand() *rand.Rand { return rand.New(rand.NewPCG(e.Dice, 0)) }

const (
	meanGap = 150 * time.Millisecond // between the beginnings of two faults
	longest = 1500 * time.Millisecond
)

// Schedule is what happens in a run: the same for the same seed, and with fewer events the
// beginning of it. The store is a file, or a database.
func Schedule(seed uint64, events int, database bool) []Event {
	faults, gap := faultsOf(database), meanGap
	if database {
		gap *= 2 // leases are given back in seconds
	}
	chance := rand.New(rand.NewPCG(seed, 1))
	total := 0
	for _, f := range faults {
		total += f.weight
	}
	all := make([]Event, events)
	at := 2 * time.Second // something to spoil comes first
	for i := range all {
		at += time.Duration(chance.Int64N(int64(2 * gap)))
		all[i] = Event{At: at, For: time.Duration(50e6 + chance.Int64N(int64(longest))), Dice: chance.Uint64()}
		pick := chance.IntN(total)
		for _, f := range faults {
			if pick -= f.weight; pick < 0 {
				all[i].Kind = f.kind
				break
			}
		}
	}
	return all
}
