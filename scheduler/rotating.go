package scheduler

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"sync"
)

// rotating is connections that are made anew when a file that they depend on has changed, so that
// a new certificate needs no restart. What is under way ends on the old ones. While the new files
// cannot be used, since only one of a pair has been replaced yet, the old connections go on.
type rotating struct {
	files []string
	build func() (*http.Transport, error)

	mu      sync.Mutex // guards the rest
	infos   []fs.FileInfo
	current *http.Transport // nil before the first request
}

func newRotating(files []string, build func() (*http.Transport, error)) *rotating {
	return &rotating{files: files, build: build, infos: make([]fs.FileInfo, len(files))}
}

func (r *rotating) RoundTrip(req *http.Request) (*http.Response, error) {
	t, stale := r.transport()
	if t == nil {
		return nil, stale
	}
	resp, err := t.RoundTrip(req)
	if err != nil && stale != nil {
		return nil, fmt.Errorf("%w (with files of before: %w)", err, stale)
	}
	return resp, err
}

// CloseIdleConnections closes those of the current transport.
func (r *rotating) CloseIdleConnections() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current != nil {
		r.current.CloseIdleConnections()
	}
}

// transport is made of the files as they are, or else of what they were, with the reason. It is
// nil if they could never be used.
func (r *rotating) transport() (*http.Transport, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	infos, same := r.look()
	if r.current != nil && same {
		return r.current, nil
	}
	fresh, err := r.build()
	if err != nil {
		return r.current, err
	}
	if r.current != nil {
		r.current.CloseIdleConnections()
	}
	r.current, r.infos = fresh, infos // looked at before they were read: a later change shows
	return fresh, nil
}

func (r *rotating) look() (infos []fs.FileInfo, same bool) {
	infos, same = make([]fs.FileInfo, len(r.files)), true
	for i, path := range r.files {
		infos[i], _ = os.Stat(path) // reading it will say what is wrong
		same = same && unchanged(r.infos[i], infos[i])
	}
	return infos, same
}
