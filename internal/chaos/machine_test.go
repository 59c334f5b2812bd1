//go:build linux

package chaos_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"watchdog/internal/chaos"
)

// What a machine that fails does to a program is done by the Go that is installed: where its sources
// are other ones, this says so before any seed does.
func TestAProgramOnABadMachine(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	if err := chaos.BuildOnBadMachine(t.Context(), "./testdata/machine", program, dir); err != nil {
		t.Fatal(err)
	}
	m, err := chaos.NewMachine(filepath.Join(dir, "machine"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, tt := range []struct {
		name  string
		ahead time.Duration
		delay time.Duration
	}{
		{"all is well", 0, 0},
		{"the clock is ahead", 3 * time.Hour, 0},
		{"the clock is behind", -3 * time.Hour, 0},
		{"the disk is slow", 0, 50 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := m.SetClock(tt.ahead); err != nil {
				t.Fatal(err)
			}
			if err := m.SetDisk(tt.delay); err != nil {
				t.Fatal(err)
			}
			now, write, sync := run(t.Context(), t, program, m.Env(), filepath.Join(dir, "file"))
			if got := time.Until(now); (got - tt.ahead).Abs() > time.Minute {
				t.Errorf("its clock is %s ahead, want %s", got.Round(time.Second), tt.ahead)
			}
			if write < tt.delay || sync < tt.delay {
				t.Errorf("a write took it %s and a sync %s, want %s at least", write, sync, tt.delay)
			}
		})
	}
}

func run(ctx context.Context, t *testing.T, program, env, file string) (now time.Time, write, sync time.Duration) {
	cmd := exec.CommandContext(ctx, program, file)
	cmd.Env = append(os.Environ(), env)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var seconds, wrote, synced int64
	if _, err := fmt.Sscan(string(out), &seconds, &wrote, &synced); err != nil {
		t.Fatalf("%s said %q: %v", program, out, err)
	}
	return time.Unix(seconds, 0), time.Duration(wrote) * time.Millisecond, time.Duration(synced) * time.Millisecond
}
