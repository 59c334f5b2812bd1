package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"watchdog/board"
)

const (
	// maxStreams is how many may listen at a time.
	maxStreams = 2000
	// streamBuffer is how many events may wait for one reader before it is dropped.
	streamBuffer = 64
	heartbeat    = 15 * time.Second
	// streamPatience is how long one write may take.
	streamPatience = 10 * time.Second
)

// feed hands events to all that listen. An event is encoded once for all of them.
type feed struct {
	mu     sync.Mutex               // guards what follows
	out    map[chan []byte]struct{} // closed when a reader is dropped
	closed bool
}

func newFeed() *feed { return &feed{out: map[chan []byte]struct{}{}} }

// boardEvent says that a server was looked at: what is shown of it is to be read anew.
type boardEvent struct {
	Server   string    `json:"server"`
	Check    string    `json:"check"`
	Revision uint64    `json:"revision"`
	At       time.Time `json:"at"`
}

// deliveryEvent says that a delivery was tried.
type deliveryEvent struct {
	Sink    string `json:"sink"`
	Outcome string `json:"outcome"`
}

func (f *feed) changed(c board.Change) {
	if f.listeners() == 0 {
		return
	}
	for i := range c.Transitions {
		f.send("transition", &c.Transitions[i])
	}
	e := boardEvent{Server: c.View.Server, Check: c.Check, Revision: c.View.Revision}
	if c.View.Looked != nil {
		e.At = c.View.Looked.At
	}
	f.send("board", e)
}

func (f *feed) attempted(sink, outcome string) {
	if f.listeners() > 0 {
		f.send("delivery", deliveryEvent{sink, outcome})
	}
}

// saidEvent says that somebody has said something, and of what kind.
type saidEvent struct {
	Kind string `json:"kind"` // silence, expire, acknowledge or unacknowledge
	By   string `json:"by"`
}

func (f *feed) said(kind, by string) {
	if f.listeners() > 0 {
		f.send("said", saidEvent{kind, by})
	}
}

func (f *feed) listeners() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.out)
}

func (f *feed) send(event string, value any) {
	data, err := json.Marshal(value)
	if err != nil {
		return // a bug: our own types marshal
	}
	frame := fmt.Appendf(nil, "event: %s\ndata: %s\n\n", event, data)
	f.mu.Lock()
	defer f.mu.Unlock()
	for out := range f.out {
		select {
		case out <- frame:
		default:
			delete(f.out, out)
			close(out)
		}
	}
}

// listen gives a channel that is closed when its reader is dropped; nil when nobody more can
// listen.
func (f *feed) listen() chan []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || len(f.out) == maxStreams {
		return nil
	}
	out := make(chan []byte, streamBuffer)
	f.out[out] = struct{}{}
	return out
}

func (f *feed) leave(out chan []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, there := f.out[out]; there {
		delete(f.out, out)
		close(out)
	}
}

// close ends all streams and lets no new one begin.
func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for out := range f.out {
		close(out)
	}
	clear(f.out)
}

// serveEvents is one stream of events.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	out := s.feed.listen()
	if out == nil {
		w.Header().Set("Retry-After", "10")
		refuse(w, r, http.StatusServiceUnavailable, "too many listen already")
		return
	}
	defer s.feed.leave(out)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx
	stream := http.NewResponseController(w)
	stream.SetReadDeadline(time.Time{}) //nolint:errcheck // writing tells the same error
	send := func(frame []byte) error {
		stream.SetWriteDeadline(time.Now().Add(streamPatience)) //nolint:errcheck // so does this
		if _, err := w.Write(frame); err != nil {
			return err
		}
		return stream.Flush()
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	err := send([]byte("retry: 2000\n: hello\n\n"))
	for err == nil {
		select {
		case frame, ok := <-out:
			if !ok {
				return
			}
			err = send(frame)
		case <-beat.C:
			err = send([]byte(": still here\n\n"))
		case <-r.Context().Done():
			return
		}
	}
}
