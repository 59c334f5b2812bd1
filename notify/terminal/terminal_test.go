package terminal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"watchdog/alert"
	"watchdog/notify"
	"watchdog/notify/sinktest"
	"watchdog/notify/terminal"
)

func written(t *testing.T, o terminal.Options, m *notify.Message) string {
	t.Helper()
	var out bytes.Buffer
	o.Out = &out
	s, err := terminal.New(terminal.Config{}, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), m); err != nil {
		t.Fatalf("Send: %v", err)
	}
	return out.String()
}

// one is a message of one alert, changed.
func one(change func(*alert.Transition)) *notify.Message {
	m := sinktest.Message(1)
	change(&m.Alerts[0])
	return m
}

func TestMessages(t *testing.T) {
	ended := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		name string
		m    *notify.Message
		want string
	}{
		{"one alert", sinktest.Message(1), `
2026-01-02 03:04:05 UTC  ● FIRING  critical  replication-failed  prod/_replicator/orders  failed  for 1m 30s
    orders failed
    db_not_found: could not open http://127.0.0.1:5984/orders/
`},
		{"three alerts stand in line below a headline", sinktest.Message(3), `
2026-01-02 03:04:05 UTC  2 firing, 1 resolved: replication-failed on prod
  ● FIRING    critical  replication-failed  prod/_replicator/orders      failed   for 1m 30s
    orders failed
    db_not_found: could not open http://127.0.0.1:5984/orders/
  ● FIRING    critical  replication-failed  prod/_replicator/orders-001  failed   for 1m 30s
    orders-001 failed
    db_not_found: could not open http://127.0.0.1:5984/orders-001/
  ✓ RESOLVED  critical  replication-failed  prod/_replicator/orders-002  running  after 1m 30s
    was: orders-002 failed
`},
		{"a summary that holds the error", one(func(a *alert.Transition) { a.Summary = "orders failed: " + a.Error }), `
2026-01-02 03:04:05 UTC  ● FIRING  critical  replication-failed  prod/_replicator/orders  failed  for 1m 30s
    orders failed: db_not_found: could not open http://127.0.0.1:5984/orders/
`},
		{"a deleted replication", one(func(a *alert.Transition) {
			a.Status, a.Reason, a.State, a.Error, a.EndsAt = alert.StatusResolved, alert.ReasonDeleted, "", "", &ended
		}), `
2026-01-02 03:04:05 UTC  ✓ RESOLVED  critical  replication-failed  prod/_replicator/orders    after 1m 30s, deleted
    was: orders failed
`},
		{"a rise of severity", one(func(a *alert.Transition) { a.Reason, a.Error, a.Summary = alert.ReasonSeverity, "", "" }), `
2026-01-02 03:04:05 UTC  ● FIRING  critical  replication-failed  prod/_replicator/orders  failed  for 1m 30s, severity rose
`},
		{"an event", one(func(a *alert.Transition) {
			a.Status, a.Reason, a.Severity, a.State, a.Error = alert.StatusEvent, alert.ReasonEvent, alert.Info, "completed", ""
			a.Summary = "orders was copied"
		}), `
2026-01-02 03:04:05 UTC  ◆ EVENT  info  replication-failed  prod/_replicator/orders  completed
    orders was copied
`},
		{"a test message", &notify.Message{At: ended, Test: true}, `
2026-01-02 03:04:05 UTC  test message: no alerts
`},
		{"an error of Erlang is one line", one(func(a *alert.Transition) {
			a.Error, a.Summary = "{replication_auth_error,\n    {session_request_failed,\"http://a\"}}", ""
		}), `
2026-01-02 03:04:05 UTC  ● FIRING  critical  replication-failed  prod/_replicator/orders  failed  for 1m 30s
    {replication_auth_error, {session_request_failed,"http://a"}}
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(strings.TrimPrefix(c.want, "\n"), written(t, terminal.Options{}, c.m)); diff != "" {
				t.Errorf("written (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTimesAreShownInTheLocation(t *testing.T) {
	got := written(t, terminal.Options{Location: time.FixedZone("CET", 3600)}, sinktest.Message(1))
	if want := "2026-01-02 04:04:05 CET  "; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want %q first", got, want)
	}
}

func TestColors(t *testing.T) {
	for _, c := range []struct {
		name     string
		status   alert.Status
		severity alert.Severity
		want     string
	}{
		{"critical is red", alert.StatusFiring, alert.Critical, "\x1b[31m● FIRING  critical\x1b[0m"},
		{"a warning is yellow", alert.StatusFiring, alert.Warning, "\x1b[33m● FIRING  warning\x1b[0m"},
		{"info is cyan", alert.StatusEvent, alert.Info, "\x1b[36m◆ EVENT  info\x1b[0m"},
		{"resolved is green, whatever it was", alert.StatusResolved, alert.Critical, "\x1b[32m✓ RESOLVED  critical\x1b[0m"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := one(func(a *alert.Transition) { a.Status, a.Severity = c.status, c.severity })
			if got := written(t, terminal.Options{Color: true}, m); !strings.Contains(got, "UTC  "+c.want+"  replication-failed") {
				t.Errorf("with colours: got %q, want %q in it", got, c.want)
			}
			if got := written(t, terminal.Options{}, m); strings.Contains(got, "\x1b") {
				t.Errorf("without colours: got %q, want no escapes", got)
			}
		})
	}
}

func TestManyAlertsEndInADigest(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(written(t, terminal.Options{}, sinktest.Message(300)), "\n"), "\n")
	rows := 0
	for _, line := range lines {
		if strings.HasPrefix(line, "  ●") || strings.HasPrefix(line, "  ✓") {
			rows++
		}
	}
	if rows != 20 {
		t.Errorf("alerts shown: got %d, want 20", rows)
	}
	last := lines[len(lines)-1]
	if !strings.HasPrefix(last, "  +280 more: orders-020, orders-021, ") || !strings.HasSuffix(last, " …") || len(last) > 450 {
		t.Errorf("last line: got %q, want +280 more and the first names", last)
	}
	if got := written(t, terminal.Options{}, sinktest.Message(20)); strings.Contains(got, "more:") {
		t.Errorf("20 alerts: got a digest in %q", got)
	}
	if got := written(t, terminal.Options{}, sinktest.Message(22)); !strings.Contains(got, "\n  +2 more: orders-020, orders-021\n") {
		t.Errorf("22 alerts: got %q, want the last two named", got)
	}
}

func TestNothingThatIsToldDrivesTheTerminal(t *testing.T) {
	evil := "a\x1b[2J\x1b]0;title\x07b\r\nc\u009b31md\u202ee\u2028f\x00g\xffh"
	m := sinktest.Message(30)
	m.Group = map[string]string{evil: evil}
	for i := range m.Alerts {
		a := &m.Alerts[i]
		a.Rule, a.Server, a.Database, a.DocID, a.State = evil, evil, evil, evil, evil
		a.Error, a.Summary, a.Reason, a.Status = evil, evil+"!", alert.Reason(evil), alert.Status(evil)
	}
	got := written(t, terminal.Options{}, m)
	if strings.ContainsFunc(got, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
		t.Errorf("got %q, want nothing in it that does not print", got)
	}
	if lines := strings.Count(got, "\n"); lines != 1+20*2+1 {
		t.Errorf("lines: got %d, want a headline, two for each of 20 alerts, and the digest", lines)
	}
	if want := `a\x1b[2J\x1b]0;title\x07b c\x9b31md\u202ee f\x00g` + "\ufffdh"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q in it", got, want)
	}
}

func TestALongErrorIsCut(t *testing.T) {
	got := written(t, terminal.Options{}, one(func(a *alert.Transition) { a.Error = strings.Repeat("é", 10_000) }))
	if want := "    " + strings.Repeat("é", 400) + "…\n"; !strings.HasSuffix(got, want) {
		t.Errorf("got %d bytes, want 400 characters of the error", len(got))
	}
}

func TestALongIDDoesNotPushTheOthersAway(t *testing.T) {
	m := sinktest.Message(2)
	m.Alerts[0].DocID = strings.Repeat("x", 500)
	got := strings.Split(written(t, terminal.Options{}, m), "\n")
	if want := "  ● FIRING  critical  replication-failed  prod/_replicator/orders-001  failed  for 1m 30s"; got[4] != want {
		t.Errorf("second alert: got %q, want %q", got[4], want)
	}
}

func TestMessagesComeOutWhole(t *testing.T) {
	var out pieces
	s, err := terminal.New(terminal.Config{}, terminal.Options{Out: &out})
	if err != nil {
		t.Fatal(err)
	}
	var sending sync.WaitGroup
	for i := range 8 {
		sending.Go(func() {
			m := sinktest.Message(2)
			m.Alerts[0].DocID = fmt.Sprint(i)
			if err := s.Send(t.Context(), m); err != nil {
				t.Errorf("Send: %v", err)
			}
		})
	}
	sending.Wait()
	if len(out) != 8 {
		t.Errorf("writes: got %d, want one for each of 8 messages", len(out))
	}
}

// pieces are what was written, write by write. It is not safe for two writers: the sink is.
type pieces []string

func (p *pieces) Write(b []byte) (int, error) {
	*p = append(*p, string(b))
	return len(b), nil
}

func TestWhatCannotBeWrittenIsTriedAgain(t *testing.T) {
	s, err := terminal.New(terminal.Config{}, terminal.Options{Out: closed{}})
	if err != nil {
		t.Fatal(err)
	}
	var refused *notify.Refused
	if err := s.Send(t.Context(), sinktest.Message(1)); !errors.Is(err, os.ErrClosed) || errors.As(err, &refused) {
		t.Errorf("Send: got %v, want %v, not refused", err, os.ErrClosed)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Send(ended, sinktest.Message(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("Send after the end: got %v, want %v", err, context.Canceled)
	}
}

type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestConfig(t *testing.T) {
	var file struct{ Terminal terminal.Config }
	if err := yaml.Unmarshal([]byte("terminal: {}"), &file); err != nil {
		t.Fatal(err)
	}
	if file.Terminal.Empty() || file.Terminal.Problems() != nil {
		t.Errorf("Empty(), Problems(): got %v, %v, want a terminal that is there", file.Terminal.Empty(), file.Terminal.Problems())
	}
}

func TestPreviewHasNoColors(t *testing.T) {
	s, err := terminal.New(terminal.Config{}, terminal.Options{Color: true})
	if err != nil {
		t.Fatal(err)
	}
	shown, err := s.Preview(sinktest.Message(3))
	if want := written(t, terminal.Options{}, sinktest.Message(3)); err != nil || string(shown) != want {
		t.Errorf("Preview: got %q (%v), want %q", shown, err, want)
	}
}
