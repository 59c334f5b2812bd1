package cli_test

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"watchdog/cli"
)

// TestMain makes the test binary a watchdog where it is called by that name, or told to be one:
// the tests run what users run.
func TestMain(m *testing.M) {
	if os.Getenv("WATCHDOG_TEST_MAIN") != "" {
		watchdog()
	}
	if os.Getenv("WATCHDOG_TEST_VICTIM") != "" {
		victim()
	}
	testscript.Main(m, map[string]func(){"watchdog": watchdog})
}

func watchdog() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(cli.Main(ctx, os.Args[1:], cli.System()))
}
