// Package itself lets tests run the real daemon without building it: a test binary that is told to be
// a watchdog is one, so what runs is what users run.
package itself

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"watchdog/cli"
)

const asked = "WATCHDOG_TEST_MAIN"

// Main is the TestMain of a package whose tests run the daemon, and gives the exit code.
func Main(m *testing.M) int {
	if os.Getenv(asked) != "" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		context.AfterFunc(ctx, stop)
		return cli.Main(ctx, os.Args[1:], cli.System())
	}
	return m.Run()
}

// Daemon is the command that runs the daemon, and what its environment must have besides.
func Daemon(t testing.TB) (command, env []string) {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{path}, []string{asked + "=1"}
}
