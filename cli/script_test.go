package cli_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"watchdog/scheduler/couchtest"
)

// TestScripts runs each script of testdata/script, one behaviour of the command line each.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("WATCHDOG_UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			root, err := filepath.Abs("..")
			if err != nil {
				return err
			}
			e.Setenv("ROOT", root)
			e.Values[simulated{}] = new(*couchtest.Server)
			e.Setenv("WATCHDOG_LISTEN", "127.0.0.1:0") // any port that is free
			for _, name := range []string{"COUCHDB_URL", "SLACK_WEBHOOK_URL", "SLACK_BOT_TOKEN", "HOOK_URL", "WATCHDOG_STORE", "WATCHDOG_URL", "WATCHDOG_TOKEN", "WATCHDOG_USERNAME", "WATCHDOG_PASSWORD"} {
				e.Setenv(name, "")
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"couch":      couch,
			"html":       html,
			"free":       free,
			"hook":       hook,
			"fail":       fail,
			"expire":     expire,
			"eventually": eventually,
			"keep":       keep,
		},
	})
}

// couch starts a server with one replication for each doc=state, or database:doc=state, and puts
// its URL into COUCHDB_URL: couch orders=failed team/_replicator:audit=running.
func couch(ts *testscript.TestScript, _ bool, args []string) {
	server := couchtest.New(couchtest.Options{Username: "admin", Password: "secret"})
	for _, arg := range args {
		doc, state, _ := strings.Cut(arg, "=")
		database, name, found := strings.Cut(doc, ":")
		if !found {
			database, name = "_replicator", doc
		}
		server.Put(database, name, couchtest.Spec{Target: doc + "_copy", State: couchtest.State(state), Error: "db_not_found: could not open it"})
	}
	*ts.Value(simulated{}).(**couchtest.Server) = server
	url, stop, err := server.Serve("127.0.0.1:0")
	ts.Check(err)
	ts.Defer(stop)
	ts.Setenv("COUCHDB_URL", strings.Replace(url, "//", "//admin:secret@", 1))
}

// free has the daemon listen at an address that is free now, which other commands can know.
func free(ts *testscript.TestScript, _ bool, _ []string) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv("WATCHDOG_LISTEN", l.Addr().String())
	ts.Check(l.Close())
}

// simulated is the key of the server that couch started last.
type simulated struct{}

// fail makes replications of that server fail: fail orders audit.
func fail(ts *testscript.TestScript, _ bool, args []string) {
	for _, doc := range args {
		(*ts.Value(simulated{}).(**couchtest.Server)).Put("_replicator", doc, couchtest.Spec{State: couchtest.Failed, Error: "duplicate"})
	}
}

// expire ends the silence whose id stands in a file: expire id.
func expire(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("watchdog", "silence", "expire", strings.TrimSpace(ts.ReadFile(args[0]))))
}

// keep puts what fits in the last output into a variable: keep NAME PATTERN.
func keep(ts *testscript.TestScript, _ bool, args []string) {
	pattern, err := regexp.Compile(args[1])
	ts.Check(err)
	found := pattern.FindString(ts.ReadFile("stdout"))
	if found == "" {
		ts.Fatalf("nothing in the output fits %s", pattern)
	}
	ts.Setenv(args[0], found)
}

// eventually runs a command again and again until its output fits: eventually PATTERN COMMAND…
func eventually(ts *testscript.TestScript, _ bool, args []string) {
	want, err := regexp.Compile(args[0])
	ts.Check(err)
	for patience := time.Now().Add(20 * time.Second); ; {
		err := ts.Exec(args[1], args[2:]...)
		if out := ts.ReadFile("stdout"); err == nil && want.MatchString(out) {
			return
		} else if time.Now().After(patience) {
			ts.Fatalf("%v: got %v and %q, want %s", args[1:], err, out, want)
		}
		<-time.After(50 * time.Millisecond)
	}
}

// hook starts a receiver that answers everything with one status, and puts its URL into
// HOOK_URL: hook 403.
func hook(ts *testscript.TestScript, _ bool, args []string) {
	status, err := strconv.Atoi(args[0])
	ts.Check(err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	ts.Defer(server.Close)
	ts.Setenv("HOOK_URL", server.URL)
}

// html starts a server that is no CouchDB.
func html(ts *testscript.TestScript, _ bool, _ []string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html><body>Sign in</body></html>")
	}))
	ts.Defer(server.Close)
	ts.Setenv("COUCHDB_URL", server.URL)
}
