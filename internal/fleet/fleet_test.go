//go:build linux

package fleet_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"watchdog/cli"
	"watchdog/internal/fleet"
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

// TestMain makes the test binary a watchdog where it is told to be one: what runs is what users run.
func TestMain(m *testing.M) {
	if os.Getenv("WATCHDOG_TEST_MAIN") != "" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		context.AfterFunc(ctx, stop)
		os.Exit(cli.Main(ctx, os.Args[1:], cli.System()))
	}
	flag.Parse()
	os.Exit(m.Run())
}

func TestFleetLosesNothingAndNeverDecidesTwice(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
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
				Command: []string{self}, Env: []string{"WATCHDOG_TEST_MAIN=1"},
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
