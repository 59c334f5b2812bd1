package scheduler_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"watchdog/scheduler"
	"watchdog/scheduler/couchtest"
)

// world is a server to try things on that have effects, with a replicator database of the test's
// own.
type world struct {
	*scheduler.Replicator
	*scheduler.Client
	t        *testing.T
	sim      *couchtest.Server // nil on a real server
	database string
	prefix   string // of the names of databases
	base     string // with credentials
	http     *http.Client
}

// onServers runs a test on the simulated server, in a bubble, and on the real one that
// WATCHDOG_TEST_COUCHDB_URL names, with an admin's credentials, where it is set.
func onServers(t *testing.T, test func(t *testing.T, w world)) {
	t.Run("simulated", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			sim := couchtest.New(couchtest.Options{Username: "admin", Password: "s3cret"})
			client, stop := sim.Client()
			defer stop()
			test(t, newWorld(t, sim, "http://admin:s3cret@127.0.0.1:5984", "", client))
		})
	})
	if base := os.Getenv("WATCHDOG_TEST_COUCHDB_URL"); base != "" {
		t.Run("real", func(t *testing.T) {
			prefix := fmt.Sprintf("watchdog-test-%x/", os.Getpid())
			test(t, newWorld(t, nil, strings.TrimRight(base, "/"), prefix, http.DefaultClient))
		})
	}
}

func newWorld(t *testing.T, sim *couchtest.Server, base, prefix string, client *http.Client) world {
	t.Helper()
	w := world{t: t, sim: sim, database: cmp.Or(prefix, "team/") + "_replicator", prefix: prefix, base: base, http: client}
	c, err := scheduler.New(scheduler.Options{
		Spec:      scheduler.Spec{Name: "prod", URL: base, ReplicatorDBs: []string{w.database}},
		Transport: client.Transport,
	})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(c.Close)
	w.Client, w.Replicator = c, c.Replicator(w.database)
	w.create(w.database)
	return w
}

// create makes a database, for as long as the test runs, and gives its name.
func (w world) create(name string) string {
	w.t.Helper()
	w.request(http.MethodPut, "/"+url.PathEscape(name), "")
	if w.sim == nil {
		w.t.Cleanup(func() { w.request(http.MethodDelete, "/"+url.PathEscape(name), "") })
	}
	return name
}

// source makes a database of a few documents.
func (w world) source(name string) string {
	w.t.Helper()
	name = w.create(w.prefix + name)
	if w.sim == nil {
		w.request(http.MethodPost, "/"+url.PathEscape(name)+"/_bulk_docs", `{"docs":[{"_id":"a"},{"_id":"b"},{"_id":"c"}]}`)
	}
	return name
}

// request is one past the client under test.
func (w world) request(method, path, body string) string {
	w.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, w.base+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode/100 != 2 && method != http.MethodGet {
		w.t.Fatalf("%s %s: got %s, error %v: %s", method, path, resp.Status, err, answer)
	}
	return string(answer)
}

// draft is a one-shot replication between databases of the server.
func (w world) draft(id string) scheduler.Draft {
	return scheduler.Draft{
		ID: id, CreateTarget: true,
		Source: scheduler.Endpoint{URL: w.source("source-" + strings.Map(plain, id))},
		Target: scheduler.Endpoint{URL: w.prefix + "target-" + strings.Map(plain, id)},
	}
}

func plain(r rune) rune {
	if 'a' <= r && r <= 'z' {
		return r
	}
	return '-'
}

// oddIDs are document ids that a client may get wrong on their way into a path.
var oddIDs = []string{"odd/slash", "odd+plus", "odd 100%", "odd søren ☃", "a%2Fb", "a?b=c&d", `say "hi"`, "x:y", "_replicator/z"}
