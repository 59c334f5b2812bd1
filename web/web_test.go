package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"watchdog/alert"
	"watchdog/notify"
	"watchdog/snapshot"
	"watchdog/watch"
	"watchdog/web"
	"watchdog/web/gate"
)

func TestReadiness(t *testing.T) {
	late := time.Now().Add(-time.Hour)
	good := func(h *house) { h.look(at(0), nil, running("users", 1, 1)) }
	for _, tt := range []struct {
		name string
		do   func(*house)
		want string // of what is not ready
	}{
		{"all is well", good, ""},
		{"a check has not run", func(*house) {}, "check prod/all: it has not run yet"},
		{"a server that cannot be read is no fault of ours", func(h *house) {
			h.lookAt(&snapshot.Snapshot{Server: "prod", At: at(0), Gaps: []snapshot.Gap{{Part: snapshot.Jobs, Err: errors.New("refused")}}}, nil)
		}, ""},
		{"a check that stands still", func(h *house) {
			h.board.Report(&watch.Report{Server: "prod", Check: "all", Began: late, Overdue: late.Add(time.Minute), Snapshot: &snapshot.Snapshot{}})
		}, "check prod/all: it has not run for two intervals"},
		{"a check whose decision was not committed", func(h *house) {
			good(h)
			h.board.Report(&watch.Report{Server: "prod", Check: "all", Began: time.Now(), Overdue: time.Now().Add(time.Minute), Err: errors.New("disk full")})
		}, "check prod/all: its last run decided nothing"},
		{"a store that is gone", func(h *house) { good(h); h.must(h.store.Close()) }, "store /: it cannot be read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			tt.do(h)
			resp, body := h.ask(http.MethodGet, "/readyz")
			var answer struct {
				NotReady []struct{ Part, Server, Check, Why string } `json:"not_ready"`
			}
			h.must(json.Unmarshal(body, &answer))
			var got []string
			for _, p := range answer.NotReady {
				got = append(got, fmt.Sprintf("%s %s/%s: %s", p.Part, p.Server, p.Check, p.Why))
			}
			if got := strings.Join(got, "\n"); got != tt.want || (resp.StatusCode == http.StatusOK) != (tt.want == "") {
				t.Errorf("readyz: got %d %q, want %q", resp.StatusCode, got, tt.want)
			}
			if resp, _ := h.ask(http.MethodGet, "/healthz"); resp.StatusCode != http.StatusOK {
				t.Errorf("healthz: got %d, want 200", resp.StatusCode)
			}
		})
	}
}

// scrape is what /metrics says of Watchdog itself.
func scrape(h *house) string {
	_, body := h.ask(http.MethodGet, "/metrics")
	return string(body)
}

func TestMetricsKeepTheConventions(t *testing.T) {
	h := newHouse(t)
	h.badDay()
	h.web.Attempted("hook", &notify.Refused{Err: io.EOF}, time.Second)
	problems, err := promlint.New(strings.NewReader(scrape(h))).Lint()
	h.must(err)
	for _, p := range problems {
		t.Errorf("metric %s: %s", p.Metric, p.Text)
	}
}

func TestMetricsSayHowThingsAre(t *testing.T) {
	h := newHouse(t)
	strange := replication("strange", "hibernating") // of a CouchDB to come
	h.look(at(0), []alert.Alert{firing("replication-failed", "orders", alert.Critical)}, failing("orders"), running("users", 1, 1), strange)
	h.look(at(30), []alert.Alert{firing("replication-failed", "orders", alert.Critical)}, failing("orders"), running("users", 1, 1), strange)
	h.web.Attempted("hook", nil, time.Second)
	for _, err := range []error{
		io.EOF, context.DeadlineExceeded, fmt.Errorf("post: %w", &net.OpError{Op: "dial", Err: errors.New("connection refused")}),
		&net.DNSError{IsNotFound: true}, &notify.Busy{Err: io.EOF, After: time.Second}, &notify.Refused{Err: io.EOF},
	} {
		h.web.Attempted("hook", err, time.Second)
	}
	h.must(h.store.PutSilence(t.Context(), &notify.Silence{Match: map[string][]string{"rule": {"*"}}, EndsAt: time.Now().Add(time.Hour)}))
	h.web.ConfigRefused(errors.New("bad"))
	text := scrape(h)
	for _, want := range []string{
		`watchdog_alerts{rule="replication-failed",severity="critical",status="firing"} 1`,
		`watchdog_transitions_total{reason="new",rule="replication-failed",severity="critical",status="firing"} 1`,
		`watchdog_replications{server="prod",state="failed"} 1`,
		`watchdog_replications{server="prod",state="unknown"} 1`,
		`watchdog_replications{server="prod",state="crashing"} 0`,
		`watchdog_check_runs_total{check="all",server="prod"} 2`,
		`watchdog_check_failures_total{check="all",server="prod"} 0`,
		`watchdog_check_duration_seconds_count{check="all",server="prod"} 2`,
		`watchdog_server_up{server="prod"} 1`,
		`watchdog_delivery_attempts_total{outcome="sent",sink="hook"} 1`,
		`watchdog_delivery_attempts_total{outcome="failed",sink="hook"} 5`,
		`watchdog_delivery_attempts_total{outcome="refused",sink="hook"} 1`,
		`watchdog_delivery_attempts_total{outcome="refused",sink="oncall"} 0`,
		`watchdog_delivery_failures_total{reason="error",sink="hook"} 1`,
		`watchdog_delivery_failures_total{reason="timeout",sink="hook"} 1`,
		`watchdog_delivery_failures_total{reason="connection",sink="hook"} 2`,
		`watchdog_delivery_failures_total{reason="busy",sink="hook"} 1`,
		`watchdog_delivery_failures_total{reason="refused",sink="hook"} 1`,
		`watchdog_delivery_failures_total{reason="timeout",sink="oncall"} 0`,
		`watchdog_muted_alerts{by="silence",rule="replication-failed",severity="critical"} 1`,
		`watchdog_check_requests_total{check="all",server="prod"} 6`,
		`watchdog_check_received_bytes_total{check="all",server="prod"} 2000`,
		`watchdog_queue_deliveries{sink="hook"} 1`,
		`watchdog_queue_dead_deliveries{sink="hook"} 1`,
		`watchdog_queue_deliveries{sink="oncall"} 0`,
		`watchdog_queue_oldest_age_seconds{sink="oncall"} 0`,
		`watchdog_store_up 1`,
		`watchdog_store_info{kind="memory"} 1`,
		`watchdog_config_last_reload_successful 0`,
		fmt.Sprintf(`watchdog_config_last_reload_success_timestamp_seconds %g`, float64(epoch.Unix())),
		`watchdog_build_info{commit="abc",goversion="go1.26",version="v1.2.3"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("metrics: got no %s", want)
		}
	}
	if strings.Contains(text, "hibernating") {
		t.Error("metrics: a server made up the value of a label")
	}
	if age := regexp.MustCompile(`watchdog_queue_oldest_age_seconds\{sink="hook"\} 7[0-9]{3}`); !age.MatchString(text) {
		t.Errorf("metrics: got no age of two hours for the queue of hook")
	}
	h.must(h.store.Close())
	if !strings.Contains(scrape(h), "watchdog_store_up 0\n") {
		t.Error("metrics of a store that is closed: got no watchdog_store_up 0")
	}
}

// stream reads events until stop says so.
func (h *house) stream(t *testing.T, opened func(), stop func(event, data string) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url("/api/v1/events"), nil)
	h.must(err)
	resp, err := http.DefaultClient.Do(r)
	h.must(err)
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("Content-Type: got %s, want text/event-stream", got)
	}
	event := ""
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		switch key, value, _ := strings.Cut(lines.Text(), ": "); key {
		case "retry":
			opened()
		case "event":
			event = value
		case "data":
			if stop(event, value) {
				return
			}
		}
	}
	t.Fatal("the stream ended")
}

func TestEventsTellWhatHappens(t *testing.T) {
	h := newHouse(t)
	var got []string
	h.stream(t, func() {
		h.look(at(0), []alert.Alert{firing("failed", "orders", alert.Critical)}, failing("orders"))
		h.web.Attempted("hook", io.EOF, time.Second)
	}, func(event, data string) bool {
		var d map[string]any
		h.must(json.Unmarshal([]byte(data), &d))
		switch event {
		case "transition":
			got = append(got, fmt.Sprint("transition ", d["status"], " ", d["reason"], " ", d["doc_id"]))
		case "board":
			got = append(got, fmt.Sprint("board ", d["server"], " ", d["check"], " ", d["revision"]))
		case "delivery":
			got = append(got, fmt.Sprint("delivery ", d["sink"], " ", d["outcome"]))
			return true
		}
		return false
	})
	want := []string{"transition firing new orders", "board prod all 1", "delivery hook failed"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestEverythingHasItsHeaders(t *testing.T) {
	h := newHouse(t)
	for _, path := range []string{"/", "/healthz", "/metrics", "/api/v1/alerts", "/assets/page.js", "/none"} {
		resp, _ := h.ask(http.MethodGet, path)
		policy := resp.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: Content-Security-Policy: got %q, want %s in it", path, policy, part)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s: Content-Security-Policy: got %q", path, policy)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY"} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %s: got %q, want %q", path, name, got, want)
			}
		}
	}
}

func TestCredentialsAreNeededForAllButHealth(t *testing.T) {
	h := newHouseWith(t, web.Options{Settings: web.Settings{Gate: gate.Spec{Listen: ":0", Auth: gate.Auth{Bearer: "t0ken"}}}})
	for path, want := range map[string]int{
		"/healthz": 200, "/readyz": 503, "/": 401, "/metrics": 401, "/api/v1/alerts": 401, "/api/v1/events": 401,
		"/assets/page.css": 401, "/api/v1/openapi.json": 401, "/none": 401,
	} {
		if resp, _ := h.ask(http.MethodGet, path); resp.StatusCode != want {
			t.Errorf("GET %s without credentials: got %d, want %d", path, resp.StatusCode, want)
		}
	}
	for _, path := range []string{"/api/v1/checks/prod/all/run", "/api/v1/deliveries/dlv_dead/retry"} {
		if resp, _ := h.ask(http.MethodPost, path); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("POST %s without credentials: got %d, want 401", path, resp.StatusCode)
		}
		if resp, _ := h.ask(http.MethodPost, path, "Authorization", "Bearer t0ken", "Sec-Fetch-Site", "cross-site"); resp.StatusCode != http.StatusForbidden {
			t.Errorf("POST %s of another site: got %d, want 403", path, resp.StatusCode)
		}
	}
	if resp, _ := h.ask(http.MethodGet, "/api/v1/alerts", "Authorization", "Bearer t0ken"); resp.StatusCode != http.StatusOK {
		t.Errorf("GET /api/v1/alerts with the token: got %d, want 200", resp.StatusCode)
	}
	if len(h.ran()) > 0 {
		t.Errorf("checks that were made to run: got %v, want none", h.ran())
	}
}

// An address that is taken is one clear error, and a server that is told to stop ends its streams.
func TestServing(t *testing.T) {
	var how net.ListenConfig
	taken, err := how.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	listen := taken.Addr().String()
	h := newHouseWith(t, web.Options{Settings: web.Settings{Gate: gate.Spec{Listen: listen}}})
	want := "listen on " + listen + ": another program has this address; end it, or give another address as http.listen in the config"
	if err := h.web.Listen(t.Context()); err == nil || err.Error() != want {
		t.Errorf("Listen: got %v, want %s", err, want)
	}

	h = newHouseWith(t, web.Options{Settings: web.Settings{Gate: gate.Spec{Listen: "127.0.0.1:0"}}})
	h.must(h.web.Listen(t.Context()))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.web.Run(ctx) }()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.web.URL()+"api/v1/events", nil)
	h.must(err)
	resp, err := http.DefaultClient.Do(r)
	h.must(err)
	defer resp.Body.Close()
	stop()
	select {
	case err := <-ended:
		h.must(err)
	case <-time.After(2 * time.Second):
		t.Error("Run did not end within 2 s of being told to, with a stream open")
	}
}
