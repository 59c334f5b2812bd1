package webhook_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"watchdog/notify"
	"watchdog/notify/sinktest"
	"watchdog/notify/webhook"
	"watchdog/secret"
)

const hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func TestTheReceiverInGo(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "receiver")
	build := exec.Command("go", "build", "-o", binary, "./"+docs+"examples/receiver-go")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the receiver: %v\n%s", err, out)
	}
	proveReceiver(t, exec.Command(binary, "-listen", "127.0.0.1:0"))
}

func TestTheReceiverInPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("python3 is missing: the receiver in docs/examples cannot be proved")
		}
		t.Skip("python3 is missing: install it to prove docs/examples/receiver.py")
	}
	proveReceiver(t, exec.Command(python, docs+"examples/receiver.py", "0"))
}

// proveReceiver starts a receiver and sends it what it must take, and what it must not.
func proveReceiver(t *testing.T, command *exec.Cmd) {
	base, output := startReceiver(t, command)
	send := func(c webhook.Config, transport http.RoundTripper, m *notify.Message) error {
		c.URL = secret.String(base)
		return newSink(t, c, &http.Client{Transport: transport}).Send(t.Context(), m)
	}
	right := webhook.Config{Secret: webhook.Secrets{hookSecret}}
	m := sinktest.Message(1)

	var refused *notify.Refused
	if err := send(right, tampering{}, m); !errors.As(err, &refused) || !strings.Contains(err.Error(), "401") {
		t.Errorf("a tampered message: got %v, want it refused by 401", err)
	}
	if err := send(webhook.Config{}, nil, m); !errors.As(err, &refused) {
		t.Errorf("an unsigned message: got %v, want it refused", err)
	}
	if err := send(webhook.Config{Secret: webhook.Secrets{"another"}}, nil, m); !errors.As(err, &refused) {
		t.Errorf("another's message: got %v, want it refused", err)
	}
	if err := send(right, ageing{}, m); !errors.As(err, &refused) || !strings.Contains(err.Error(), "too far from now") {
		t.Errorf("an old message: got %v, want it refused by its age", err)
	}
	if err := send(right, nil, m); err != nil {
		t.Errorf("a signed message: got %v, want it taken", err)
	}
	if err := send(webhook.Config{Secret: webhook.Secrets{"another", hookSecret}}, nil, m); err != nil {
		t.Errorf("a repeat signed by two secrets: got %v, want it taken", err)
	}
	next := sinktest.Message(1)
	next.ID, next.Alerts[0].DocID = "dlv_next", "last"
	if err := send(right, nil, next); err != nil {
		t.Errorf("the next message: got %v, want it taken", err)
	}
	for _, want := range []string{"firing replication-failed prod/orders:", "firing replication-failed prod/last:"} {
		if !output.Scan() || !strings.HasPrefix(output.Text(), want) {
			t.Errorf("the receiver printed %q, want %q: one line for each message, repeats dropped", output.Text(), want)
		}
	}
}

// startReceiver gives the address that the receiver prints, and what it prints after that.
func startReceiver(t *testing.T, command *exec.Cmd) (base string, output *bufio.Scanner) {
	t.Helper()
	command.Env = append(os.Environ(), "HOOK_SECRET="+hookSecret)
	command.Stderr = t.Output()
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("start the receiver: %v", err)
	}
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
	})
	output = bufio.NewScanner(stdout)
	if !output.Scan() {
		t.Fatal("the receiver ended without a word")
	}
	base, listens := strings.CutPrefix(output.Text(), "listening on ")
	if !listens {
		t.Fatalf("the receiver printed %q, want where it listens", output.Text())
	}
	return base, output
}

// tampering changes one word of each body on its way.
type tampering struct{}

func (tampering) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	changed := r.Clone(r.Context())
	changed.Body = io.NopCloser(bytes.NewReader(bytes.Replace(body, []byte("firing"), []byte("failed"), 1)))
	return http.DefaultTransport.RoundTrip(changed)
}

// ageing makes each message one that was signed in 2001, and is replayed now.
type ageing struct{}

func (ageing) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	signer, err := standardwebhooks.NewWebhook(hookSecret)
	if err != nil {
		return nil, err
	}
	then := time.Unix(1_000_000_000, 0)
	signature, err := signer.Sign(r.Header.Get("webhook-id"), then, body)
	if err != nil {
		return nil, err
	}
	changed := r.Clone(r.Context())
	changed.Body = io.NopCloser(bytes.NewReader(body))
	changed.Header.Set("webhook-timestamp", strconv.FormatInt(then.Unix(), 10))
	changed.Header.Set("webhook-signature", signature)
	return http.DefaultTransport.RoundTrip(changed)
}
