// Baseline lists all replication documents of a server once by IBM's SDK for Cloudant, and prints
// as JSON what that took this process, as bench/reader does. Its arguments are "sdk" and the
// server's URL. It is a module of its own, so that Watchdog's needs none of the SDK.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/IBM/cloudant-go-sdk/cloudantv1"
	"github.com/IBM/go-sdk-core/v5/core"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "baseline:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 || args[0] != "sdk" {
		return fmt.Errorf("got arguments %q, want sdk and a URL", args)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began, used := time.Now(), cpu()
	rows, err := list(args[1])
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

// list asks for all documents in one request, as the benchmark's other readers do.
func list(url string) (int, error) {
	service, err := cloudantv1.NewCloudantV1(&cloudantv1.CloudantV1Options{URL: url, Authenticator: &core.NoAuthAuthenticator{}})
	if err != nil {
		return 0, err
	}
	docs, _, err := service.GetSchedulerDocs(service.NewGetSchedulerDocsOptions().SetLimit(1_000_000_000))
	if err != nil {
		return 0, fmt.Errorf("list documents: %w", err)
	}
	return len(docs.Docs), nil
}

// cpu is what this process has used so far.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
