package soak

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"watchdog/scheduler/couchtest"
)

// world is what the daemon lives in.
type world struct {
	couch     *couchtest.Server
	couchURL  string
	receivers [2]*receiver // of webhooks and the heartbeat, and a Slack
	config    string       // the path of the file
	store     string
	daemon    *daemon
	disk      *disk
	latest    atomic.Value // the document that was written last, a string
	close     []func()
	done      tally

	mu       sync.Mutex // guards problems
	problems []string
}

// tally is what has come and gone.
type tally struct {
	lives, reads, streams, reloads, silences, outages atomic.Int64
	messages                                          *atomic.Int64
	transitions                                       int
}

func (t *tally) String() string {
	return fmt.Sprintf("%d replications lived, %d transitions, %d messages, %d reads, %d streams, %d reloads, %d silences, %d outages",
		t.lives.Load(), t.transitions, t.messages.Load(), t.reads.Load(), t.streams.Load(), t.reloads.Load(), t.silences.Load(), t.outages.Load())
}

func newWorld(o Options) (*world, error) {
	w := &world{
		couch:  couchtest.New(couchtest.Options{Username: "watchdog", Password: "secret"}),
		config: filepath.Join(o.Dir, "watchdog.yaml"), store: filepath.Join(o.Dir, "watchdog.db"), done: tally{messages: new(atomic.Int64)},
	}
	w.latest.Store("nothing-yet")
	url, stop, err := w.couch.Serve("")
	if err != nil {
		return nil, err
	}
	w.couchURL, w.close = url, append(w.close, stop)
	for i := range w.receivers {
		r := &receiver{messages: w.done.messages}
		r.Server = httptest.NewServer(r)
		w.receivers[i], w.close = r, append(w.close, r.Close)
	}
	return w, write(w.config, w.text(0))
}

// write puts a config in the place of the one before: at once, so that nobody reads a half.
func write(path, text string) error {
	beside := path + ".new"
	return errors.Join(os.WriteFile(beside, []byte(text), 0o600), os.Rename(beside, path))
}

func (w *world) end() {
	for i := len(w.close) - 1; i >= 0; i-- {
		w.close[i]()
	}
}

func (w *world) wrong(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.problems) < 20 {
		w.problems = append(w.problems, fmt.Sprintf(format, args...))
	}
}

// text is the config in its variants: a server, a sink, a rule and a window come and go.
func (w *world) text(variant int) string {
	with := func(bit int, text string) string {
		if variant&bit == 0 {
			return ""
		}
		return text
	}
	hook, slack := w.receivers[0].URL, w.receivers[1].URL
	server := func(name string) string {
		return fmt.Sprintf("  - {name: %s, url: %q, auth: {username: watchdog, password: secret}, timeout: 1s, full_every: 2s}\n", name, w.couchURL)
	}
	return fmt.Sprintf(`store: %q
http: {listen: "127.0.0.1:0"}
retention: 1h
heartbeat: {url: %q, interval: 1s}
servers:
`, w.store, hook+"/heartbeat") +
		server("prod") + with(1, server("spare")) + `
checks:
  - {name: all, schedule: "@every 1s", jitter: 0s}
rules:
  - {name: failed, severity: critical, when: 'state == "failed"', summary: "{{ .doc_id }}: {{ .error }}"}
  - {name: crashing, when: 'state == "crashing"', keep_firing_for: 1s}
  - {name: flapping, when: 'crashes("1m") >= 2'}
  - {name: stalled, when: 'stalled("docs_written", "2s")'}
  - {name: begun, severity: info, on: {from: [initializing], to: [running]}}
` + with(2, `  - {name: odd, when: 'error_count > 0', for: 1s}
`) + fmt.Sprintf(`sinks:
  - {name: hook, timeout: 1s, digest_above: 5, webhook: {url: %q, secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}}
  - {name: slack, timeout: 1s, slack: {token: xoxb-1-soak, channel: C024BE91L, api_url: %q}}
`, hook, slack+"/api/") + with(4, fmt.Sprintf(`  - {name: more, timeout: 1s, webhook: {url: %q}}
`, hook+"/more")) +
		with(8, `windows:
  - {name: now, start: "* * * * *", duration: 10s}
`) + `routes:
` + with(4, `  - {to: [more], group_by: [doc_id], continue: true}
`) + with(8, `  - {to: [hook], match: {rule: begun}, mute: [now]}
`) + `  - {to: [slack], group_by: [rule], match: {severity: critical}, continue: true}
  - {to: [hook], repeat_interval: 5s}
`
}

// variants is how many there are of the config.
const variants = 16

// receiver takes messages, unless it is away, and answers as a webhook's receiver and as Slack do.
type receiver struct {
	*httptest.Server
	messages *atomic.Int64
	away     atomic.Bool
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch _, err := io.Copy(io.Discard, req.Body); {
	case err != nil:
		return
	case r.away.Load():
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case strings.HasPrefix(req.URL.Path, "/api/"):
		n := r.messages.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{ // a sender that has gone tries again
			"ok": true, "channel": "C024BE91L", "ts": fmt.Sprintf("%d.000100", 1_700_000_000+n), "method": path.Base(req.URL.Path),
		})
		return
	case req.URL.Path != "/heartbeat":
		r.messages.Add(1)
	}
	w.WriteHeader(http.StatusNoContent)
}
