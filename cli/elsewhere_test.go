package cli_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/cli"
	"watchdog/scheduler/couchtest"
	"watchdog/store/pgtest"
)

const sharedConfig = `
store: %q
http: {listen: "127.0.0.1:0"}
lease: 3s
servers: [{name: a, url: %q}, {name: b, url: %q}]
checks: [{name: all, schedule: "@every 1s", jitter: 0s}]
rules: [{name: failed, severity: critical, when: state == "failed"}]
sinks: [{name: here, terminal: {}}]
routes: [{to: [here]}]
`

// awaitText waits until two values are equal.
func awaitText(t *testing.T, what, want string, get func() string) {
	t.Helper()
	got := get()
	for patience := time.After(60 * time.Second); got != want; got = get() {
		select {
		case <-patience:
			t.Fatalf("%s:\n got %s\nwant %s", what, got, want)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// seenBy is what a replica's API says of all replications.
func seenBy(t *testing.T, url string) string {
	var list struct {
		Replications []struct {
			Server, State, Source, Error string
			DocID                        string `json:"doc_id"`
			DocsWritten                  *int64 `json:"docs_written"`
			WatchedBy                    string `json:"watched_by"`
		}
	}
	fetch(t, url+"api/v1/replications", &list)
	var lines []string
	for _, r := range list.Replications {
		r.WatchedBy = fmt.Sprint(r.WatchedBy != "")
		lines = append(lines, fmt.Sprintf("%s/%s is %s, from %s, %q, watched by somebody: %s", r.Server, r.DocID, r.State, r.Source, r.Error, r.WatchedBy))
	}
	return strings.Join(lines, "\n")
}

// Whom people ask makes no difference: each of two replicas shows the servers of both, and together
// their metrics count each thing once.
func TestReplicasShowTheSame(t *testing.T) {
	db := &pgtest.Server{}
	t.Cleanup(db.Close)
	dsn := db.Schema(t)
	first, second := couchtest.New(couchtest.Options{}), couchtest.New(couchtest.Options{})
	first.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Failed, Error: "db_not_found"})
	second.Put("_replicator", "users", couchtest.Spec{State: couchtest.Failed, Error: "unauthorized"})
	mail := second.Put("_replicator", "mail", couchtest.Spec{State: couchtest.Running})
	path := filepath.Join(t.TempDir(), "watchdog.yaml")
	if err := os.WriteFile(path, fmt.Appendf(nil, sharedConfig, dsn, serve(t, first), serve(t, second)), 0o600); err != nil {
		t.Fatal(err)
	}
	one, log, endOne := openPageOf(t, path)
	other, _, endOther := openPageOf(t, path)
	if one == "" || other == "" {
		t.Fatalf("run: the page is not open\n%s", log)
	}
	share := func(url string) string {
		text, _ := get(t.Context(), url+"metrics")
		return strings.Join(regexp.MustCompile(`(?m)^watchdog_leases\{kind="server"\} .*$|^watchdog_replicas .*$`).FindAllString(text, -1), "\n")
	}
	const fair = "watchdog_leases{kind=\"server\"} 1\nwatchdog_replicas 2"
	awaitText(t, "what the first replica holds", fair, func() string { return share(one) })
	awaitText(t, "what the second replica holds", fair, func() string { return share(other) })

	want := seenBy(t, one)
	for _, part := range []string{`a/orders is failed`, `"db_not_found"`, "b/mail is running", `"unauthorized"`} {
		awaitText(t, "the first replica shows "+part, "true", func() string { want = seenBy(t, one); return fmt.Sprint(strings.Contains(want, part)) })
	}
	awaitText(t, "what the second replica shows", want, func() string { return seenBy(t, other) })

	mail.Fail("quota exceeded")
	for _, url := range []string{one, other} {
		awaitText(t, "the failure is seen at "+url, "true", func() string {
			return fmt.Sprint(strings.Contains(seenBy(t, url), `"quota exceeded"`))
		})
	}
	for _, page := range []string{"", "replications/a/_replicator/orders", "replications/b/_replicator/mail"} {
		for _, url := range []string{one, other} {
			if code := fetch(t, url+page, nil); code != http.StatusOK {
				t.Errorf("GET /%s: got %d, want 200", page, code)
			}
		}
	}
	for _, name := range []string{`watchdog_server_up\{`, `watchdog_alerts\{`, `watchdog_queue_deliveries\{`, `watchdog_check_runs_total\{`} {
		var all []string
		for _, url := range []string{one, other} {
			text, _ := get(t.Context(), url+"metrics")
			all = append(all, regexp.MustCompile(`(?m)^`+name+`[^}]*\}`).FindAllString(text, -1)...)
		}
		if slices.Sort(all); len(all) == 0 || !strings.HasPrefix(name, "watchdog_alerts") && len(slices.Compact(slices.Clone(all))) != len(all) {
			t.Errorf("%s of two replicas: got %q, want each once", name, all)
		}
	}

	var out, said bytes.Buffer
	if code := cli.Main(t.Context(), []string{"replicas", "--config", path}, cli.IO{Stdout: &out, Stderr: &said, Env: noEnv}); code != 0 {
		t.Errorf("replicas: got exit code %d\n%s", code, &said)
	}
	line := regexp.MustCompile(`\S+-\d+-\w{6}|since \S+`)
	table := line.ReplaceAllStringFunc(regexp.MustCompile(` +`).ReplaceAllString(out.String(), " "), func(s string) string {
		if strings.HasPrefix(s, "since") {
			return "since then"
		}
		return "somebody"
	})
	wantTable := "server a somebody since then epoch N\nserver b somebody since then epoch N\nsink here somebody since then epoch N\n"
	table = regexp.MustCompile(`epoch \d+`).ReplaceAllString(table, "epoch N")
	if diff := cmp.Diff(wantTable, table); diff != "" {
		t.Errorf("replicas (-want +got):\n%s", diff)
	}
	if got := strings.Count(said.String(), " lives, there since "); got != 2 {
		t.Errorf("replicas: got %q on stderr, want a line for each", &said)
	}

	if code := endOne(); code != 0 {
		t.Errorf("run: got exit code %d, want 0", code)
	}
	awaitText(t, "what the second replica holds alone", "watchdog_leases{kind=\"server\"} 2\nwatchdog_replicas 1", func() string { return share(other) })
	if code := endOther(); code != 0 {
		t.Errorf("run: got exit code %d, want 0", code)
	}
}
