package web_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"watchdog/alert"
)

// In a real browser: a row leads to its story, which stays up to date and keeps open what was
// opened; other ranges are a click away, and nothing is complained of.
func TestAStoryInABrowser(t *testing.T) {
	h := newHouse(t)
	h.lived("orders")
	b := openBrowser(t)
	b.run(t, chromedp.EmulateViewport(1440, 900), chromedp.Navigate(h.url("/")), chromedp.Click(`#rows .c-name a[href$="/orders"]`), chromedp.WaitVisible(`#about-title`))
	b.await(t, "the story is live", `document.querySelector("h1").textContent === "orders" && document.getElementById("link").classList.contains("live")`)

	b.run(t, chromedp.Click(`#chart-documents summary`))
	h.look(at(7200), []alert.Alert{}, running("orders", 1, 0))
	b.await(t, "its state is new", `document.querySelector("#about .state").textContent === "running"`)
	b.await(t, "the table stays open", `document.querySelector("#chart-documents details").open`)
	b.run(t, chromedp.Click(`#ranges a:nth-child(3)`))
	b.await(t, "another range is shown", `location.search === "?range=24h" && document.querySelector("#chart-documents svg").getAttribute("viewBox") === "0 0 144 100"`)
	if len(b.complaints) > 0 {
		t.Errorf("the browser complains: %q", b.complaints)
	}
}

// The screenshots of a story that people look at.
func TestScreenshotsOfAStory(t *testing.T) {
	h := newHouse(t)
	h.lived("orders")
	b := openBrowser(t)
	b.run(t, chromedp.EmulateViewport(1440, 900), chromedp.Navigate(h.url("/replications/prod/_replicator/orders?range=6h")))
	b.await(t, "the story is live", `document.getElementById("link").classList.contains("live")`)
	for _, scheme := range []string{"light", "dark"} {
		b.look(t, "story-wide-"+scheme, 1440, 1500, 1, scheme)
		b.look(t, "story-narrow-"+scheme, 360, 2600, 2, scheme)
		b.look(t, "story-4k-"+scheme, 3840, 2160, 1, scheme)
	}
	h.accessible(t, b)
	for _, width := range []int64{360, 720, 1180, 1440, 3840} {
		var over float64
		b.run(t, chromedp.EmulateViewport(width, 900), chromedp.Evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`, &over))
		if over > 0 {
			t.Errorf("a window of %d px: the story is %v px wider", width, over)
		}
	}
}
