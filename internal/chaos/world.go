//go:build linux

package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"watchdog/scheduler/couchtest"
	"watchdog/store"
)

const secondNode = "couchdb@127.0.0.2"

// world is all that a run consists of.
type world struct {
	began     time.Time
	seed      uint64
	dir       string
	couch     *couchtest.Server
	proxy     *proxy // in front of couch
	names     *names
	receivers []*receiver
	disk      *disk
	database  *database
	machine   *Machine // nil: its clock and its disk's speed are ours
	daemon    *daemon
	ledger    ledger
	kills     atomic.Int64

	newer  []byte     // a store that a later version wrote
	single sync.Mutex // held by what holds the daemon down

	mu    sync.Mutex // guards the rest
	film  []frame
	found []Violation
	close []func()
}

// frame is one line of the film strip.
type frame struct {
	at   time.Time
	doc  string // "" is of all
	text string
}

func newWorld(o Options) (w *world, err error) {
	w = &world{began: time.Now(), seed: o.Seed, dir: o.Dir}
	defer func() {
		if err != nil {
			w.end()
		}
	}()
	w.couch = couchtest.New(couchtest.Options{
		Username: "watchdog", Password: "secret", SessionTTL: 20 * time.Second, Nodes: []string{"couchdb@127.0.0.1", secondNode},
	})
	// This machine, as every 127.x.y.z, and nobody else's.
	host := fmt.Sprintf("127.%d.%d.%d", 1+(os.Getpid()>>8)%250, os.Getpid()%256, 1+o.Seed%250)
	address, stop, err := w.couch.Serve("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w.close = append(w.close, stop)
	if w.proxy, err = newProxy(host, strings.TrimPrefix(address, "http://")); err != nil {
		return nil, err
	}
	w.close = append(w.close, w.proxy.close)
	for range 2 {
		r, err := newReceiver(host)
		if err != nil {
			return nil, err
		}
		w.receivers = append(w.receivers, r)
		w.close = append(w.close, r.close)
	}
	if w.names, err = newNames(w.dir, host); err != nil {
		return nil, err
	}
	if w.disk, err = newDisk(filepath.Join(w.dir, "disk")); err != nil {
		return nil, err
	}
	w.close = append(w.close, func() { w.must(w.disk.close()) })
	if err := w.addFrail(&o, host); err != nil {
		return nil, err
	}
	if w.newer, err = newerFile(filepath.Join(w.dir, "newer.db")); err != nil {
		return nil, err
	}
	w.daemon = &daemon{
		command: w.names.wrap(o.Command), env: o.Env, config: filepath.Join(w.dir, "watchdog.yaml"), excused: map[excuse]int{},
		note:  func(format string, args ...any) { w.note(format, args...) },
		wrong: func(format string, args ...any) { w.wrong(Violation{Check: Other, Text: fmt.Sprintf(format, args...)}) },
	}
	return w, os.WriteFile(w.daemon.config, []byte(w.config()), 0o600)
}

// addFrail adds what only some worlds have: a database, and a machine that fails.
func (w *world) addFrail(o *Options, host string) (err error) {
	if o.Database != nil {
		if w.database, err = newDatabase(o.Database, host); err != nil {
			return err
		}
		w.close = append(w.close, w.database.proxy.close)
	}
	if o.BadMachine {
		if w.machine, err = NewMachine(filepath.Join(w.dir, "machine")); err != nil {
			return err
		}
		w.close = append(w.close, func() { w.must(w.machine.Close()) })
		o.Env = append(slices.Clip(o.Env), w.machine.Env())
	}
	return nil
}

// end takes everything down, the last first.
func (w *world) end() {
	for i := len(w.close) - 1; i >= 0; i-- {
		w.close[i]()
	}
}

// config is what the daemon runs on: short times, so that much happens; the second receiver hears
// all alerts of a rule as one group, and digests of them.
func (w *world) config() string {
	_, port, _ := strings.Cut(w.proxy.addr, ":")
	server := url.URL{Scheme: "http", Host: w.names.host() + ":" + port}
	schedule := "@every 1s"
	if w.seed%2 == 0 {
		schedule = "* * * * * *" // which goes by the clock
	}
	kept, lease := w.storePath(), ""
	if w.database != nil {
		kept, lease = w.database.url(), "lease: 3s\n"
	}
	return fmt.Sprintf(`store: %s
%shttp: {listen: "127.0.0.1:0"}
servers:
  - {name: prod, url: %q, auth: {username: watchdog, password: secret}, timeout: 2s, full_every: 3s}
checks: [{name: all, schedule: %q, jitter: 0s, timeout: 5s}]
rules:
  - {name: %s, severity: critical, when: 'state == "failed"'}
  - {name: %s, severity: warning, when: 'state == "crashing"', for: 1s, keep_firing_for: 1s}
sinks:
  - {name: first, timeout: 2s, webhook: {url: %q}}
  - {name: second, timeout: 2s, digest_above: 3, webhook: {url: %q}}
routes:
  - {to: [first], group_by: [doc_id], continue: true}
  - {to: [second], group_by: [rule], group_wait: 1s}
`, kept, lease, server.String(), schedule, ruleFailed, ruleCrashing, w.receivers[0].url(), w.receivers[1].url())
}

// dsn is the store as the checks find it.
func (w *world) dsn() string {
	if w.database != nil {
		return w.database.URL()
	}
	return w.storePath()
}

func (w *world) storePath() string { return filepath.Join(w.disk.dir, "watchdog.db") }

// note puts something into the film strip.
func (w *world) note(format string, args ...any) { w.noteOf("", format, args...) }

func (w *world) noteOf(doc, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.film = append(w.film, frame{time.Now(), doc, fmt.Sprintf(format, args...)})
}

func (w *world) wrong(found ...Violation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.found = append(w.found, found...)
}

// must is for what the harness itself has to be able to do.
func (w *world) must(err error) {
	if err != nil {
		w.wrong(Violation{Check: Other, Text: "the harness: " + err.Error()})
	}
}

// exclusively waits until nobody else holds the daemon down.
func (w *world) exclusively() (done func()) {
	w.single.Lock()
	return w.single.Unlock
}

// holdDown kills the daemon and keeps it down until the returned function is called.
func (w *world) holdDown(ctx context.Context) (release func()) {
	if w.daemon.hold(ctx, syscall.SIGKILL) {
		w.kills.Add(1)
	}
	return w.daemon.release
}

// reconfigure changes the config file, and tells the daemon by SIGHUP, until the returned function
// is called.
func (w *world) reconfigure(e excuse, change func() error) (undo func()) {
	done := w.daemon.excuse(e)
	if err := change(); !errors.Is(err, os.ErrNotExist) { // where it is gone already
		w.must(err)
	}
	w.daemon.hangup()
	return func() {
		w.must(os.WriteFile(w.daemon.config, []byte(w.config()), 0o600))
		w.daemon.hangup()
		done()
	}
}

// newerFile makes a store as a later version would write it.
func newerFile(path string) ([]byte, error) {
	kept, err := store.Open(context.Background(), path, store.Options{})
	if err == nil {
		err = kept.Close()
	}
	if err != nil {
		return nil, err
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	copy(file[60:64], []byte{0, 0, 0x7f, 0xff}) // the user version, as SQLite's file format has it
	return file, nil
}

// swapStore puts the newer store in the place of ours. What is returned puts ours back, and is an
// error if the newer one is not as it was.
func (w *world) swapStore() (back func() error, err error) {
	path, aside := w.storePath(), filepath.Join(w.disk.dir, "aside")
	if err := os.Mkdir(aside, 0o700); err != nil {
		return nil, err
	}
	if err := moveAll(path+"*", aside); err != nil {
		return nil, err
	}
	restore := func() error {
		newer, _ := filepath.Glob(path + "*")
		for _, file := range newer {
			w.must(os.Remove(file))
		}
		return errors.Join(moveAll(filepath.Join(aside, "*"), w.disk.dir), os.Remove(aside))
	}
	if err := os.WriteFile(path, w.newer, 0o600); err != nil {
		return nil, errors.Join(err, restore())
	}
	return func() error {
		after, err := os.ReadFile(path)
		if err == nil && !bytes.Equal(after, w.newer) {
			err = errors.New("the store of a newer version was changed")
		}
		return errors.Join(err, restore())
	}, nil
}

func moveAll(pattern, dir string) error {
	files, err := filepath.Glob(pattern)
	for _, file := range files {
		err = errors.Join(err, os.Rename(file, filepath.Join(dir, filepath.Base(file))))
	}
	return err
}
