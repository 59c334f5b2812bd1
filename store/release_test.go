package store_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"watchdog/scheduler/couchtest"
	"watchdog/store"
)

// release lets the daemon of a release write the store that later versions are held against, into
// testdata/schema-N.db. It is done once for each release that brings another schema:
//
//	go build -o /tmp/watchdog .
//	STORE_TEST_TASK=release STORE_TEST_PATH=/tmp/watchdog go test ./store
func release(ctx context.Context, binary string) error {
	ctx, end := context.WithCancel(ctx) // of the daemon too, if anything fails
	defer end()
	dir, err := os.MkdirTemp("", "release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	couch := couchtest.New(couchtest.Options{})
	for _, doc := range []string{"audit", "invoices", "mail"} {
		couch.Put("_replicator", doc, couchtest.Spec{State: couchtest.Running})
	}
	couch.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Failed, Error: "duplicate of invoices"})
	_, stop, err := couch.Serve("127.0.0.1:15984")
	if err != nil {
		return err
	}
	defer stop()
	told := make(chan string, 100)
	receivers, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:15985")
	if err != nil {
		return err
	}
	defer receivers.Close()
	go http.Serve(receivers, receiversOfARelease(told))

	daemon := exec.CommandContext(ctx, binary, "run", "--config", filepath.Join(dir, "watchdog.yaml"))
	daemon.Stderr = os.Stderr
	if err := os.WriteFile(filepath.Join(dir, "watchdog.yaml"), []byte(fmt.Sprintf(configOfARelease, dir)), 0o600); err != nil {
		return err
	}
	if err := daemon.Start(); err != nil {
		return err
	}
	if err := tellOfARelease(ctx, couch, told); err != nil {
		return err
	}
	if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := daemon.Wait(); err != nil {
		return err
	}
	return keepRelease(ctx, filepath.Join(dir, "watchdog.db"))
}

const configOfARelease = `store: %s/watchdog.db
http: {listen: "127.0.0.1:15986"}
servers: [{name: prod, url: "http://127.0.0.1:15984"}]
checks: [{name: all, schedule: "@every 3s", jitter: 0s}]
rules:
  - {name: replication-failed, severity: critical, when: 'state == "failed"'}
  - {name: replication-crashing, when: 'state == "crashing"', for: 1h}
sinks:
  - {name: oncall, webhook: {url: "http://127.0.0.1:15985/"}}
  - {name: away, webhook: {url: "http://127.0.0.1:15985/down"}}
  - {name: refuses, webhook: {url: "http://127.0.0.1:15985/refuses"}}
routes: [{to: [oncall, away, refuses], group_by: [doc_id]}]
`

// receiversOfARelease are those of the three sinks. What oncall is told goes to told.
func receiversOfARelease(told chan<- string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/down", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	mux.HandleFunc("/refuses", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) })
	mux.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		told <- string(body)
	})
	return mux
}

// tellOfARelease lets happen what the doc comment of released says.
func tellOfARelease(ctx context.Context, couch *couchtest.Server, told <-chan string) error {
	handle := func(doc string) *couchtest.Replication { return couch.Doc("_replicator", doc) }
	var body string
	await := func(doc, status string) error {
		for deadline := time.After(30 * time.Second); ; {
			select {
			case body = <-told:
				if strings.Contains(body, `"doc_id":"`+doc+`"`) && strings.Contains(body, `"status":"`+status+`"`) {
					return nil
				}
			case <-deadline:
				return fmt.Errorf("oncall was not told that %s is %s", doc, status)
			}
		}
	}
	if err := await("orders", "firing"); err != nil {
		return err
	}
	handle("audit").Fail("duplicate of orders")
	if err := await("audit", "firing"); err != nil {
		return err
	}
	_, fingerprint, _ := strings.Cut(body, `"fingerprint":"`)
	fingerprint, _, _ = strings.Cut(fingerprint, `"`)
	handle("orders").Rewrite()
	handle("orders").Start()
	if err := await("orders", "resolved"); err != nil {
		return err
	}
	handle("mail").Crash("db_not_found: could not open mail")
	if _, err := ask(ctx, http.MethodPut, "alerts/"+fingerprint+"/ack", `{"by": "somebody"}`); err != nil {
		return err
	}
	ends := time.Now().AddDate(0, 11, 0).UTC().Format(time.RFC3339)
	if _, err := ask(ctx, http.MethodPost, "silences", `{"match": {"doc_id": ["mail"]}, "ends_at": "`+ends+`", "created_by": "somebody", "comment": "known"}`); err != nil {
		return err
	}
	if err := awaitAnswer(ctx, "alerts", `"doc_id":"mail"`); err != nil {
		return err
	}
	couch.Inject(couchtest.Fault{Do: couchtest.Status(http.StatusInternalServerError)})
	return awaitAnswer(ctx, "checks", `500`)
}

// awaitAnswer asks the daemon until its answer holds something.
func awaitAnswer(ctx context.Context, path, want string) error {
	for range 300 {
		answer, err := ask(ctx, http.MethodGet, path, "")
		if err != nil || strings.Contains(answer, want) {
			return err
		}
		<-time.After(100 * time.Millisecond)
	}
	return fmt.Errorf("%s never held %s", path, want)
}

// ask sends a request to the daemon.
func ask(ctx context.Context, method, path, body string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://127.0.0.1:15986/api/v1/"+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{Timeout: 10 * time.Second}).Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, response.Status, answer)
	}
	return string(answer), err
}

// keepRelease keeps a store under the number of its schema.
func keepRelease(ctx context.Context, path string) error {
	s, err := store.Open(ctx, path, store.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	var schema int
	if err := s.Writer().QueryRowContext(ctx, "PRAGMA user_version").Scan(&schema); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(fmt.Sprintf("testdata/schema-%d.db", schema), text, 0o600)
}
