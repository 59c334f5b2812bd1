// Bench measures Watchdog, beside what people would use instead, and writes what it measured into
// docs/performance.md.
//
//	go run ./bench              # everything: some half an hour
//	go run ./bench -quick       # each part once, on few replications: seconds, and nothing is written
//	go run ./bench -only told,start   # some parts, whose tables and goals alone are written
//
// The daemon is the real binary, built anew, with its store in a file; the simulated server, the
// receiver of webhooks and the clock are the benchmark's. CPU and memory of the daemon are those
// that Linux counts for its process. A number in the page is of one run on one machine: what can
// be compared elsewhere are the ratios, whose two sides are measured in the same run.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

// run runs the parts that args ask for, tells progress to w, and writes the page.
func run(ctx context.Context, args []string, w io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(w)
	var (
		quick = flags.Bool("quick", false, "run each part once on few replications, and write nothing")
		only  = flags.String("only", "", "the `names` of the parts to run, with commas between")
		root  = flags.String("root", ".", "the `folder` of the module")
	)
	if err := flags.Parse(args); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "watchdog-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	b := &bench{root: *root, scratch: scratch, quick: *quick, progress: w}
	if err := b.build(ctx); err != nil {
		return err
	}
	measured, err := b.measure(ctx, *only)
	if err != nil || *quick {
		return err
	}
	return b.write(measured)
}
