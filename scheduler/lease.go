package scheduler

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

const (
	renewPause    = time.Minute      // between tries to renew what is still good
	renewPatience = 10 * time.Second // how long a request waits for such a try
)

// lease is credentials that a request of its own obtains and that are good for a while: a
// session's cookie, a token. They are renewed when four fifths of their life are over. One
// caller at a time asks for them, and the others wait for it; where the old ones are still good
// nobody else waits, and an outage costs nothing before they expire. A refusal is no outage: it
// says that the configured credentials are good no more, and is told at once.
type lease struct {
	client *Client
	path   string // of the request that obtains them, as an Error names it
	obtain func(context.Context) (grant, error)

	mu     sync.Mutex // guards the rest
	held   grant
	flight *flight // under way; nil when nobody asks
}

// grant is what is obtained; the zero value is none.
type grant struct {
	secret  string
	renewAt time.Time
	expires time.Time
}

// granted is a grant of that lifetime, counted from the moment before it was asked for.
func granted(secret string, from time.Time, lifetime time.Duration) grant {
	return grant{secret: secret, renewAt: from.Add(lifetime / 5 * 4), expires: from.Add(lifetime)}
}

func (g grant) good(now time.Time) bool { return g.secret != "" && now.Before(g.expires) }

// flight is one request for a grant. Err is set before done is closed; nil too where the caller
// who asked gave up, so that another must ask.
type flight struct {
	done chan struct{}
	err  error
}

// valid is credentials that have not expired.
func (l *lease) valid(ctx context.Context) (string, error) {
	for {
		l.mu.Lock()
		now, held, f := time.Now(), l.held, l.flight
		if held.good(now) && (f != nil || now.Before(held.renewAt)) {
			l.mu.Unlock()
			return held.secret, nil
		}
		if f == nil {
			l.flight = &flight{done: make(chan struct{})}
			l.mu.Unlock()
			return l.renew(ctx, held)
		}
		l.mu.Unlock()
		select {
		case <-f.done:
			if f.err != nil {
				return "", f.err
			}
		case <-ctx.Done():
			return "", l.client.failed(http.MethodPost, l.path, context.Cause(ctx))
		}
	}
}

// renew asks for a new grant in place of held, which may be none, and lands the flight.
func (l *lease) renew(ctx context.Context, held grant) (string, error) {
	fresh, err := l.ask(ctx, held.good(time.Now()))
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.flight
	l.flight = nil
	defer close(f.done)
	var e *Error
	switch {
	case err == nil:
		l.held = fresh
		return fresh.secret, nil
	case l.held.good(time.Now()) && errors.As(err, &e) && !e.refusal():
		l.held.renewAt = time.Now().Add(renewPause)
		return l.held.secret, nil
	case ctx.Err() == nil:
		f.err = err
	}
	return "", err
}

// ask obtains a grant, where the guard allows it, and tells the guard what came of it.
func (l *lease) ask(ctx context.Context, bridged bool) (grant, error) {
	guard := l.client.guard
	if err := guard.check(http.MethodPost, l.path); err != nil {
		return grant{}, err
	}
	if bridged {
		limited, cancel := context.WithTimeout(ctx, renewPatience)
		defer cancel()
		ctx = limited
	}
	fresh, err := l.obtain(ctx)
	if err == nil {
		guard.grant()
		return fresh, nil
	}
	var e *Error
	if errors.As(err, &e) {
		e.login = true
	}
	guard.note(l.path, err)
	return grant{}, err
}

// forget drops the credentials that a request bore, unless others have come since.
func (l *lease) forget(secret string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if secret == l.held.secret {
		l.held = grant{}
	}
}
