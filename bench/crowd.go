package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"watchdog/scheduler/couchtest"
)

// crowd is many simulated servers on one port, told apart by the first part of the path.
type crowd struct {
	url     string
	members []*member
	byName  map[string]*member
	stop    func()
}

// member is one of them. It notes when it is looked at.
type member struct {
	*couchtest.Server
	name string

	mu    sync.Mutex // guards what follows
	asked time.Time  // the last request of a look
	looks []time.Time
}

// quiet is how long nothing is asked between two looks.
const quiet = 200 * time.Millisecond

// newCrowd is so many servers with so many replications each.
func newCrowd(ctx context.Context, servers, replications int) (*crowd, error) {
	c := &crowd{byName: map[string]*member{}}
	for i := range servers {
		m := &member{Server: populated(replications), name: fmt.Sprintf("server-%04d", i)}
		c.members, c.byName[m.name] = append(c.members, m), m
	}
	var err error
	c.url, c.stop, err = serve(ctx, c, nil)
	return c, err
}

// ServeHTTP hands a request to the server that it is for.
func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	m := c.byName[name]
	if m == nil {
		http.NotFound(w, r)
		return
	}
	if r.URL.Query().Get("feed") != "longpoll" { // which is the doorbell's
		m.note(at)
	}
	http.StripPrefix("/"+name, m.Server).ServeHTTP(w, r)
}

// note takes a request that comes after a silence for the first of a look.
func (m *member) note(at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at.Sub(m.asked) > quiet {
		m.looks = append(m.looks, at)
	}
	m.asked = at
}

// looked reports whether every server was looked at so often.
func (c *crowd) looked(often int) bool {
	return !slices.ContainsFunc(c.members, func(m *member) bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return len(m.looks) < often
	})
}

// punctuality is how late looks began, of all that came due; missed are those that did not begin
// before the next one was due.
type punctuality struct {
	late   []time.Duration // the least first
	missed int
}

// punctual compares when looks began with when they came due: at an instant of each server, and
// then as often as the schedule says, before the end.
func (c *crowd) punctual(due map[string]time.Time, schedule time.Duration, end time.Time) punctuality {
	var p punctuality
	for _, m := range c.members {
		m.mu.Lock()
		for at := due[m.name]; at.Before(end); at = at.Add(schedule) {
			i := slices.IndexFunc(m.looks, func(look time.Time) bool { return !look.Before(at) })
			if i < 0 || !m.looks[i].Before(at.Add(schedule)) {
				p.missed++
				continue
			}
			p.late = append(p.late, m.looks[i].Sub(at))
		}
		m.mu.Unlock()
	}
	slices.Sort(p.late)
	return p
}

// within is the share of all that came due which began so late at most.
func (p *punctuality) within(late time.Duration) float64 {
	n, _ := slices.BinarySearch(p.late, late+1)
	return float64(n) / float64(len(p.late)+p.missed)
}
