package watch

import (
	"sync/atomic"
	"time"
)

// pulseGrace is how much longer than it may be an owner is silent before it counts as hung: a
// commit may wait for a slow disk.
const pulseGrace = time.Minute

// pulse tells others that an owner is at work, and how long it may be silent.
type pulse struct{ until atomic.Pointer[time.Time] }

// beat says that the owner will be back within a time.
func (p *pulse) beat(within time.Duration) {
	until := time.Now().Add(within + pulseGrace)
	p.until.Store(&until)
}

// rest says that the owner may be away for any time.
func (p *pulse) rest() { p.until.Store(nil) }

func (p *pulse) missed(now time.Time) bool {
	until := p.until.Load()
	return until != nil && now.After(*until)
}
