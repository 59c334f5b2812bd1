package main

import (
	"context"
	"runtime"
)

// inside runs the benchmarks that stand beside the code: decoding, deciding, committing and
// delivering, on one core and on all.
func (b *bench) inside(ctx context.Context) (string, error) {
	cores := "-" + count(runtime.NumCPU())
	decoded, err := b.goTest(ctx, "./snapshot", "ReadDocs", "-cpu", pick(b, "1,"+cores[1:], "1"))
	if err != nil {
		return "", err
	}
	t := newTable("a second", "one core", "all cores", "bytes allocated each", "allocations each")
	for _, line := range []struct{ name, bench string }{
		{"documents decoded", "ReadDocs/docs"},
		{"the same by `encoding/json`", "ReadDocs/docs-by-encoding-json"},
		{"documents and jobs decoded and joined", "ReadDocs/docs-and-jobs"},
		{"the same by `encoding/json`", "ReadDocs/docs-and-jobs-by-encoding-json"},
		{"the same, unchanged since the look before", "ReadDocs/unchanged"},
	} {
		row := rowOf{results: decoded, cores: cores}
		t.row(line.name, row.rate(line.bench, "docs/s"), row.all(b, line.bench, "docs/s"), row.rate(line.bench, "B/doc"), row.rate(line.bench, "allocs/doc"))
		if row.err != nil {
			return "", row.err
		}
	}
	if b.quick {
		return t.String(), nil
	}
	if err := b.decide(ctx, t, cores); err != nil {
		return "", err
	}
	if err := b.deliver(ctx, t, cores); err != nil {
		return "", err
	}
	return t.String(), nil
}

func (b *bench) decide(ctx context.Context, t *table, cores string) error {
	decided, err := b.goTest(ctx, "./rules", "Step|Servers", "-cpu", "1,"+cores[1:])
	if err != nil {
		return err
	}
	row := rowOf{results: decided, cores: cores}
	for _, line := range []struct{ name, bench string }{
		{"replications decided, ten rules, none changed", "Step/unchanged"},
		{"… 1 % changed", "Step/1%"},
		{"… all changed", "Step/100%"},
		{"… 1 % changed, a server for each core", "Servers"},
	} {
		t.row(line.name, row.rate(line.bench, "replications/s"), row.all(b, line.bench, "replications/s"), "", "")
	}
	return row.err
}

func (b *bench) deliver(ctx context.Context, t *table, cores string) error {
	committed, err := b.goTest(ctx, "./store", "CommitChanges", "-cpu", "1,"+cores[1:])
	if err != nil {
		return err
	}
	row := rowOf{results: committed, cores: cores}
	for _, line := range []struct{ name, bench string }{
		{"changes committed, one in a transaction", "CommitChanges/1"},
		{"… 1,000", "CommitChanges/1000"},
		{"… 100,000", "CommitChanges/100000"},
	} {
		t.row(line.name, row.rate(line.bench, "changes/s"), row.all(b, line.bench, "changes/s"), "", "")
	}
	if row.err != nil {
		return row.err
	}
	row.results, err = b.goTest(ctx, "./cli", "WebhookDeliveries", "-benchtime", "3000x", "-cpu", "1,"+cores[1:])
	if err != nil {
		return err
	}
	for _, line := range []struct{ name, bench string }{
		{"webhooks delivered, one at a time", "WebhookDeliveries/1_at_a_time"},
		{"… 16 at a time", "WebhookDeliveries/16_at_a_time"},
	} {
		t.row(line.name, row.rate(line.bench, "deliveries/s"), row.all(b, line.bench, "deliveries/s"), "", "")
	}
	return row.err
}

// rowOf reads cells from results; err is the first that was not there.
type rowOf struct {
	results results
	cores   string // how names end that are of all cores
	err     error
}

func (r *rowOf) rate(bench, unit string) string {
	v, err := r.results.of(bench, unit)
	if err != nil && r.err == nil {
		r.err = err
	}
	return short(v)
}

// all is the rate on all cores, where there are several and the run is a whole one.
func (r *rowOf) all(b *bench, bench, unit string) string {
	if b.quick || r.cores == "-1" {
		return ""
	}
	return r.rate(bench+r.cores, unit)
}
