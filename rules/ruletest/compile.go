package ruletest

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"watchdog/diag"
	"watchdog/notify"
	"watchdog/rules"
	"watchdog/snapshot"
)

// defaultInterval is that of a test that gives none.
const defaultInterval = 30 * time.Second

// Plan is what the tests of a file run against.
type Plan struct {
	// Server is the name of the server that a test speaks of without naming it.
	Server string
	// Rules are those that watch a server.
	Rules func(server string) []*rules.Rule
	// Labels are the server's own.
	Labels func(server string) map[string]string
	// Router makes the messages; nil makes none.
	Router *notify.Router
	// Sinks are the names that a message can be expected of.
	Sinks []string
	// Recording reads a recording by the path in the test.
	Recording func(path string) ([]*snapshot.Snapshot, error)
}

// Test is a compiled Case. It is used by one goroutine at a time.
type Test struct {
	Name string
	Path string // of the case in its file, as "tests[2]"

	plan     *Plan
	interval time.Duration
	servers  []*server
	recorded []*snapshot.Snapshot // in place of what the servers show
	expect   []expectation
	samples  int // 0 for a recording
}

// Compile checks a file and makes its tests ready to run. All mistakes are returned at once, their
// fields counted from the top of the file; the tests that have none can be run.
func Compile(f *File, plan *Plan) ([]*Test, []diag.Problem) {
	var tests []*Test
	var problems []diag.Problem
	if len(f.Tests) == 0 {
		problems = append(problems, diag.Problemf("tests", "add one, as tests: [{name: …, replications: …, expect: …}]", "the file has no tests"))
	}
	names := map[string]bool{}
	for i := range f.Tests {
		c := compiler{Case: &f.Tests[i], path: fmt.Sprintf("tests[%d]", i), plan: plan}
		c.Interval = cmp.Or(c.Interval, f.Interval, defaultInterval)
		c.test = &Test{Name: c.Name, Path: c.path, plan: plan, interval: c.Interval}
		switch {
		case c.Name == "":
			c.problem("name", "give it one that says what is shown, as a sentence", "the test has no name")
		case names[c.Name]:
			c.problem("name", "name it for what makes it another one", "two tests have the name %q", c.Name)
		}
		names[c.Name] = true
		c.seen()
		c.expected()
		if len(c.problems) == 0 {
			tests = append(tests, c.test)
		}
		problems = append(problems, c.problems...)
	}
	return tests, problems
}

// compiler compiles one case.
type compiler struct {
	*Case
	path     string
	plan     *Plan
	test     *Test
	problems []diag.Problem
}

func (c *compiler) problem(field, hint, format string, args ...any) {
	c.place(field, diag.Problemf("", hint, format, args...))
}

// place takes a problem of a field of the case.
func (c *compiler) place(field string, p diag.Problem) {
	p.Field = c.path + "." + field
	c.problems = append(c.problems, p)
}

// seen compiles what was seen: of the server that needs no name, of others, or of a recording.
func (c *compiler) seen() {
	own := !reflect.ValueOf(c.Seen).IsZero()
	switch {
	case c.Recording != "" && (own || len(c.Servers) > 0 || c.Server != ""):
		c.problem("recording", "make two tests of it", "a test shows a recording, or what it says itself")
	case c.Recording != "":
		recorded, err := c.plan.Recording(c.Recording)
		if err == nil && len(recorded) == 0 {
			err = fmt.Errorf("%s holds no snapshot", c.Recording)
		}
		if err != nil {
			c.problem("recording", "", "%v", err)
			return
		}
		c.test.recorded = recorded
		return
	case !own && len(c.Servers) == 0:
		c.problem("replications", "add some, as replications: {orders: {state: running x3}}", "the test shows nothing")
		return
	}
	if own {
		name := cmp.Or(c.Server, c.plan.Server)
		if _, again := c.Servers[name]; again {
			c.problem("servers."+name, "write all of it in one place", "the test shows the server %q twice", name)
		}
		c.test.servers = append(c.test.servers, c.server(name, "", &c.Seen))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Servers)) {
		one := c.Servers[name]
		c.test.servers = append(c.test.servers, c.server(name, "servers."+name+".", &one))
	}
	for _, s := range c.test.servers {
		c.test.samples = max(c.test.samples, s.samples())
	}
}

// server compiles what was seen of one server, whose fields begin with prefix.
func (c *compiler) server(name, prefix string, seen *Seen) *server {
	s := &server{name: name, labels: seen.Labels, version: seen.Version}
	s.check = c.series(prefix+"check", seen.Check, checks)
	s.latency = c.series(prefix+"latency", seen.Latency, durations)
	for id := range seen.Replications {
		r := seen.Replications[id]
		s.replications = append(s.replications, c.replication(id, prefix+"replications."+id, &r))
	}
	slices.SortFunc(s.replications, func(a, b *replication) int { return a.key.Compare(b.key) })
	return s
}

func (c *compiler) series(field, text string, k kind) series {
	if text == "" {
		return nil
	}
	s, p := readSeries(text, k)
	if p != nil {
		c.place(field, *p)
	}
	return s
}

func (c *compiler) replication(id, path string, written *Replication) *replication {
	r := &replication{key: keyOf(id)}
	r.state = c.series(path+".state", written.State, states)
	for _, f := range fields {
		if text := f.text(written); text != "" {
			r.fields = append(r.fields, fieldSeries{f, c.series(path+"."+f.name, text, f.kind)})
		}
	}
	r.crashes = c.series(path+".crashes", written.Crashes, numbers)
	if written.History != nil && written.Crashes != "" {
		c.problem(path+".crashes", "leave one of them out", "the history tells of the crashes")
	}
	for i, e := range written.History {
		r.events = append(r.events, c.event(fmt.Sprintf("%s.history[%d]", path, i), e))
	}
	slices.SortStableFunc(r.events, func(a, b snapshot.Event) int { return a.At.Compare(b.At) })
	return r
}

// keyOf is the replication that a test calls so: by its document, and its database where that
// is not the usual one.
func keyOf(id string) snapshot.Key {
	if key, err := snapshot.ParseKey(id); err == nil {
		return key
	}
	return snapshot.Key{Database: snapshot.DefaultDatabase, DocID: id}
}

var eventTypes = []string{
	string(snapshot.Added), string(snapshot.Started), string(snapshot.Stopped), string(snapshot.Crashed),
}

func (c *compiler) event(path string, e Event) snapshot.Event {
	if !slices.Contains(eventTypes, e.Type) {
		c.problem(path+".type", cmp.Or(diag.DidYouMean(e.Type, eventTypes), "write one of "+strings.Join(eventTypes, ", ")),
			"%q is no event of a job", e.Type)
	}
	at, err := readTime(e.At)
	if err != nil {
		c.problem(path+".at", "write it like "+times.example, "%q is not a time", e.At)
	}
	return snapshot.Event{
		Type: snapshot.EventType(e.Type), At: start.Add(at.offset).Truncate(time.Second), Reason: e.Reason,
	}
}
