// Package heartbeat tells a dead man's switch, as Healthchecks.io or Dead Man's Snitch, that
// Watchdog does its work. The switch tells people when it is not called any more: it watches the
// watchdog.
//
// # Promises
//
// The switch is called only when everything was done that alerts depend on, as Options.Whole says.
// Nothing waits for a call, and nothing but a line in the log comes of one that fails. The URL,
// which is all that it takes to call, is in no log and no error.
//
// # Not promised
//
// That a call arrives: the switch should wait for some intervals before it tells anybody.
//
// # Testing
//
// In a testing/synctest bubble, with a transport in memory.
package heartbeat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"watchdog/diag"
	"watchdog/secret"
)

// Spec is `heartbeat` of the config.
type Spec struct {
	URL      secret.String `yaml:"url"`      // called by GET
	Interval time.Duration `yaml:"interval"` // between two calls; default 1m
}

const (
	defaultInterval = time.Minute
	minInterval     = time.Second
	// timeout is for one call.
	timeout = 10 * time.Second
	// idle is how soon a heartbeat that was configured meanwhile begins.
	idle = 5 * time.Second
)

// WithDefaults is the spec with what it leaves out filled in.
func (s Spec) WithDefaults() Spec {
	s.Interval = cmp.Or(s.Interval, defaultInterval)
	return s
}

// Problems is every mistake in the spec; no text of them holds the URL.
func (s Spec) Problems() []diag.Problem {
	var ps []diag.Problem
	if u, err := url.Parse(s.URL.Reveal()); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		ps = append(ps, diag.Problemf("url", "write what the dead man's switch gives, as https://hc-ping.com/…", "not a URL to call"))
	}
	if s.Interval < minInterval {
		ps = append(ps, diag.Problemf("interval", "write 1s or more, as 1m", "an interval of %s is too short", s.Interval))
	}
	return ps
}

// Options are what a Heart needs. All but Transport must be given.
type Options struct {
	// Spec gives what counts at the moment; one without a URL means that nothing is called.
	Spec func() Spec
	// Whole says why not everything was done that should have been; nil: it was.
	Whole     func(context.Context) error
	Log       *slog.Logger
	Transport http.RoundTripper // default http.DefaultTransport
}

// Heart calls the switch. Make one with New, then call Run once.
type Heart struct {
	opt    Options
	client *http.Client
	said   string // the trouble that was logged last, "" when all is well
	last   atomic.Int64
}

// New makes a heart that does not beat yet.
func New(o Options) *Heart {
	return &Heart{opt: o, client: &http.Client{Transport: o.Transport, Timeout: timeout}}
}

// Last is when the switch was last called and answered well; zero before the first time. Anyone
// may call it.
func (h *Heart) Last() time.Time {
	if at := h.last.Load(); at != 0 {
		return time.UnixMilli(at)
	}
	return time.Time{}
}

// Run calls the switch at every interval until ctx ends, the first time after one.
func (h *Heart) Run(ctx context.Context) {
	for {
		spec, wait := h.opt.Spec(), idle
		if spec.URL != "" {
			wait = spec.Interval
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if spec.URL == "" {
			continue
		}
		err := h.opt.Whole(ctx)
		if err == nil {
			err = h.call(ctx, spec)
		}
		if ctx.Err() == nil {
			h.note(err)
		}
	}
}

// call errs without the URL.
func (h *Heart) call(ctx context.Context, s Spec) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL.Reveal(), nil)
	if err != nil {
		return errors.New("call the dead man's switch: not a URL to call")
	}
	req.Header.Set("User-Agent", "watchdog")
	resp, err := h.client.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return fmt.Errorf("call the dead man's switch: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("call the dead man's switch: it answered %s", resp.Status)
	}
	h.last.Store(time.Now().UnixMilli())
	return nil
}

// note logs what is wrong once, and that it is over.
func (h *Heart) note(err error) {
	switch {
	case err == nil && h.said != "":
		h.said = ""
		h.opt.Log.Info("the heartbeat goes on")
	case err != nil && err.Error() != h.said:
		h.said = err.Error()
		h.opt.Log.Warn("no heartbeat", "err", err)
	}
}
