// Reader lists all replication documents of a server once, and prints as JSON what that took this
// process. Its first argument says how: watchdog (by its client), json (by encoding/json into
// structs) or bytes (read and thrown away); the second is the server's URL.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"syscall"
	"time"

	"watchdog/scheduler"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "reader:", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("got %d arguments, want how and a URL", len(args))
	}
	read, found := map[string]func(context.Context, string) (int, error){"watchdog": byWatchdog, "json": byJSON, "bytes": byBytes}[args[0]]
	if !found {
		return fmt.Errorf("no way to read is called %q", args[0])
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began, used := time.Now(), cpu()
	rows, err := read(context.Background(), args[1])
	if err != nil {
		return err
	}
	took, used := time.Since(began), cpu()-used
	runtime.ReadMemStats(&after)
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"rows": rows, "took": took, "cpu": used,
		"allocs": after.Mallocs - before.Mallocs, "allocated": after.TotalAlloc - before.TotalAlloc,
	})
}

// cpu is what this process has used so far.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func byWatchdog(ctx context.Context, url string) (int, error) {
	client, err := scheduler.New(scheduler.Options{Spec: scheduler.Spec{Name: "bench", URL: url}})
	if err != nil {
		return 0, err
	}
	defer client.Close()
	rows := 0
	for _, err := range client.Docs(ctx, scheduler.ListOptions{Database: "_replicator"}) {
		if err != nil {
			return rows, err
		}
		rows++
	}
	return rows, nil
}

func byBytes(ctx context.Context, url string) (int, error) {
	return 0, list(ctx, url, func(r io.Reader) error {
		_, err := io.Copy(io.Discard, r)
		return err
	})
}

func byJSON(ctx context.Context, url string) (int, error) {
	var body struct {
		Docs []struct {
			Database    string    `json:"database"`
			DocID       string    `json:"doc_id"`
			ID          *string   `json:"id"`
			Node        *string   `json:"node"`
			Source      string    `json:"source"`
			Target      string    `json:"target"`
			State       string    `json:"state"`
			ErrorCount  int64     `json:"error_count"`
			LastUpdated time.Time `json:"last_updated"`
			StartTime   time.Time `json:"start_time"`
			Info        *struct {
				Error            *string `json:"error"`
				RevisionsChecked *int64  `json:"revisions_checked"`
				DocsRead         *int64  `json:"docs_read"`
				DocsWritten      *int64  `json:"docs_written"`
				ChangesPending   *int64  `json:"changes_pending"`
				DocWriteFailures *int64  `json:"doc_write_failures"`
				SourceSeq        *string `json:"source_seq"`
				ThroughSeq       *string `json:"through_seq"`
			} `json:"info"`
		} `json:"docs"`
	}
	err := list(ctx, url, func(r io.Reader) error { return json.NewDecoder(r).Decode(&body) })
	return len(body.Docs), err
}

// list asks for all documents in one request.
func list(ctx context.Context, url string, read func(io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/_scheduler/docs/_replicator?limit=1000000000", http.NoBody)
	if err != nil {
		return err
	}
	client := http.Client{Timeout: 10 * time.Minute}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("list documents: %s", resp.Status)
	}
	return read(resp.Body)
}
