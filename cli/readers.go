package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"watchdog/scheduler"
	"watchdog/scheduler/couchtest"
)

// readers are the clients of the servers in use, by name. close stops what was started for
// them.
type readers struct {
	byName map[string]*scheduler.Client
	stops  []func()
}

// openReaders makes a client for each server. One whose URL is demo:// gets a simulated server of
// its own, which begins its story now. The clients ask each other about sources, and the hosts
// that have credentials.
func openReaders(specs []scheduler.Spec, sources []scheduler.SourceSpec) (*readers, error) {
	r := &readers{byName: map[string]*scheduler.Client{}}
	for _, spec := range specs {
		if simulated(spec) {
			url, stop, err := couchtest.Demo(couchtest.Options{}).Serve("127.0.0.1:0")
			if err != nil {
				r.close()
				return nil, fmt.Errorf("start the simulated server %s: %w", spec.Name, err)
			}
			spec.URL = url
			r.stops = append(r.stops, stop)
		}
		client, err := scheduler.New(scheduler.Options{Spec: spec})
		if err != nil {
			r.close()
			return nil, err
		}
		r.byName[spec.Name] = client
		r.stops = append(r.stops, client.Close)
	}
	scheduler.Introduce(slices.Collect(maps.Values(r.byName)), sources)
	return r, nil
}

func (r *readers) close() {
	for _, stop := range r.stops {
		stop()
	}
}

func simulated(spec scheduler.Spec) bool { return strings.HasPrefix(spec.URL, "demo:") }

func genuine(spec scheduler.Spec) bool { return !simulated(spec) }
