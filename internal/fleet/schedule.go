//go:build linux

package fleet

import (
	"math/rand/v2"
	"time"
)

// Event is one fault: what happens, to whom, from when, and for how long.
type Event struct {
	At      time.Duration // from the beginning, or when those before have begun and it has its turn
	For     time.Duration
	Kind    string
	Replica int // whom it hits, if it hits one
}

// replicas is how many there are.
const replicas = 3

// Schedule is what happens in a run: the same for the same seed, and with fewer events the beginning
// of it. It begins with one fault of each kind.
func Schedule(seed uint64, events int, lease time.Duration) []Event {
	chance := rand.New(rand.NewPCG(seed, 1))
	all := make([]Event, 0, events)
	var order []int
	at := time.Duration(0)
	for len(all) < events {
		if len(order) == 0 {
			order = chance.Perm(len(faults))
		}
		f := faults[order[0]]
		order = order[1:]
		all = append(all, Event{
			At: at, Kind: f.kind, Replica: chance.IntN(replicas),
			For: time.Duration((f.least + (f.most-f.least)*chance.Float64()) * float64(lease)),
		})
		at += time.Duration(chance.Float64() * float64(lease))
	}
	return all
}
