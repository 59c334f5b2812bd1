//go:build linux

package fleet_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"watchdog/internal/fleet"
	"watchdog/internal/itself"
)

var (
	firstSeed = flag.Uint64("seed", 1, "the first seed of a schedule of faults")
	seeds     = flag.Int("seeds", 1, "how many seeds, from the first on")
	events    = flag.Int("events", 7, "how many faults a seed")
	servers   = flag.Int("servers", 200, "how many simulated servers")
	lease     = flag.Duration("lease", 3*time.Second, "how long leases last")
	keep      = flag.String("keep", "", "the folder in which configs and logs of replicas are kept, in one folder for each seed")
	lenient   = flag.Duration("lenient", 5*time.Second, "how much longer than two lease times the checks of a server may take to resume, on a busy machine")
)

func TestMain(m *testing.M) { os.Exit(itself.Main(m)) }

func TestFleetLosesNothingAndNeverDecidesTwice(t *testing.T) {
	command, env := itself.Daemon(t)
	for i := range *seeds {
		seed := *firstSeed + uint64(i)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			dir := t.TempDir()
			if *keep != "" {
				dir = filepath.Join(*keep, fmt.Sprint("seed", seed))
				if err := os.MkdirAll(dir, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			r := fleet.Run(t, fleet.Options{
				Seed: seed, Events: *events, Servers: *servers, Lease: *lease, Lenient: *lenient, Dir: dir,
				Command: command, Env: env,
			})
			t.Log(r)
			for _, v := range r.Violations {
				t.Error(v)
			}
			if t.Failed() {
				t.Logf("again: go test ./internal/fleet -run Fleet -seed %d -events %d -v; what happened:\n%s", seed, *events, r.Film)
			}
		})
	}
}
