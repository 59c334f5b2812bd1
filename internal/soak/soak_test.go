package soak_test

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"watchdog/cli"
	"watchdog/internal/soak"
)

var length = flag.Duration("soak", 10*time.Second, "how long the daemon lives")

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

func TestSoakLeavesNothingBehind(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, err := soak.Run(t.Context(), soak.Options{
		For: *length, Command: []string{self}, Env: []string{"WATCHDOG_TEST_MAIN=1"}, Dir: t.TempDir(),
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
