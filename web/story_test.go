package web_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/history"
	"watchdog/notify"
	"watchdog/rules"
	"watchdog/snapshot"
	"watchdog/web"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// explain is what the rules make of a replication in all tests.
func explain(_ context.Context, of alert.Subject, _ *snapshot.Replication, _ time.Time, alerts []alert.Alert) ([]web.Explained, error) {
	since := at(0)
	failed := rules.Explanation{
		Rule: "replication-failed", Severity: alert.Critical, When: "false",
		Parts: []rules.PartValue{{Field: "when", Text: `state == "failed"`, Value: "false"}},
	}
	for _, a := range alerts {
		if a.Subject() == of && a.Rule == failed.Rule {
			failed.When, failed.Status, failed.Since, failed.Parts[0].Value = "true", a.Status, &since, "true"
		}
	}
	stalled := rules.Explanation{
		Rule: "replication-stalled", Severity: alert.Warning, When: "unknown",
		Parts: []rules.PartValue{{Field: "when", Text: `stalled("docs_written", "10m")`, Value: "unknown", Why: "it has not been seen for its whole window"}},
	}
	return []web.Explained{
		{Explanation: failed, Tells: []notify.Destination{{Route: 1, Sink: "oncall"}, {Route: 1, Sink: "hook"}}},
		{Explanation: stalled, Tells: []notify.Destination{}, MutedBy: "the window night"},
	}, nil
}

// lived keeps two hours of a replication's life, of which half an hour was not seen, and shows it
// crashing at last.
func (h *house) lived(doc string) {
	h.t.Helper()
	key := snapshot.Key{Database: "_replicator", DocID: doc}
	var points []history.Point
	written, waits := int64(40_000), int64(9000)
	begin := time.Now().UTC().Truncate(10 * time.Minute).Add(-2 * time.Hour)
	for i := range 240 {
		if i >= 100 && i < 160 {
			continue
		}
		r := running(doc, written, max(waits, 0))
		r.DocsRead, r.RevisionsChecked = written+written/10, 2*written
		r.Known = r.Known.With(snapshot.FieldDocsRead, snapshot.FieldRevisionsChecked, snapshot.FieldDocWriteFailures)
		points = append(points, history.NewPoint(begin.Add(time.Duration(i)*30*time.Second), r))
		written += int64(200 + 150*(i*i%7) - i%50)
		waits -= int64(60 - i*i%41*4)
	}
	minute := func(n int) time.Time { return begin.Add(time.Duration(n) * time.Minute) }
	became := func(n int, state snapshot.State, err string) history.Event {
		return history.Event{At: minute(n), Kind: history.State, State: state, Error: err}
	}
	const timeout = `{shutdown,{error,"timeout"}}: no answer of https://b.example.com/ for 30000 ms`
	h.must(h.store.KeepHistory(h.t.Context(), &history.Batch{
		Server: "prod",
		Looks:  []history.Span{{Begin: begin, End: minute(50)}, {Begin: minute(80), End: minute(120)}},
		Rows: []history.Row{{
			Remembered: history.Remembered{Key: key, State: snapshot.Crashing}, Points: history.Pack(points), Begin: points[0].At(),
			Events: []history.Event{
				became(0, snapshot.Running, ""),
				{At: minute(88), Kind: history.Crash, Error: timeout},
				became(88, snapshot.Crashing, timeout),
				became(92, snapshot.Running, ""), became(100, snapshot.Pending, ""), became(103, snapshot.Running, ""),
				{At: minute(116), Kind: history.Crash, Error: timeout},
				became(116, snapshot.Crashing, timeout),
			},
		}},
	}))
	crash := running(doc, written, max(waits, 0))
	crash.State, crash.Error, crash.ErrorCount = snapshot.Crashing, timeout, 2
	crash.Known = crash.Known.With(snapshot.FieldError, snapshot.FieldErrorCount)
	h.look(minute(120), []alert.Alert{firing("replication-failed", doc, alert.Critical)}, crash, running("users", 1200, 3))
}

func TestAStorySaysWhatIsKnown(t *testing.T) {
	h := newHouse(t)
	h.lived("orders")
	fires := firing("replication-failed", "orders", alert.Critical)
	if resp, body := h.send(http.MethodPut, "/api/v1/alerts/"+fires.Fingerprint+"/ack", `{"by": "ada"}`, "Content-Type", "application/json"); resp.StatusCode >= 300 {
		t.Fatalf("acknowledge: got %d %s", resp.StatusCode, body)
	}
	_, body := h.ask(http.MethodGet, "/replications/prod/_replicator/orders")
	page := string(body)
	for name, want := range map[string]string{
		"its state":                            `<span class="state crashing">crashing</span>`,
		"its error":                            "no answer of https://b.example.com/ for 30000 ms",
		"who has it":                           "ada has it",
		"its alert":                            "orders failed and will not be tried again",
		"when it crashed":                      "2 crash events",
		"a range":                              `href="/replications/prod/_replicator/orders?range=90d"`,
		"what nobody saw":                      `class="gap"`,
		"why a rule fires":                     `state == &#34;failed&#34;`,
		"why a rule does not":                  "it has not been seen for its whole window",
		"whom it would tell":                   "would tell oncall, by route 1; would tell hook, by route 1.",
		"why nobody is told":                   "Would tell nobody: the window night.",
		"what was told, to whom":               "<b>hook</b> dead",
		"what the sink answered":               "hook answered 410 Gone",
		"the same as a table":                  `<caption class="hidden">Documents, the highest from each time on</caption>`,
		"what a chart shows, for who hears it": `<desc id="documents-desc">From `,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%s: got no %s", name, want)
		}
	}
	for _, never := range []string{"style=", "onclick", "<script>", `src="https:`} {
		if strings.Contains(page, never) {
			t.Errorf("page: got %s", never)
		}
	}
}

func TestStoriesOfOddNames(t *testing.T) {
	h := newHouse(t)
	names := []string{"a/b", "50%", "a+b c", "ünïcödé ✗", "?x=1#y", `"><script>`, "a%2Fb", "..x"}
	var all []*snapshot.Replication
	for _, name := range names {
		r := running(name, 1, 1)
		r.Database = "team/_replicator"
		all = append(all, r)
	}
	h.look(at(0), nil, all...)
	_, body := h.ask(http.MethodGet, "/")
	links := regexp.MustCompile(`href="(/replications/[^"]+)"`).FindAllStringSubmatch(string(body), -1)
	if len(links) != len(names) {
		t.Fatalf("links to stories: got %d, want %d", len(links), len(names))
	}
	told := map[string]bool{}
	for _, link := range links {
		resp, body := h.ask(http.MethodGet, strings.ReplaceAll(link[1], "&#43;", "+"))
		title := regexp.MustCompile(`<h1 id="about-title">([^<]*)</h1>`).FindStringSubmatch(string(body))
		if resp.StatusCode != http.StatusOK || title == nil {
			t.Errorf("GET %s: got %d", link[1], resp.StatusCode)
			continue
		}
		told[title[1]] = true
	}
	for _, want := range []string{"a/b", "50%", "a&#43;b c", "ünïcödé ✗", "?x=1#y", "&#34;&gt;&lt;script&gt;", "a%2Fb", "..x"} {
		if !told[want] {
			t.Errorf("stories: got %v, want %s", told, want)
		}
	}
}

func TestWhatHasNoStory(t *testing.T) {
	h := newHouse(t)
	h.look(at(0), nil, running("users", 1, 1))
	for path, status := range map[string]int{
		"/replications/prod/_replicator/users":                        http.StatusOK,
		"/replications/prod/_replicator/users?range=7d":               http.StatusOK,
		"/replications/prod/_replicator/users?range=2d":               http.StatusBadRequest,
		"/replications/prod/_replicator/nobody":                       http.StatusNotFound,
		"/replications/nowhere/_replicator/users":                     http.StatusNotFound,
		"/api/v1/replications/prod/_replicator/nobody/history":        http.StatusNotFound,
		"/api/v1/replications/prod/_replicator/users/history?since=9": http.StatusBadRequest,
	} {
		if resp, body := h.ask(http.MethodGet, path); resp.StatusCode != status {
			t.Errorf("GET %s: got %d, want %d: %s", path, resp.StatusCode, status, body[:min(len(body), 200)])
		}
	}
}

func TestHistoryOverTheAPI(t *testing.T) {
	h := newHouse(t)
	h.lived("team/a b%")
	got := h.get("/api/v1/replications/prod/_replicator/" + url.PathEscape("team/a b%") + "/history?since=" + at(-60).Format(time.RFC3339))
	points, events, seen := got["points"].([]any), got["events"].([]any), got["seen"].([]any)
	if len(points) != 180 || len(events) != 8 || len(seen) != 2 || got["doc_id"] != "team/a b%" {
		t.Errorf("history: got %d points, %d events, %d spans of %v, want 180, 8, 2", len(points), len(events), len(seen), got["doc_id"])
	}
	first := points[0].(map[string]any)
	if first["docs_written"] != float64(40_000) || first["doc_write_failures"] != float64(0) {
		t.Errorf("the first point: got %v", first)
	}
}

// The pictures are drawn as the golden files have them: their times are those of the test.
func TestPicturesOfAStory(t *testing.T) {
	h := newHouse(t)
	h.lived("orders")
	for _, name := range []string{"1h", "6h"} {
		_, body := h.ask(http.MethodGet, "/replications/prod/_replicator/orders?range="+name)
		var pictures strings.Builder
		clock := regexp.MustCompile(`(\d{4}-\d\d-\d\d )?\b\d\d:\d\d(:\d\d)?\b`)
		for _, svg := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(string(body), -1) {
			pictures.WriteString(strings.ReplaceAll(clock.ReplaceAllString(svg, "TIME"), "><", ">\n<") + "\n")
		}
		file := "testdata/story-" + name + ".golden"
		if *update {
			h.must(os.WriteFile(file, []byte(pictures.String()), 0o600))
		}
		want, err := os.ReadFile(file)
		h.must(err)
		if diff := cmp.Diff(string(want), pictures.String()); diff != "" {
			t.Errorf("pictures of %s (-want +got):\n%s", name, diff)
		}
	}
}

func TestARowHasItsLastHourAsALine(t *testing.T) {
	h := newHouse(t)
	h.lived("orders")
	_, body := h.ask(http.MethodGet, "/")
	if got := strings.Count(string(body), `<svg class="spark"`); got != 2 {
		t.Errorf("lines: got %d, want 2: documents written and changes pending of orders", got)
	}
}

// The first view of 20,000 replications that all moved for an hour is below 100 kB over the wire,
// the lines of its rows included.
func TestTheFirstViewWithLinesIsSmall(t *testing.T) {
	h := newHouse(t)
	begin, chance := time.Now().UTC().Truncate(time.Minute).Add(-time.Hour), rand.New(rand.NewPCG(1, 2))
	var all []*snapshot.Replication
	var rows []history.Row
	for i := range 20_000 {
		r := running(fmt.Sprintf("replication-of-department-%05d", i), int64(i), int64(i))
		if all = append(all, r); i >= 100 {
			continue
		}
		row := history.Row{Remembered: history.Remembered{Key: r.Key, State: r.State}, Begin: begin}
		var points []history.Point
		written := int64(0)
		for j := range 120 {
			written += chance.Int64N(10_000)
			moved := running(r.DocID, written, chance.Int64N(10_000))
			points = append(points, history.NewPoint(begin.Add(time.Duration(j)*30*time.Second), moved))
		}
		row.Points = history.Pack(points)
		rows = append(rows, row)
	}
	h.must(h.store.KeepHistory(t.Context(), &history.Batch{
		Server: "prod", Rows: rows, Looks: []history.Span{{Begin: begin, End: begin.Add(time.Hour)}},
	}))
	h.look(at(7200), nil, all...)
	total := 0
	for _, path := range []string{"/", "/assets/page.css", "/assets/page.js", "/assets/icon.svg"} {
		begun := time.Now()
		_, body := h.ask(http.MethodGet, path, "Accept-Encoding", "gzip")
		t.Logf("%s: %d bytes, %v", path, len(body), time.Since(begun).Round(time.Millisecond))
		total += len(body)
	}
	if total > 100_000 {
		t.Errorf("first view: got %d bytes, want 100 kB at most", total)
	}
	_, body := h.ask(http.MethodGet, "/")
	if got := strings.Count(string(body), `<svg class="spark"`); got != 200 {
		t.Errorf("lines: got %d, want 200", got)
	}
}
