package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// reading is what a reader says of one listing of all documents (bench/reader, bench/baseline).
type reading struct {
	Rows      int           `json:"rows"`
	Took      time.Duration `json:"took"`
	CPU       time.Duration `json:"cpu"`
	Allocs    uint64        `json:"allocs"`
	Allocated uint64        `json:"allocated"` // bytes
}

// instead measures what else would read the same documents of the same server, each in a process
// of its own, and what the disk takes for an fsync.
func (b *bench) instead(ctx context.Context) (string, error) {
	rows := pick(b, 20_000, 300)
	f, err := newFleet(ctx, rows)
	if err != nil {
		return "", err
	}
	defer f.stop()
	reader, err := b.compile(ctx, "bench/reader")
	if err != nil {
		return "", err
	}
	ways := []struct{ name, program, how string }{
		{"the bytes alone, thrown away", reader, "bytes"},
		{"Watchdog's client", reader, "watchdog"},
		{"`encoding/json` into structs", reader, "json"},
	}
	note := ""
	switch sdk, err := b.compile(ctx, "bench/baseline"); {
	case b.quick: // CI vets it: a dozen modules take longer to compile than all else to run
	case errors.Is(err, errAbsent):
		note = "\nIBM's SDK could not be built here, and was left out.\n"
	case err != nil:
		return "", err
	default:
		ways = append(ways, struct{ name, program, how string }{"IBM's Go SDK for Cloudant", sdk, "sdk"})
	}
	t := newTable(fmt.Sprintf("reading %s documents", count(rows)), "CPU", "until the last", "allocations a document", "bytes a document")
	for _, way := range ways {
		best, err := b.read(ctx, way.program, way.how, f.url)
		if err != nil {
			return "", err
		}
		if best.Rows != rows && way.how != "bytes" {
			return "", fmt.Errorf("%s: read %d documents, want %d", way.name, best.Rows, rows)
		}
		t.row(way.name, millis(best.CPU), millis(best.Took), short(float64(best.Allocs)/float64(rows)), short(float64(best.Allocated)/float64(rows)))
	}
	sync, err := b.fsync()
	return t.String() + note + fmt.Sprintf("\nWriting 4 kB and an fsync take %s in the middle: a commit waits for one of them.\n", millis(sync)), err
}

// compile builds a program of the benchmark's; one that is a module of its own may need modules that
// cannot be had, which is errAbsent.
func (b *bench) compile(ctx context.Context, folder string) (string, error) {
	dir := filepath.Join(b.root, folder)
	into := filepath.Join(b.scratch, filepath.Base(folder))
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
		if b.quick {
			return "", errAbsent
		}
		fetch := exec.CommandContext(ctx, "go", "mod", "download")
		fetch.Dir = dir
		if said, err := fetch.CombinedOutput(); err != nil {
			fmt.Fprintf(b.progress, "%s: %s\n", folder, said)
			return "", errAbsent
		}
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", into, ".")
	cmd.Dir = dir
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", folder, err, said)
	}
	return into, nil
}

// read runs a reader a few times, and takes the run with the least CPU.
func (b *bench) read(ctx context.Context, program, how, url string) (reading, error) {
	var best reading
	for i := range pick(b, 5, 1) {
		out, err := exec.CommandContext(ctx, program, how, url).Output()
		if err != nil {
			var ended *exec.ExitError
			if errors.As(err, &ended) {
				err = fmt.Errorf("%w: %s", err, ended.Stderr)
			}
			return best, fmt.Errorf("read by %s: %w", how, err)
		}
		var r reading
		if err := json.Unmarshal(out, &r); err != nil {
			return best, fmt.Errorf("read by %s: %w", how, err)
		}
		if i == 0 || r.CPU < best.CPU {
			best = r
		}
	}
	return best, nil
}

// fsync is what the disk below the stores takes to keep a page of a database, in the middle of
// several.
func (b *bench) fsync() (time.Duration, error) {
	f, err := os.Create(filepath.Join(b.scratch, "page"))
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // nobody reads it
	var took []time.Duration
	for range pick(b, 101, 3) {
		began := time.Now()
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}

// sizeOf is the size of a file, 0 where there is none.
func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
