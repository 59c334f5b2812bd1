// Package trail notices when a file that something was read from has changed.
//
// # Promises
//
// Contents are compared with what was read, not times: a file that is only touched has not
// changed, and one that is written, renamed over, or reached by a symbolic link that now leads
// elsewhere (as Kubernetes replaces a ConfigMap) has. A file that begins to match a pattern, or
// ceases to, is a change too. What is being written is waited for until it stands still.
//
// # Not promised
//
// To notice at once where the system does not tell, as on a network's file system: there it takes
// up to half a minute.
//
// # Testing
//
// With files in a temporary folder, replaced in every way that editors and Kubernetes know.
package trail

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settle is how long files must stand still before they count as written.
	settle = 200 * time.Millisecond
	// lookEvery is how often they are looked at though the system told nothing.
	lookEvery = 30 * time.Second
)

// Trail remembers what was read. It is for one goroutine at a time.
type Trail struct {
	files map[string]string   // what was read of a file, as sum gives it
	globs map[string][]string // what a pattern found
	keep  map[string]bool     // the files that are looked at
}

// New remembers nothing yet.
func New() *Trail {
	return &Trail{files: map[string]string{}, globs: map[string][]string{}, keep: map[string]bool{}}
}

// ReadFile is os.ReadFile, remembered.
func (t *Trail) ReadFile(path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	t.files[path] = sum(content, err)
	return content, err
}

// Glob is filepath.Glob, remembered.
func (t *Trail) Glob(pattern string) ([]string, error) {
	found, err := filepath.Glob(pattern)
	t.globs[pattern] = found
	return found, err
}

// Follow says which of the files that were read are to be looked at.
func (t *Trail) Follow(files []string) {
	for _, path := range files {
		t.keep[path] = true
	}
}

// sum stands for a content, or for why there is none.
func sum(content []byte, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%x", sha256.Sum256(content))
}

// now is what reading and looking again would give.
func (t *Trail) now() *Trail {
	next := New()
	next.keep = t.keep
	for path := range t.keep {
		next.ReadFile(path) //nolint:errcheck // that it cannot be read is what is remembered
	}
	for pattern := range t.globs {
		next.Glob(pattern) //nolint:errcheck // it was a pattern before
	}
	return next
}

// same reports whether two looks saw the same.
func (t *Trail) same(o *Trail) bool {
	for path := range t.keep {
		if t.files[path] != o.files[path] {
			return false
		}
	}
	for pattern, found := range t.globs {
		if !slices.Equal(found, o.globs[pattern]) {
			return false
		}
	}
	return true
}

// Wait returns nil when something has changed since it was read and stands still again, or the
// error of ctx. Where the system cannot tell of changes it says so to trouble, and looks by itself
// every so often.
func (t *Trail) Wait(ctx context.Context, trouble func(error)) error {
	events, stop, err := t.listen()
	if err != nil {
		trouble(err)
	}
	defer stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		if now := t.now(); !t.same(now) {
			return now.rest(ctx)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
		case <-events:
			if err := pause(ctx); err != nil { // a store that writes beside the files wakes us often
				return err
			}
			drain(events)
		}
	}
}

// rest waits until two looks in a row see the same.
func (t *Trail) rest(ctx context.Context) error {
	for before := t; ; {
		if err := pause(ctx); err != nil {
			return err
		}
		now := t.now()
		if before.same(now) {
			return nil
		}
		before = now
	}
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(settle):
		return nil
	}
}

func drain(events <-chan fsnotify.Event) {
	for {
		select {
		case <-events:
		default:
			return
		}
	}
}

// listen asks to be told of what happens in the folders of the files. The channel is nil where
// that cannot be done.
func (t *Trail) listen() (events <-chan fsnotify.Event, stop func(), err error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, func() {}, fmt.Errorf("ask to be told of changed files: %w", err)
	}
	out, done := make(chan fsnotify.Event, 1), make(chan struct{})
	go func() {
		defer close(done)
		forward(w, out)
	}()
	for _, folder := range t.folders() {
		if e := w.Add(folder); e != nil && err == nil && !os.IsNotExist(e) {
			err = fmt.Errorf("ask to be told of changes in %s: %w", folder, e)
		}
	}
	return out, func() { _ = w.Close(); <-done }, err
}

// forward passes on that something happened; what happens before that was heard is one with it.
func forward(w *fsnotify.Watcher, out chan<- fsnotify.Event) {
	for {
		select {
		case e, ok := <-w.Events:
			if !ok {
				return
			}
			if e.Op == fsnotify.Chmod {
				continue
			}
			select {
			case out <- e:
			default:
			}
		case _, ok := <-w.Errors:
			if !ok {
				return
			}
			select {
			case out <- fsnotify.Event{}: // some were lost: look
			default:
			}
		}
	}
}

// folders are those that hold the files, by their own names and by where links lead.
func (t *Trail) folders() []string {
	var all []string
	add := func(path string) {
		if folder := filepath.Dir(path); !slices.Contains(all, folder) {
			all = append(all, folder)
		}
	}
	for path := range t.keep {
		add(path)
		if target, err := filepath.EvalSymlinks(path); err == nil {
			add(target)
		}
	}
	for pattern := range t.globs {
		if !strings.ContainsAny(filepath.Dir(pattern), "*?[") {
			add(pattern)
		}
	}
	return all
}
