package cli

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"watchdog/scheduler"
	"watchdog/scheduler/couchtest"
)

// readers are the clients of the servers in use, by name. close stops what was started for
// them.
type readers struct {
	byName  map[string]*scheduler.Client
	made    map[string]made
	sources []scheduler.SourceSpec
}

// made is how a client came to be.
type made struct {
	spec  scheduler.Spec // as the config has it
	stops []func()
}

// openReaders makes a client for each server. One whose URL is demo:// gets a simulated server of
// its own, which begins its story now. The clients ask each other about sources, and the hosts
// that have credentials.
func openReaders(specs []scheduler.Spec, sources []scheduler.SourceSpec) (*readers, error) {
	r, err := openReadersAfter(nil, specs, sources)
	if err == nil {
		r.introduce()
	}
	return r, err
}

// openReadersAfter is openReaders, but takes over the clients of servers that are as they were, and
// does not introduce any to the others yet. Before may be nil.
func openReadersAfter(before *readers, specs []scheduler.Spec, sources []scheduler.SourceSpec) (*readers, error) {
	if before == nil {
		before = &readers{}
	}
	r := &readers{byName: map[string]*scheduler.Client{}, made: map[string]made{}, sources: sources}
	for _, spec := range specs {
		if m, found := before.made[spec.Name]; found && reflect.DeepEqual(m.spec, spec) {
			r.byName[spec.Name], r.made[spec.Name] = before.byName[spec.Name], m
			continue
		}
		if err := r.open(spec); err != nil {
			r.closeBut(before)
			return nil, err
		}
	}
	return r, nil
}

// open makes the client of one server.
func (r *readers) open(spec scheduler.Spec) error {
	m := made{spec: spec}
	if simulated(spec) {
		url, stop, err := couchtest.Demo(couchtest.Options{}).Serve("127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("start the simulated server %s: %w", spec.Name, err)
		}
		spec.URL = url
		m.stops = append(m.stops, stop)
	}
	r.made[spec.Name] = m
	client, err := scheduler.New(scheduler.Options{Spec: spec})
	if err != nil {
		return err
	}
	m.stops = append(m.stops, client.Close)
	r.byName[spec.Name], r.made[spec.Name] = client, m
	return nil
}

// introduce makes the clients ask each other from now on.
func (r *readers) introduce() {
	scheduler.Introduce(slices.Collect(maps.Values(r.byName)), r.sources)
}

// sameCircle reports whether two know the same clients and sources.
func (r *readers) sameCircle(o *readers) bool {
	return maps.Equal(r.byName, o.byName) && reflect.DeepEqual(r.sources, o.sources)
}

func (r *readers) close() { r.closeBut(&readers{}) }

// closeBut stops what was started for clients that are not among the others.
func (r *readers) closeBut(others *readers) {
	for name, m := range r.made {
		if client := r.byName[name]; client != nil && client == others.byName[name] {
			continue
		}
		for _, stop := range m.stops {
			stop()
		}
	}
}

func simulated(spec scheduler.Spec) bool { return strings.HasPrefix(spec.URL, "demo:") }

func genuine(spec scheduler.Spec) bool { return !simulated(spec) }
