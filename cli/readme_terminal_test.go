package cli_test

import (
	"bytes"
	"strings"
	"testing"

	"watchdog/scheduler/couchtest"
)

// Each command that the README shows for a terminal does what it says, on a server where orders
// has completed.
func TestReadmeTerminalCommandsWork(t *testing.T) {
	var lines []string
	for _, block := range blocks(t, "console") {
		if strings.Contains(block, "$ watchdog docs ") {
			lines = strings.Split(strings.TrimSpace(block), "\n")
		}
	}
	if len(lines) < 5 {
		t.Fatalf("README.md shows %d commands for a terminal, want its section", len(lines))
	}
	srv := couchtest.New(couchtest.Options{})
	srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Completed, OneShot: true, Target: "http://b.example/orders"})
	server := serving(t, srv)
	for _, line := range lines {
		words, _, _ := strings.Cut(line, "#")
		args := strings.Fields(strings.TrimPrefix(words, "$ watchdog "))
		var out bytes.Buffer
		if code, stderr := command(t, server, &out, args...); code != 0 {
			t.Errorf("%s: exit %d, %s", line, code, stderr)
		}
	}
}
