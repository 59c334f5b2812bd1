package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// rivals lets Prometheus and Alertmanager tell of the same failures, and compares.
func (b *bench) rivals(ctx context.Context) (string, error) {
	tools, err := b.monitoring(ctx)
	if errors.Is(err, errAbsent) {
		return "Prometheus and Alertmanager were not there, and were left out.\n", nil
	}
	if err != nil {
		return "", err
	}
	told, err := newReceiver(ctx)
	if err != nil {
		return "", err
	}
	defer told.stop()
	const size, schedule = 2000, 2 * time.Second
	t := newTable(fmt.Sprintf("%s replications, looked at every %s", count(size), schedule), "least", "median", "99 of 100", "CPU a look", "MB of memory")
	for _, way := range []struct {
		name  string
		start func(context.Context, *fleet, *receiver) (*ensemble, error)
	}{
		{"Watchdog, by the doorbell", func(ctx context.Context, f *fleet, r *receiver) (*ensemble, error) {
			return b.alone(ctx, watching{server: f.url, receiver: r.url, schedule: schedule, doorbell: true})
		}},
		{"Watchdog, without it", func(ctx context.Context, f *fleet, r *receiver) (*ensemble, error) {
			return b.alone(ctx, watching{server: f.url, receiver: r.url, schedule: schedule})
		}},
		{"an exporter, Prometheus and Alertmanager", func(ctx context.Context, f *fleet, r *receiver) (*ensemble, error) {
			return b.monitor(ctx, tools, f, r, schedule)
		}},
	} {
		if err := b.compare(ctx, t, way.name, size, schedule, told, way.start); err != nil {
			return "", fmt.Errorf("%s: %w", way.name, err)
		}
	}
	return t.String(), nil
}

// ensemble is the programs that watch together.
type ensemble struct{ processes []*process }

func (e *ensemble) stop() {
	for _, p := range slices.Backward(e.processes) {
		p.stop()
	}
}

func (e *ensemble) usage() (usage, error) {
	var sum usage
	for _, p := range e.processes {
		u, err := p.usage()
		if err != nil {
			return sum, err
		}
		sum.cpu, sum.peak = sum.cpu+u.cpu, sum.peak+u.peak
	}
	return sum, nil
}

// alone is Watchdog.
func (b *bench) alone(ctx context.Context, w watching) (*ensemble, error) {
	d, err := b.watch(ctx, w)
	if err != nil {
		return nil, err
	}
	return &ensemble{processes: []*process{d}}, nil
}

func (b *bench) compare(
	ctx context.Context, t *table, name string, size int, schedule time.Duration, r *receiver,
	start func(context.Context, *fleet, *receiver) (*ensemble, error),
) error {
	f, err := newFleet(ctx, size)
	if err != nil {
		return err
	}
	defer f.stop()
	r.forget()
	e, err := start(ctx, f, r)
	if err != nil {
		return err
	}
	defer e.stop()
	if err := rest(ctx, 5*schedule); err != nil { // until all has been looked at a few times
		return err
	}
	before, err := e.usage()
	if err != nil {
		return err
	}
	const looks = 10
	if err := rest(ctx, looks*schedule); err != nil {
		return err
	}
	after, err := e.usage()
	if err != nil {
		return err
	}
	took, err := b.atRandom(ctx, f, r, fails)
	if err != nil {
		return err
	}
	slices.Sort(took)
	t.row(name, millis(took[0]), millis(took[len(took)/2]), millis(took[most(len(took))]), millis((after.cpu-before.cpu)/looks), megabytes(after.peak))
	return nil
}

// monitoring finds the programs, or unpacks Debian's packages, whose services nobody wants here.
func (b *bench) monitoring(ctx context.Context) (map[string]string, error) {
	found := map[string]string{}
	for _, name := range []string{"prometheus", "prometheus-alertmanager"} {
		path, err := exec.LookPath(name)
		if err != nil {
			path, err = b.unpack(ctx, name)
		}
		if err != nil {
			fmt.Fprintln(b.progress, err)
			return nil, errAbsent
		}
		found[name] = path
	}
	return found, nil
}

func (b *bench) unpack(ctx context.Context, name string) (string, error) {
	if b.quick {
		return "", fmt.Errorf("%s is not installed", name)
	}
	fetch := exec.CommandContext(ctx, "apt-get", "download", "-q", name)
	fetch.Dir = b.scratch
	if said, err := fetch.CombinedOutput(); err != nil {
		return "", fmt.Errorf("download %s: %w\n%s", name, err, said)
	}
	packages, err := filepath.Glob(filepath.Join(b.scratch, name+"_*.deb"))
	if err != nil || len(packages) == 0 {
		return "", fmt.Errorf("the package of %s is not there", name)
	}
	into := filepath.Join(b.scratch, "debian")
	if said, err := exec.CommandContext(ctx, "dpkg", "-x", packages[0], into).CombinedOutput(); err != nil {
		return "", fmt.Errorf("unpack %s: %w\n%s", name, err, said)
	}
	path := filepath.Join(into, "usr", "bin", name)
	_, err = os.Stat(path)
	return path, err
}
