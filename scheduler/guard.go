package scheduler

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// After a refusal nothing is sent for firstBackOff; after each further one in a row, for
// nextBackOff. CouchDB locks a user out at the fifth wrong password within five minutes, from
// that address and whoever it is: so at most four may fall into five minutes.
const (
	firstBackOff = time.Minute
	nextBackOff  = 2 * time.Minute
)

// BackOffError says that a request was not sent, because the server refused one like it a
// moment ago.
type BackOffError struct {
	Method, Path, Server string
	Until                time.Time // when the next request is sent
	Err                  error     // the refusal
}

func (e *BackOffError) Error() string {
	return fmt.Sprintf("%s %s of %s: not tried until %s after a refusal: %v",
		e.Method, e.Path, e.Server, e.Until.UTC().Format(time.RFC3339), e.Err)
}

// Unwrap is the refusal.
func (e *BackOffError) Unwrap() error { return e.Err }

// guard keeps credentials that the server refuses from being tried again and again.
//
// A 401, a refused login, whatever its status, and a 403 for credentials that nothing has
// accepted yet stop every request for a while. A 403 for accepted credentials, or for those that
// a login gave, means that one thing is not theirs to read: it stops the requests for that.
// Credentials which are not accepted yet, or not any more, are tried by one request at a time:
// only those that are under way when a password changes can be refused together.
type guard struct {
	server string
	trial  chan struct{} // holds one token while unaccepted credentials are tried

	mu       sync.Mutex         // guards the rest
	accepted bool               // by the server, for a request
	granted  bool               // by a login: a cookie or a token
	refusals map[string]refusal // by route, or everything; kept until something is accepted
}

type refusal struct {
	err   *Error
	until time.Time
}

func newGuard(server string) *guard {
	return &guard{server: server, trial: make(chan struct{}, 1), refusals: map[string]refusal{}}
}

// enter waits until a request may be sent, or says why it may not. Where it may, done must be
// called with the request's outcome.
func (g *guard) enter(ctx context.Context, method, path string) (done func(error), err error) {
	if err := g.check(method, path); err != nil {
		return nil, err
	}
	note := func(err error) { g.note(path, err) }
	if g.isAccepted() {
		return note, nil
	}
	select {
	case g.trial <- struct{}{}:
	case <-ctx.Done():
		return nil, &Error{Method: method, Path: path, Server: g.server, Err: context.Cause(ctx)}
	}
	if err := g.check(method, path); err != nil {
		<-g.trial
		return nil, err
	}
	if g.isAccepted() {
		<-g.trial
		return note, nil
	}
	return func(err error) { note(err); <-g.trial }, nil
}

func (g *guard) isAccepted() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.accepted
}

// check is a BackOffError while requests for the path wait, nil otherwise.
func (g *guard) check(method, path string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, key := range [...]string{everything, route(path)} {
		if r := g.refusals[key]; time.Now().Before(r.until) {
			return &BackOffError{Method: method, Path: path, Server: g.server, Until: r.until, Err: r.err}
		}
	}
	return nil
}

// note remembers how a request ended. Noting the same refusal twice is noting it once.
func (g *guard) note(path string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err == nil {
		g.accept(route(path))
		return
	}
	var e *Error
	if !errors.As(err, &e) || !e.refusal() {
		return
	}
	oneThing := e.Status == http.StatusForbidden && !e.login && !e.lockout()
	if oneThing && e.Method != http.MethodGet {
		return // a document that CouchDB does not take says nothing about who wrote it
	}
	key := everything
	if oneThing && (g.accepted || g.granted) {
		key = route(path)
	} else {
		g.accepted = false
	}
	last, repeated := g.refusals[key]
	if last.err == e {
		return
	}
	wait := firstBackOff
	if repeated {
		wait = nextBackOff
	}
	g.refusals[key] = refusal{err: e, until: time.Now().Add(wait)}
}

// grant remembers that a login went well. That is not yet to say that the server will take what
// it gave: a user who is no admin signs in, and is refused everything.
func (g *guard) grant() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.granted = true
}

// accept forgets the refusals that an accepted request disproves. One that still holds is not
// among them: the request was sent before it.
func (g *guard) accept(route string) {
	if time.Now().Before(g.refusals[everything].until) {
		return
	}
	g.accepted = true
	delete(g.refusals, everything)
	if !time.Now().Before(g.refusals[route].until) {
		delete(g.refusals, route)
	}
}

// everything stands for all routes.
const everything = ""

// route is the part of a path that says what kind of thing is asked for: "/_scheduler/docs".
func route(path string) string {
	parts := strings.SplitN(path, "/", 4) // "", "_scheduler", "docs", the rest
	return strings.Join(parts[:min(len(parts), 3)], "/")
}
