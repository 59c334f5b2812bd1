package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"watchdog/alert"
	"watchdog/scheduler/couchtest"
)

// running is a daemon in this process, whose config changes.
type running struct {
	*testing.T
	path, url string
	text      string // of the config
}

const reloadConfig = `
store: %s
http: {listen: "127.0.0.1:0"}
servers: [{name: prod, url: %q}]
checks: [{name: all, schedule: "@every 1s", jitter: 0s}]
rules: [{name: failed, severity: critical, when: state == "failed", summary: "{{ .doc_id }} failed"}]
sinks: [{name: hook, webhook: {url: %q}}]
routes: [{to: [hook], group_by: [doc_id]}]
`

func newRunning(t *testing.T, couch string, hook *receiver) *running {
	t.Helper()
	dir := t.TempDir()
	r := &running{T: t, path: filepath.Join(dir, "watchdog.yaml")}
	r.text = fmt.Sprintf(reloadConfig, filepath.Join(t.TempDir(), "watchdog.db"), couch, hook.URL)
	r.write(r.text)
	url, log, end := openPageOf(t, r.path)
	if url == "" {
		t.Fatalf("run: the page is not open\n%s", log)
	}
	r.url = url
	t.Cleanup(func() {
		if code := end(); code != 0 {
			t.Errorf("run: got exit code %d, want 0", code)
		}
	})
	return r
}

// write puts a config in place as an editor does.
func (r *running) write(text string) {
	r.Helper()
	if err := os.WriteFile(r.path+"~", []byte(text), 0o600); err != nil {
		r.Fatal(err)
	}
	if err := os.Rename(r.path+"~", r.path); err != nil {
		r.Fatal(err)
	}
}

// edited is the config with some words replaced.
func (r *running) edited(from, to string) string {
	r.Helper()
	if !strings.Contains(r.text, from) {
		r.Fatalf("the config has no %q", from)
	}
	return strings.ReplaceAll(r.text, from, to)
}

// status is what the daemon says of its config.
func (r *running) status() string {
	var s struct {
		Config struct {
			Error         string
			Changes       []string
			RestartNeeded []string `json:"restart_needed"`
		}
	}
	fetch(r.T, r.url+"api/v1/status", &s)
	_, what, _ := strings.Cut(s.Config.Error, ": ")
	return fmt.Sprintf("%v %v %q", s.Config.Changes, s.Config.RestartNeeded, what)
}

// await waits until the status is as it should be.
func (r *running) await(want string) {
	r.Helper()
	got := ""
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		if got = r.status(); got == want {
			return
		}
	}
	r.Errorf("status of the config after 10 s: got %s, want %s", got, want)
}

// post reloads over the API.
func (r *running) post() (status int, body []byte) {
	resp, err := http.Post(r.url+"api/v1/reload", "", nil)
	if err != nil {
		r.Error(err)
		return 0, nil
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	if err != nil {
		r.Error(err)
	}
	return resp.StatusCode, body
}

func (r *running) metrics(want string) {
	r.Helper()
	resp, err := http.Get(r.url + "metrics")
	if err != nil {
		r.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.Fatal(err)
	}
	if !bytes.Contains(body, []byte("\n"+want+"\n")) {
		r.Errorf("metrics: want %q among\n%s", want, body)
	}
}

func firingDoc(doc string) func(told) bool {
	return func(m told) bool { return m.DocID == doc && m.Status == alert.StatusFiring }
}

// A changed file is put in use, by itself, by a signal or by a request; a bad one changes nothing.
func TestReload(t *testing.T) {
	couch := couchtest.New(couchtest.Options{})
	couch.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Failed, Error: "db_not_found"})
	hook := newReceiver(t, 0)
	r := newRunning(t, serve(t, couch), hook)
	hook.await(t, "orders fires", firingDoc("orders"))

	r.write(r.edited("failed\"}", "is broken\"}")) // noticed without a word
	r.await(`[rules ~1] [] ""`)

	bad := r.edited("when:", "whem:")
	r.write(bad)
	r.await(`[rules ~1] [] "unknown key \"whem\"; did you mean \"when\"?"`)
	r.metrics("watchdog_config_last_reload_successful 0")
	status, body := r.post()
	var problem struct {
		Diagnostics []struct {
			File string
			Line int
		}
	}
	if err := json.Unmarshal(body, &problem); err != nil || status != http.StatusUnprocessableEntity || len(problem.Diagnostics) == 0 || problem.Diagnostics[0].Line != 6 {
		t.Errorf("POST reload of a bad config: got %d %s, want 422 and the mistake in line 6", status, body)
	}
	couch.Put("_replicator", "audit", couchtest.Spec{State: couchtest.Failed})
	hook.await(t, "audit fires by the rules before the bad ones", firingDoc("audit"))

	r.write(r.edited("routes:", "windows: [{name: night, start: \"0 22 * * *\", duration: 8h}]\nroutes:"))
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	r.await(`[windows +1 rules ~1] [] ""`)
	r.metrics("watchdog_config_last_reload_successful 1")

	r.write(r.edited("127.0.0.1:0", "127.0.0.1:1"))
	r.await(`[http changed windows -1] [http] ""`)
	r.write(r.text)
	r.await(`[http changed] [] ""`)
	if status, body := r.post(); status != http.StatusOK || string(body) != `{"changes":[],"restart_needed":[]}`+"\n" {
		t.Errorf("POST reload of what is in use: got %d %s, want no changes", status, body)
	}
	checkTold(t, hook.all()) // nothing was told anew
}

// What a reload adds is watched and told, and what it takes away is not.
func TestReloadOfServersAndSinks(t *testing.T) {
	prod, dr := couchtest.New(couchtest.Options{}), couchtest.New(couchtest.Options{})
	hook, second := newReceiver(t, 0), newReceiver(t, 0)
	r := newRunning(t, serve(t, prod), hook)
	more := r.edited("servers: [", fmt.Sprintf("servers: [{name: dr, url: %q}, ", serve(t, dr)))
	more = strings.ReplaceAll(more, "sinks: [", fmt.Sprintf("sinks: [{name: second, webhook: {url: %q}}, ", second.URL))
	more = strings.ReplaceAll(more, "to: [hook]", "to: [second]")
	r.write(more)
	r.await(`[servers +1 sinks +1 routes changed] [] ""`)
	dr.Put("_replicator", "audit", couchtest.Spec{State: couchtest.Failed})
	second.await(t, "audit of the new server fires at the new sink", firingDoc("audit"))

	r.write(r.text)
	r.await(`[servers -1 sinks -1 routes changed] [] ""`)
	var answer struct{ Servers []struct{ Name string } }
	fetch(t, r.url+"api/v1/checks", &answer)
	if got := fmt.Sprint(answer.Servers); got != "[{prod}]" {
		t.Errorf("servers after one was taken away: got %s, want [{prod}]", got)
	}
	prod.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Failed})
	hook.await(t, "orders fires at the old sink", firingDoc("orders"))
	if slices.ContainsFunc(hook.all(), firingDoc("audit")) {
		t.Error("the old sink was told of the server that was taken away")
	}
}

// Fifty reloads while replications fail and recover, and a receiver that refuses a third of what
// it gets: every transition is told once, in order.
func TestReloadUnderLoad(t *testing.T) {
	const docs, lives, reloads = 4, 3, 50
	couch := couchtest.New(couchtest.Options{})
	hook := newReceiver(t, 0.3)
	r := newRunning(t, serve(t, couch), hook)
	var living sync.WaitGroup
	for i := range docs {
		doc := fmt.Sprintf("doc%d", i)
		living.Go(func() {
			one := couch.Put("_replicator", doc, couchtest.Spec{})
			for life := range lives {
				one.Fail("life " + fmt.Sprint(life))
				hook.await(t, fmt.Sprintf("%s fires, life %d", doc, life), func(m told) bool {
					return m.DocID == doc && m.Status == alert.StatusFiring && m.Error == "life "+fmt.Sprint(life)
				})
				one.Rewrite()
				hook.await(t, fmt.Sprintf("%s resolves, life %d", doc, life), func(told) bool {
					return countOf(hook.all(), doc, alert.StatusResolved) == life+1
				})
			}
		})
	}
	for i := range reloads {
		text := r.text
		switch i % 4 {
		case 0:
			text = r.edited("failed\"}", fmt.Sprintf("failed, as edit %d says\"}", i))
		case 1:
			text = r.edited("jitter: 0s", "jitter: 10ms")
		case 2:
			text = r.edited("name: hook, ", fmt.Sprintf("name: hook, timeout: %ds, ", 5+i%4))
		case 3:
			text = r.edited("name: prod, ", fmt.Sprintf("name: prod, timeout: %ds, ", 5+i))
		}
		r.write(text)
		if status, body := r.post(); status != http.StatusOK {
			t.Errorf("reload %d: got %d %s, want 200", i, status, body)
		}
	}
	living.Wait()
	checkTold(t, hook.all())
	if got, want := len(hook.all()), 2*docs*lives; got != want {
		t.Errorf("transitions told: got %d, want %d", got, want)
	}
}
