package web_test

import (
	"bufio"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

// listener opens one stream of events by hand, and reads its head.
func listener(t *testing.T, h *house) *bufio.Reader {
	t.Helper()
	var how net.Dialer
	conn, err := how.DialContext(t.Context(), "tcp", h.server.Listener.Addr().String())
	h.must(err)
	t.Cleanup(func() { conn.Close() })
	h.must(conn.SetDeadline(time.Now().Add(20 * time.Second)))
	fmt.Fprintf(conn, "GET /api/v1/events HTTP/1.1\r\nHost: %s\r\n\r\n", h.server.Listener.Addr())
	in := bufio.NewReaderSize(conn, 512)
	for line := ""; !strings.HasPrefix(line, ": hello"); {
		line, err = in.ReadString('\n')
		h.must(err)
	}
	return in
}

// streams is how many the metrics count.
func streams(h *house) string {
	for line := range strings.Lines(scrape(h)) {
		if n, found := strings.CutPrefix(line, "watchdog_event_streams "); found {
			return strings.TrimSpace(n)
		}
	}
	return ""
}

// A reader that does not read is dropped, and whoever publishes never waits for it.
func TestASlowReaderIsDropped(t *testing.T) {
	h := newHouse(t)
	listener(t, h)
	if got := streams(h); got != "1" {
		t.Errorf("streams: got %s, want 1", got)
	}
	sink := strings.Repeat("s", 64<<10) // what the buffers of the connection hold is soon used up
	for patience := time.Now().Add(15 * time.Second); streams(h) != "0"; {
		if time.Now().After(patience) {
			t.Fatal("the reader is not dropped")
		}
		for range 100 {
			begun := time.Now()
			h.web.Attempted(sink, nil, 0)
			if took := time.Since(begun); took > time.Second {
				t.Fatalf("Attempted beside a reader that does not read: took %v", took)
			}
		}
	}
}

// Five hundred streams cost less than 50 MB.
func TestFiveHundredStreamsAreCheap(t *testing.T) {
	h := newHouse(t)
	used := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	before := used()
	const n = 500
	var readers []*bufio.Reader
	for range n {
		in := listener(t, h)
		readers = append(readers, in)
	}
	h.look(at(0), nil, running("users", 1, 1))
	for i, in := range readers {
		for line := ""; !strings.HasPrefix(line, "data: "); {
			var err error
			if line, err = in.ReadString('\n'); err != nil {
				t.Fatalf("stream %d: %v", i, err)
			}
		}
	}
	cost := int64(used()) - int64(before)
	t.Logf("%d streams, both ends of them: %.1f MB", n, float64(cost)/1e6)
	if cost > 50e6 {
		t.Errorf("%d streams: got %d bytes, want 50 MB at most", n, cost)
	}
}
