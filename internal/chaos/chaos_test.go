//go:build linux

package chaos_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"watchdog/internal/chaos"
	"watchdog/internal/itself"
	"watchdog/store/pgtest"
)

var (
	firstSeed = flag.Uint64("seed", 1, "the first seed of a schedule of faults")
	seeds     = flag.Int("seeds", 3, "how many seeds, from the first on")
	events    = flag.Int("events", 60, "how many faults a seed")
	postgres  = flag.Bool("postgres", false, "keep the store in PostgreSQL, which fails too")
	machine   = flag.Bool("machine", false, "let the clock be set and the disk be slow: builds the daemon, which takes minutes the first time")
)

func TestMain(m *testing.M) { os.Exit(itself.Main(m)) }

// daemon is the command of what runs, and its environment.
func daemon(t *testing.T) (command, env []string) {
	if *machine {
		path := filepath.Join(t.TempDir(), "watchdog")
		if err := chaos.BuildOnBadMachine(t.Context(), "watchdog", path, t.TempDir()); err != nil {
			t.Fatal(err)
		}
		return []string{path}, nil
	}
	return itself.Daemon(t)
}

func TestChaosLosesNothingAndTellsNothingFalse(t *testing.T) {
	t.Parallel()
	play(t, *firstSeed, *seeds, *events, *postgres)
}

// One short seed of the other store, beside those of the test above, with an address of its own.
func TestADatabaseThatFailsLosesNothingAndTellsNothingFalse(t *testing.T) {
	t.Parallel()
	play(t, *firstSeed+uint64(*seeds), 1, 12, true)
}

func play(t *testing.T, first uint64, seeds, events int, database bool) {
	command, env := daemon(t)
	for i := range seeds {
		seed := first + uint64(i)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			o := chaos.Options{Seed: seed, Events: events, Command: command, Env: env, Dir: t.TempDir(), BadMachine: *machine}
			if database {
				db := &pgtest.Server{Durable: true}
				defer db.Close()
				db.Exec(t, "SELECT 1") // which starts it
				o.Database = db
			}
			r, err := chaos.Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			t.Log(r)
			for _, v := range r.Violations {
				t.Error(v)
			}
			if t.Failed() {
				t.Logf("again: go test ./internal/chaos -run Chaos -seeds 1 -seed %d -events %d -machine=%t -postgres=%t; what happened:\n%s",
					seed, events, *machine, database, r.Film())
			}
		})
	}
}
