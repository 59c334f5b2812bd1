package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// familyCPU is what a process and its children have used, those included that have ended.
func familyCPU(parent int) (time.Duration, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	var ticks int64
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // it has ended since
		}
		if err != nil {
			return 0, err
		}
		s, err := parseStat(stat)
		switch {
		case err != nil:
			return 0, fmt.Errorf("%s: %w", path, err)
		case path == fmt.Sprintf("/proc/%d/stat", parent):
			ticks += s.own + s.ended
		case s.parent == parent:
			ticks += s.own
		}
	}
	return time.Duration(ticks) * tick, nil
}

// tick is the unit in which Linux counts (proc_pid_stat(5)).
const tick = 10 * time.Millisecond

// stat is what Linux counts of a process, in ticks: its own, and what its children had used that
// have ended.
type stat struct {
	parent     int
	own, ended int64
}

// parseStat reads /proc/PID/stat. After the name, which is in brackets and may hold anything, the
// parent is the second field, and utime, stime, cutime and cstime are the 12th to the 15th.
func parseStat(line []byte) (s stat, err error) {
	fields := bytes.Fields(line[bytes.LastIndexByte(line, ')')+1:])
	if len(fields) < 15 {
		return s, errors.New("a short line")
	}
	var n [5]int64
	for i, field := range [...]int{1, 11, 12, 13, 14} {
		if n[i], err = strconv.ParseInt(string(fields[field]), 10, 64); err != nil {
			return s, err
		}
	}
	return stat{parent: int(n[0]), own: n[1] + n[2], ended: n[3] + n[4]}, nil
}

// ownCPU is what this program has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
