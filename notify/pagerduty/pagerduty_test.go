package pagerduty_test

import (
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/diag"
	"watchdog/notify"
	"watchdog/notify/pagerduty"
	"watchdog/notify/sinktest"
	"watchdog/secret"
)

var update = flag.Bool("update", false, "write the golden files")

const routingKey = "R0123456789ABCDEF0123456789ABCDE"

func TestContract(t *testing.T) {
	sinktest.Run(t, sinktest.Harness{
		New: func(t *testing.T, base string, client *http.Client) notify.Sink {
			return newSink(t, strings.Replace(base, "://", "://robot:pass-in-url@", 1)+"/v2/enqueue", client)
		},
		Accept: accept,
		MessageID: func(t *testing.T, r *http.Request, body []byte) string {
			return read(t, body).Payload.Details["delivery"].(string)
		},
		Secrets: []string{routingKey, "pass-in-url"},
	})
}

func accept(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusAccepted)
	io.WriteString(w, `{"status":"success","message":"Event processed","dedup_key":"…"}`)
}

func newSink(t *testing.T, url string, client *http.Client) *pagerduty.Sink {
	t.Helper()
	c := pagerduty.Config{RoutingKey: routingKey, URL: url}
	if problems := c.Problems(); len(problems) > 0 {
		t.Fatalf("Problems(): got %v, want none", problems)
	}
	s, err := pagerduty.New(c, pagerduty.Options{Client: client})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return s
}

// event is what the tests read of an event.
type event struct {
	Key     string `json:"routing_key"`
	Action  string `json:"event_action"`
	Dedup   string `json:"dedup_key"`
	Payload struct {
		Summary, Severity string
		Details           map[string]any `json:"custom_details"`
	}
}

func read(t *testing.T, body []byte) event {
	t.Helper()
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		t.Errorf("read an event: %v in %.200s", err, body)
	}
	if e.Key != routingKey {
		t.Errorf("routing key: got %q", e.Key)
	}
	return e
}

func TestPreview(t *testing.T) {
	ended := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		name   string
		change func(m *notify.Message)
		alerts int
	}{
		{"firing-and-resolved", func(*notify.Message) {}, 3},
		{"server", func(m *notify.Message) {
			a := &m.Alerts[0]
			*a = alert.Transition{Reason: alert.ReasonNew, At: ended, Alert: alert.Alert{
				Status: alert.StatusFiring, Rule: "server-unreachable", Severity: alert.Critical,
				Fingerprint: "00000000000000aa", Server: "prod", Summary: "prod cannot be read", StartsAt: ended,
			}}
		}, 1},
		{"event", func(m *notify.Message) {
			a := &m.Alerts[0]
			a.Status, a.Reason, a.Severity, a.State, a.Error = alert.StatusEvent, alert.ReasonEvent, alert.Info, "completed", ""
		}, 1},
		{"acknowledged", func(m *notify.Message) {
			m.Alerts[0].Reason = alert.ReasonAcknowledged
			m.Said = map[string]notify.Said{m.Alerts[0].Fingerprint: {AckedBy: "anna", AckedAt: ended}}
		}, 1},
		{"test", func(m *notify.Message) { m.Test = true }, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := sinktest.Message(c.alerts)
			c.change(m)
			got, err := newSink(t, "", nil).Preview(m)
			if err != nil {
				t.Fatal(err)
			}
			sinktest.Golden(t, "testdata/"+c.name+".json", got, *update)
			if strings.Contains(string(got), routingKey) {
				t.Errorf("the routing key is in the preview: %s", got)
			}
		})
	}
}

// service is a PagerDuty that refuses some events.
type service struct {
	answers map[string]int // by dedup key; 202 for others
	got     []string       // action and dedup key of what it was asked to take
}

func (s *service) sink(t *testing.T) *pagerduty.Sink {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		e := read(t, body)
		s.got = append(s.got, e.Action+" "+e.Dedup)
		if code := s.answers[e.Dedup]; code != 0 {
			w.WriteHeader(code)
			return
		}
		accept(w, r)
	}))
	t.Cleanup(server.Close)
	return newSink(t, server.URL, server.Client())
}

// named is a message of alerts with these fingerprints, each a second after the one before.
func named(names ...string) *notify.Message {
	m := sinktest.Message(1)
	one := m.Alerts[0]
	m.Alerts = nil
	for i, name := range names {
		a := one
		a.Fingerprint, a.At = name, one.At.Add(time.Duration(i)*time.Second)
		m.Alerts = append(m.Alerts, a)
	}
	return m
}

func TestWhatWasTakenIsNotSentAgain(t *testing.T) {
	pd := &service{answers: map[string]int{"b": 503}}
	sink, m := pd.sink(t), named("a", "b", "c")

	memory, err := sink.Resume(t.Context(), m, nil)
	var no *notify.Refused
	if err == nil || errors.As(err, &no) {
		t.Fatalf("first attempt: got %v, want an error to try again after", err)
	}
	pd.answers = nil
	if memory, err = sink.Resume(t.Context(), m, memory); err != nil {
		t.Fatalf("second attempt: got %v, want it to be taken", err)
	}
	want := []string{"trigger a", "trigger b", "trigger b", "trigger c"}
	if diff := cmp.Diff(want, pd.got); diff != "" {
		t.Errorf("events of two attempts (-want +got):\n%s", diff)
	}
	pd.got = nil
	next := named("a")
	next.ID = "dlv_next"
	if _, err := sink.Resume(t.Context(), next, memory); err != nil || len(pd.got) != 1 {
		t.Errorf("the next message: got %v (%v), want its event", pd.got, err)
	}
}

func TestARefusedEventDoesNotKeepBackTheOthers(t *testing.T) {
	pd := &service{answers: map[string]int{"a": 400}}
	memory, err := pd.sink(t).Resume(t.Context(), named("a", "b"), nil)
	var no *notify.Refused
	if !errors.As(err, &no) || !strings.Contains(err.Error(), "1 of 2 events") {
		t.Errorf("got %v, want a refusal of 1 of 2 events", err)
	}
	if want := []string{"trigger a", "trigger b"}; !slices.Equal(pd.got, want) {
		t.Errorf("events: got %v, want %v", pd.got, want)
	}
	pd.got, pd.answers = nil, nil // tried again by hand
	if _, err := pd.sink(t).Resume(t.Context(), named("a", "b"), memory); err != nil || !slices.Equal(pd.got, []string{"trigger a"}) {
		t.Errorf("again: got %v (%v), want the event that was refused", pd.got, err)
	}
}

func TestTheResolutionIsTheLastWord(t *testing.T) {
	pd := &service{}
	m := named("a", "a")
	ended := m.Alerts[1].At
	m.Alerts[1].Status, m.Alerts[1].EndsAt = alert.StatusResolved, &ended
	slices.Reverse(m.Alerts)
	if err := pd.sink(t).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if want := []string{"trigger a", "resolve a"}; !slices.Equal(pd.got, want) {
		t.Errorf("events: got %v, want %v", pd.got, want)
	}
}

func TestWhatPeopleSay(t *testing.T) {
	pd := &service{}
	m := named("a", "b", "c")
	for i, reason := range []alert.Reason{alert.ReasonAcknowledged, alert.ReasonSilenced, alert.ReasonReleased} {
		m.Alerts[i].Reason = reason
	}
	if err := pd.sink(t).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if want := []string{"acknowledge a"}; !slices.Equal(pd.got, want) {
		t.Errorf("events: got %v, want %v: an event knows no silence, and takes nothing back", pd.got, want)
	}
}

func TestTextsAreCutToWhatPagerDutyTakes(t *testing.T) {
	var e event
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		e = read(t, body)
		accept(w, r)
	}))
	defer sink.Close()
	m := sinktest.Message(1)
	m.Alerts[0].Summary, m.Alerts[0].Error = strings.Repeat("é", 5000), strings.Repeat("é", 500_000)
	if err := newSink(t, sink.URL, nil).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if n := utf8.RuneCountInString(e.Payload.Summary); n != 1024 {
		t.Errorf("summary: got %d characters, want 1024", n)
	}
	if n := utf8.RuneCountInString(e.Payload.Details["error"].(string)); n != 4000 {
		t.Errorf("error: got %d characters, want 4000", n)
	}
}

func TestProblems(t *testing.T) {
	const keyHint = "take the integration key of a service's integration Events API v2"
	for _, c := range []struct {
		name string
		c    pagerduty.Config
		want []diag.Problem
	}{
		{"the least that works", pagerduty.Config{RoutingKey: routingKey}, nil},
		{"the EU", pagerduty.Config{RoutingKey: routingKey, URL: "https://events.eu.pagerduty.com/v2/enqueue"}, nil},
		{"no key", pagerduty.Config{}, []diag.Problem{{Field: "routing_key", Message: "routing_key is missing", Hint: keyHint}}},
		{"a key with its line break", pagerduty.Config{RoutingKey: routingKey + "\n"}, []diag.Problem{
			{Field: "routing_key", Message: "the routing key holds a blank or a line break", Hint: "remove it"},
		}},
		{"a url without a scheme", pagerduty.Config{RoutingKey: routingKey, URL: "events.pagerduty.com"}, []diag.Problem{
			{Field: "url", Message: "the URL does not begin with http:// or https://", Hint: "write it like https://events.pagerduty.com/v2/enqueue"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.c.Problems()); diff != "" {
				t.Errorf("Problems() (-want +got):\n%s", diff)
			}
		})
	}
	if !(pagerduty.Config{URL: "https://a"}).Empty() || (pagerduty.Config{RoutingKey: secret.String("k")}).Empty() {
		t.Error("Empty(): want true without a routing key only")
	}
}
