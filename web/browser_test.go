package web_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"watchdog/alert"
	"watchdog/snapshot"
)

// browser opens a headless Chromium, and keeps what it complains of.
type browser struct {
	context.Context
	mu         sync.Mutex // guards complaints
	complaints []string
}

func openBrowser(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("the page is not tried: %v", err)
		}
		t.Skip("the page is not tried: there is no Chromium; apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)
	started, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	tab, closeTab := chromedp.NewContext(started)
	t.Cleanup(func() {
		_ = chromedp.Cancel(tab) // waits until it has ended
		closeTab()
	})
	limited, done := context.WithTimeout(tab, time.Minute)
	t.Cleanup(done)
	b := &browser{Context: limited}
	chromedp.ListenTarget(limited, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			b.complain("exception: " + e.ExceptionDetails.Error())
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
				b.complain(fmt.Sprintf("console: %v", e.Args))
			}
		case *log.EventEntryAdded: // a broken policy, a file that is missing
			b.complain(fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	})
	b.run(t, runtime.Enable(), log.Enable())
	return b
}

func (b *browser) complain(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = append(b.complaints, what)
}

func (b *browser) run(t *testing.T, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(b, actions...); err != nil {
		t.Fatalf("in the browser: %v; it says %q", err, b.complaints)
	}
}

// await waits until an expression is true.
func (b *browser) await(t *testing.T, what, expression string) {
	t.Helper()
	err := chromedp.Run(b, chromedp.Poll(expression, nil, chromedp.WithPollingTimeout(15*time.Second)))
	if err != nil {
		var html string
		_ = chromedp.Run(b, chromedp.OuterHTML("body", &html))
		t.Fatalf("%s: %v; the browser says %q\n%s", what, err, b.complaints, html)
	}
}

// look makes a screenshot, in the folder that WATCHDOG_SCREENSHOTS names or among the artifacts of
// the test: go test -artifacts keeps those.
func (b *browser) look(t *testing.T, name string, width, height int64, scale float64, scheme string) {
	t.Helper()
	dir := cmp.Or(os.Getenv("WATCHDOG_SCREENSHOTS"), t.ArtifactDir())
	var picture []byte
	b.run(t,
		chromedp.EmulateViewport(width, height, chromedp.EmulateScale(scale)),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
		chromedp.CaptureScreenshot(&picture))
	if err := os.WriteFile(dir+"/"+name+".png", picture, 0o600); err != nil {
		t.Fatal(err)
	}
}

// In a real browser: an alert appears while somebody looks, what is typed filters, a button runs
// a check, a delivery is tried again, and nothing is complained of.
func TestThePageInABrowser(t *testing.T) {
	h := newHouse(t)
	h.look(at(0), nil, failing("orders"), running("users", 1200, 3))
	b := openBrowser(t)
	b.run(t, chromedp.Navigate(h.url("/")))
	b.await(t, "the feed is connected", `document.getElementById("link").classList.contains("live")`)

	fires := firing("replication-failed", "orders", alert.Critical)
	h.look(at(30), []alert.Alert{fires}, failing("orders"), running("users", 1250, 0))
	b.await(t, "the alert appears", `document.getElementById("`+fires.Fingerprint+`")?.textContent.includes("orders failed")`)
	b.await(t, "the verdict says so", `document.getElementById("verdict").textContent.includes("1 alert firing") && document.title === "(1) Watchdog"`)
	b.await(t, "it is said aloud", `document.getElementById("announce").textContent.includes("firing: orders failed")`)
	b.await(t, "what CouchDB counts is new", `document.getElementById("rows").textContent.includes("1\u202f250")`)

	b.run(t, chromedp.SendKeys(`#filter input[name=q]`, "USERS"))
	b.await(t, "the table is filtered", `document.querySelectorAll("#rows tbody tr").length === 1 && location.search.includes("q=USERS")`)
	b.run(t, chromedp.Click(`th.number a`))
	b.await(t, "the table is sorted", `document.querySelector("th.number").getAttribute("aria-sort") === "descending" && location.search.includes("q=USERS")`)
	b.run(t, chromedp.Click(`.chip.running`))
	b.await(t, "a state is chosen", `document.querySelector(".chip.running").getAttribute("aria-current") === "true"`)
	b.run(t, chromedp.Navigate(h.url("/")))
	b.await(t, "the feed is connected again", `document.getElementById("link").classList.contains("live")`)

	actInBrowser(t, h, b, fires.Fingerprint)

	b.run(t, chromedp.Click(`#server-prod form button`))
	b.await(t, "the check runs", `document.getElementById("toast").textContent === "all runs"`)
	if got := strings.Join(h.ran(), " "); got != "prod/all" {
		t.Errorf("checks that were made to run: got %s, want prod/all", got)
	}
	b.run(t, chromedp.Click(`#deliveries .dead button`))
	b.await(t, "the delivery is queued again", `!document.querySelector("#deliveries .dead")`)

	h.look(at(60), nil, running("orders", 1, 0), running("users", 1250, 0))
	b.await(t, "the alert goes", `document.getElementById("alerts").textContent.includes("Nothing is firing")`)
	if len(b.complaints) > 0 {
		t.Errorf("the browser complains: %q", b.complaints)
	}
}

// actInBrowser acknowledges an alert, silences it and ends the silence, by mouse and by keyboard.
func actInBrowser(t *testing.T, h *house, b *browser, fingerprint string) {
	t.Helper()
	card := `document.getElementById("` + fingerprint + `")`
	b.run(t, chromedp.SendKeys(`#me`, "ada\n"), chromedp.Click(`.alert form[action$="/acknowledge"] button`))
	b.await(t, "ada has the alert", card+`.textContent.includes("ada has it")`)
	b.run(t, chromedp.Click(`.alert form[action$="/unacknowledge"] button`))
	b.await(t, "nobody has it", `!`+card+`.textContent.includes("has it")`)

	b.run(t, chromedp.Focus(`.alert summary`), chromedp.KeyEvent(kb.Enter), chromedp.SendKeys(`.alert input[name=comment]`, "moving it"))
	h.look(at(31), h.alerts, failing("orders"), running("users", 1251, 0))
	b.await(t, "what is typed stays while the page changes", `document.getElementById("rows").textContent.includes("1\u202f251") && `+
		card+`.querySelector("details").open && `+card+`.querySelector("input[name=comment]").value === "moving it"`)
	b.run(t, chromedp.Click(`.alert button[value="4h"]`))
	b.await(t, "the alert says that it is muted", card+`.textContent.includes("silenced by ada until") && !`+card+`.querySelector("details").open`)
	b.await(t, "the silence is shown", `document.querySelector(".silence").textContent.includes("moving it")`)
	silence := h.standing().Silences[0]
	if got := silence.EndsAt.Sub(silence.StartsAt); got != 4*time.Hour || silence.CreatedBy != "ada" {
		t.Errorf("silence: got %v by %s, want 4 h by ada", got, silence.CreatedBy)
	}
	b.run(t, chromedp.Click(`.silence form button`))
	b.await(t, "the silence is gone", `!document.querySelector(".silence") && !`+card+`.textContent.includes("silenced by")`)

	until := time.Now().Add(3 * time.Hour).Truncate(time.Minute)
	b.run(t, chromedp.Click(`.alert summary`),
		chromedp.SetValue(`.alert input[name=ends_at]`, until.Format("2006-01-02T15:04")), chromedp.Click(`.alert .lasts button[value=""]`))
	b.await(t, "the alert is muted until then", card+`.textContent.includes("silenced by ada until")`)
	if got := h.standing().Silences[0].EndsAt; !got.Equal(until) {
		t.Errorf("the silence ends: got %v, want %v, by the clock of the one who looks", got, until)
	}
	b.run(t, chromedp.Click(`.silence form button`))
	b.await(t, "the silence has ended", `!document.querySelector(".silence")`)
}

// Twenty thousand replications are filtered while somebody types.
func TestTwentyThousandReplicationsInABrowser(t *testing.T) {
	h := newHouse(t)
	var all []*snapshot.Replication
	for i := range 20_000 {
		all = append(all, running(fmt.Sprintf("doc-%05d", i), int64(i), int64(i%7)))
	}
	h.look(at(0), nil, all...)
	b := openBrowser(t)
	b.run(t, chromedp.Navigate(h.url("/")))
	b.await(t, "the feed is connected", `document.getElementById("link").classList.contains("live")`)
	// Several times, since other programs take their share of the machine: the best says what the
	// page takes.
	took := math.Inf(1)
	for i := range 8 {
		var once float64
		b.run(t, chromedp.Evaluate(fmt.Sprintf(`new Promise((done) => {
			const begun = performance.now(), input = document.querySelector("#filter input[name=q]");
			new MutationObserver((_, o) => {
				const rows = document.querySelectorAll("#rows tbody tr");
				if (rows.length === 10 && rows[0].textContent.includes("doc-%[1]d0")) { o.disconnect(); requestAnimationFrame(() => done(performance.now() - begun)); }
			}).observe(document.getElementById("rows"), { childList: true, subtree: true, characterData: true });
			input.value = "doc-%[1]d";
			input.dispatchEvent(new Event("input", { bubbles: true }));
		})`, 1234+i), &once, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
		took = min(took, once)
	}
	t.Logf("20,000 rows filtered in %.0f ms, from a key to the picture", took)
	if took > slowdown*100 {
		t.Errorf("20,000 rows filtered: got %.0f ms, want 100 ms at most", took)
	}
}

// The screenshots that people look at, of a bad day.
func TestScreenshots(t *testing.T) {
	h := newHouse(t)
	h.badDay()
	b := openBrowser(t)
	b.run(t, chromedp.EmulateViewport(1440, 900), chromedp.Navigate(h.url("/")))
	b.await(t, "the feed is connected", `document.getElementById("link").classList.contains("live")`)
	for _, scheme := range []string{"light", "dark"} {
		b.look(t, "wide-"+scheme, 1440, 1100, 1, scheme)
		b.look(t, "narrow-"+scheme, 360, 1500, 2, scheme)
		b.look(t, "4k-"+scheme, 3840, 2160, 1, scheme)
	}
	b.run(t, chromedp.Click(`.alert:not(.muted) summary`), chromedp.Click(`#silence-new summary`))
	for _, scheme := range []string{"light", "dark"} {
		b.look(t, "acting-wide-"+scheme, 1440, 1400, 1, scheme)
		b.look(t, "acting-narrow-"+scheme, 360, 1200, 2, scheme)
	}
	h.accessible(t, b)
	for _, width := range []int64{360, 720, 1180, 1440, 3840} {
		var over float64
		b.run(t, chromedp.EmulateViewport(width, 900), chromedp.Evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`, &over))
		if over > 0 {
			t.Errorf("a window of %d px: the page is %v px wider", width, over)
		}
	}
}

// accessible asks axe-core, where WATCHDOG_AXE names its axe.min.js: npm pack axe-core.
func (h *house) accessible(t *testing.T, b *browser) {
	t.Helper()
	path := os.Getenv("WATCHDOG_AXE")
	if path == "" {
		if os.Getenv("CI") != "" {
			t.Error("accessibility is not tried: WATCHDOG_AXE does not name the axe.min.js of npm's axe-core")
		}
		return
	}
	axe, err := os.ReadFile(path)
	h.must(err)
	b.run(t, chromedp.Evaluate(string(axe)+"; 0", nil))
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{360, 1440, 3840} {
			var violations []string
			b.run(t,
				chromedp.EmulateViewport(width, 900),
				emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
				chromedp.Evaluate(`axe.run({ resultTypes: ["violations"] }).then((r) => r.violations.map((v) => v.id + ": " + v.help + " " + v.nodes.map((n) => n.html).slice(0, 3).join(" | ")))`,
					&violations, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
			for _, v := range violations {
				t.Errorf("axe-core, %s, %d px: %s", scheme, width, v)
			}
		}
	}
}
