package soak_test

import (
	"flag"
	"os"
	"testing"
	"time"

	"watchdog/internal/itself"
	"watchdog/internal/soak"
)

var length = flag.Duration("soak", 10*time.Second, "how long the daemon lives")

func TestMain(m *testing.M) { os.Exit(itself.Main(m)) }

func TestSoakLeavesNothingBehind(t *testing.T) {
	command, env := itself.Daemon(t)
	r, err := soak.Run(t.Context(), soak.Options{
		For: *length, Command: command, Env: env, Dir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(r)
	for _, problem := range r.Problems {
		t.Error(problem)
	}
	for _, g := range r.Growths {
		if g.Grows {
			t.Errorf("%v: %.2f", g, g.Values)
		}
	}
}
