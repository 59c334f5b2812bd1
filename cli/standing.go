package cli

import (
	"context"
	"reflect"
	"sync"
	"time"

	"watchdog/notify"
	"watchdog/store"
)

// standing reads what people have said from the store, where another process may have written
// it. It gives the same pointer as long as nothing has changed.
type standing struct {
	store *store.DB

	mu   sync.Mutex // guards what follows
	last *notify.Standing
	asOf time.Time // when reading it began
}

// read gives it as it is now, or was so long ago at the earliest: who watches many servers asks
// again and again.
func (s *standing) read(ctx context.Context, age time.Duration) (*notify.Standing, error) {
	began := time.Now()
	if last, asOf := s.known(); last != nil && began.Sub(asOf) < age {
		return last, nil
	}
	next, err := s.store.Standing(ctx, began)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last != nil && reflect.DeepEqual(s.last, next) {
		next = s.last
	}
	if began.After(s.asOf) {
		s.last, s.asOf = next, began
	}
	return next, nil
}

// known is what was read last, and when that began; nil before the first time.
func (s *standing) known() (last *notify.Standing, asOf time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, s.asOf
}
