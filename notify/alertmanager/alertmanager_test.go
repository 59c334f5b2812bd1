package alertmanager_test

import (
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/diag"
	"watchdog/notify"
	"watchdog/notify/alertmanager"
	"watchdog/notify/sinktest"
	"watchdog/secret"
)

var update = flag.Bool("update", false, "write the golden files")

// posted is what the tests read of an alert.
type posted struct {
	Labels, Annotations map[string]string
	StartsAt, EndsAt    time.Time
	GeneratorURL        string
}

func TestContract(t *testing.T) {
	sinktest.Run(t, sinktest.Harness{
		New: func(t *testing.T, base string, client *http.Client) notify.Sink {
			return newSink(t, alertmanager.Config{
				URLs:    []secret.String{secret.String(strings.Replace(base, "://", "://robot:pass-in-url@", 1) + "/prefix")},
				Headers: map[string]secret.String{"X-Api-Key": "Key value-of-header"},
			}, client)
		},
		Accept: func(w http.ResponseWriter, r *http.Request) {},
		MessageID: func(t *testing.T, r *http.Request, body []byte) string {
			if r.URL.Path != "/prefix/api/v2/alerts" {
				t.Errorf("path: got %s, want /prefix/api/v2/alerts", r.URL.Path)
			}
			return read(t, body)[0].Annotations["delivery"]
		},
		Secrets: []string{"pass-in-url", "cm9ib3Q6cGFzcy1pbi11cmw=", "value-of-header"},
	})
}

func read(t *testing.T, body []byte) []posted {
	t.Helper()
	var all []posted
	if err := json.Unmarshal(body, &all); err != nil || len(all) == 0 {
		t.Fatalf("read the alerts: %v in %.200s", err, body)
	}
	return all
}

func newSink(t *testing.T, c alertmanager.Config, client *http.Client) *alertmanager.Sink {
	t.Helper()
	if problems := c.Problems(); len(problems) > 0 {
		t.Fatalf("Problems(): got %v, want none", problems)
	}
	s, err := alertmanager.New(c, alertmanager.Options{Client: client})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return s
}

// farEnds are ends that lie ahead of the moment of sending.
var farEnds = regexp.MustCompile(`"endsAt": "20(2[7-9]|[3-9]\d)[^"]*"`)

func TestPreview(t *testing.T) {
	for _, c := range []struct {
		name   string
		alerts int
		change func(m *notify.Message)
	}{
		{"firing-and-resolved", 3, func(*notify.Message) {}},
		{"severity-rose", 1, func(m *notify.Message) { m.Alerts[0].Reason = alert.ReasonSeverity }},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := sinktest.Message(c.alerts)
			c.change(m)
			s := newSink(t, alertmanager.Config{URLs: []secret.String{"http://am:9093"}}, nil)
			got, err := s.Preview(m)
			if err != nil {
				t.Fatal(err)
			}
			sinktest.Golden(t, "testdata/"+c.name+".json", farEnds.ReplaceAll(got, []byte(`"endsAt": "A-YEAR-AHEAD"`)), *update)
		})
	}
}

// told is what an Alertmanager gets of a message.
func told(t *testing.T, c alertmanager.Config, m *notify.Message) []posted {
	t.Helper()
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { body, _ = io.ReadAll(r.Body) }))
	defer server.Close()
	c.URLs = []secret.String{secret.String(server.URL)}
	if err := newSink(t, c, server.Client()).Send(t.Context(), m); err != nil {
		t.Fatalf("Send: %v", err)
	}
	return read(t, body)
}

func TestWhenAlertsEnd(t *testing.T) {
	const day = 24 * time.Hour
	ends := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		name   string
		config alertmanager.Config
		change func(m *notify.Message, a *alert.Transition)
		want   time.Duration // from now; 0: exactly ends
	}{
		{"what fires ends in a year", alertmanager.Config{}, func(*notify.Message, *alert.Transition) {}, 365 * day},
		{"or as configured", alertmanager.Config{EndsAfter: 15 * time.Minute}, func(*notify.Message, *alert.Transition) {}, 15 * time.Minute},
		{"an event ends in an hour", alertmanager.Config{}, func(_ *notify.Message, a *alert.Transition) { a.Status = alert.StatusEvent }, time.Hour},
		{"a test soon", alertmanager.Config{}, func(m *notify.Message, _ *alert.Transition) { m.Test = true }, 5 * time.Minute},
		{"what resolved ended when it did", alertmanager.Config{}, func(_ *notify.Message, a *alert.Transition) {
			a.Status, a.EndsAt = alert.StatusResolved, &ends
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := sinktest.Message(1)
			c.change(m, &m.Alerts[0])
			got := told(t, c.config, m)[0].EndsAt
			if ahead := time.Until(got); c.want > 0 && (ahead > c.want || ahead < c.want-time.Minute) {
				t.Errorf("endsAt: got %v ahead, want %v", ahead, c.want)
			}
			if c.want == 0 && !got.Equal(ends) {
				t.Errorf("endsAt: got %v, want %v", got, ends)
			}
		})
	}
}

func TestLabelsAreAnIdentity(t *testing.T) {
	m := sinktest.Message(1)
	m.Alerts[0].Labels = map[string]string{"team": "data", "a-b.c": "x", "9lives": "y", "alertname": "fake", "empty": "", "odd": "\xff"}
	firing := told(t, alertmanager.Config{}, m)[0].Labels
	want := map[string]string{
		"alertname": "replication-failed", "severity": "critical", "server": "prod", "database": "_replicator",
		"doc_id": "orders", "team": "data", "a_b_c": "x", "_9lives": "y", "odd": "\ufffd",
	}
	if diff := cmp.Diff(want, firing); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	a := &m.Alerts[0]
	a.Status, a.Reason, a.State, a.Error, a.EndsAt, a.URL = alert.StatusResolved, alert.ReasonResolved, "running", "", &a.At, "not absolute"
	resolved := told(t, alertmanager.Config{}, m)[0]
	if diff := cmp.Diff(firing, resolved.Labels); diff != "" {
		t.Errorf("labels of the resolution, which must be those of the firing (-firing +resolved):\n%s", diff)
	}
	if resolved.GeneratorURL != "" {
		t.Errorf("generatorURL: got %q, want none, since Alertmanager takes absolute ones only", resolved.GeneratorURL)
	}
}

func TestACluster(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers [2]int
		want    string // "taken", "retried" or "refused"
	}{
		{"both have it", [2]int{200, 200}, "taken"},
		{"one has it, the other is down", [2]int{200, 503}, "taken"},
		{"one refuses it, the other has it", [2]int{400, 200}, "taken"},
		{"one refuses it, the other is down", [2]int{400, 503}, "retried"},
		{"both refuse it", [2]int{400, 400}, "refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var config alertmanager.Config
			var asked atomic.Int32
			for _, code := range c.answers {
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					asked.Add(1)
					w.WriteHeader(code)
				}))
				defer server.Close()
				config.URLs = append(config.URLs, secret.String(server.URL))
			}
			err := newSink(t, config, nil).Send(t.Context(), sinktest.Message(1))
			got := "retried"
			var no *notify.Refused
			switch {
			case err == nil:
				got = "taken"
			case errors.As(err, &no):
				got = "refused"
			}
			if got != c.want || asked.Load() != 2 {
				t.Errorf("got %s (%v) with %d asked, want %s with both asked", got, err, asked.Load(), c.want)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	const hint = "write it like http://alertmanager:9093"
	for _, c := range []struct {
		name string
		c    alertmanager.Config
		want []diag.Problem
	}{
		{"the least that works", alertmanager.Config{URLs: []secret.String{"http://am:9093"}}, nil},
		{"no url", alertmanager.Config{}, []diag.Problem{{Field: "urls", Message: "urls is missing", Hint: hint}}},
		{"the second url is none", alertmanager.Config{URLs: []secret.String{"http://am:9093", "am:9093"}}, []diag.Problem{
			{Field: "urls[1]", Message: "the URL does not begin with http:// or https://", Hint: hint},
		}},
		{"a url with the path of the API", alertmanager.Config{URLs: []secret.String{"http://am:9093/api/v2/alerts"}}, []diag.Problem{
			{Field: "urls[0]", Message: "the URL has /api/v2/alerts, which is added", Hint: hint},
		}},
		{"a header that cannot be", alertmanager.Config{URLs: []secret.String{"http://am"}, Headers: map[string]secret.String{"Host": "x"}}, []diag.Problem{
			{Field: "headers.Host", Message: "the header Host cannot be set: it follows from the url"},
		}},
		{"alerts that end at once", alertmanager.Config{URLs: []secret.String{"http://am"}, EndsAfter: time.Second}, []diag.Problem{
			{Field: "ends_after", Message: "an alert that ends so soon is hardly told", Hint: "write some repeat intervals of the route, as 15m"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.c.Problems()); diff != "" {
				t.Errorf("Problems() (-want +got):\n%s", diff)
			}
		})
	}
	if !(alertmanager.Config{URLs: []secret.String{""}}).Empty() || (alertmanager.Config{URLs: []secret.String{"http://am"}}).Empty() {
		t.Error("Empty(): want true without a URL only")
	}
}

func TestProbe(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/prefix/api/v2/status" || r.Header.Get("Authorization") != "Bearer x" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	good := alertmanager.Config{
		URLs: []secret.String{secret.String(server.URL + "/prefix")}, Headers: map[string]secret.String{"Authorization": "Bearer x"},
	}
	if found, err := newSink(t, good, nil).Probe(t.Context()); err != nil || found != "1 of 1 answer" {
		t.Errorf("Probe: got %q (%v), want 1 of 1 answer", found, err)
	}
	good.URLs = append(good.URLs, "http://127.0.0.1:1")
	if found, err := newSink(t, good, nil).Probe(t.Context()); err == nil {
		t.Errorf("Probe with one that is down: got %q, want an error", found)
	}
}
