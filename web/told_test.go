package web_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"watchdog/alert"
	"watchdog/notify"
	"watchdog/outbox"
	"watchdog/secret"
	"watchdog/web"
	"watchdog/web/gate"
)

// What needs attention is seen first; all that was told can be read page by page.
func TestDeliveriesOfThePage(t *testing.T) {
	h := newHouse(t)
	var want []string
	for i := range 45 {
		id := fmt.Sprintf("dlv_%02d", i)
		h.say(id, "oncall", "same")
		h.must(h.store.Note(t.Context(), outbox.Sent(id, at(i), nil)))
		want = append([]string{id}, want...)
	}
	want = append(want, "dlv_dead", "dlv_waits", "dlv_sent")
	read := func(path string) (ids []string, older string) {
		_, body := h.ask(http.MethodGet, path)
		for _, m := range regexp.MustCompile(`class="delivery [a-z]+" id="([^"]+)"`).FindAllStringSubmatch(string(body), -1) {
			ids = append(ids, m[1])
		}
		if m := regexp.MustCompile(`href="([^"]*)" data-nav rel="next">older`).FindStringSubmatch(string(body)); m != nil {
			older = strings.ReplaceAll(m[1], "&amp;", "&")
		}
		return ids, older
	}
	first, next := read("/?q=x")
	if len(first) != 20 || first[0] != "dlv_dead" || first[1] != "dlv_waits" || first[2] != "dlv_44" {
		t.Errorf("first view: got %v, want 20, the dead and the waiting first", first)
	}
	if !strings.HasPrefix(next, "/?") || !strings.Contains(next, "q=x") {
		t.Errorf("link to older ones: got %q, want one that keeps the filter", next)
	}
	var all []string
	for next != "" {
		var ids []string
		ids, next = read(next)
		all = append(all, ids...)
	}
	if got, want := strings.Join(all, " "), strings.Join(want, " "); got != want {
		t.Errorf("all pages: got %s, want %s", got, want)
	}
}

// Whoever looks sees who has what, what is muted and why, and until when; and which config it is.
func TestThePageSaysWhatPeopleSaid(t *testing.T) {
	h := newHouse(t)
	h.badDay()
	_, body := h.ask(http.MethodGet, "/")
	page := string(body)
	for _, want := range []string{
		"grace has it", "silenced by ada until", "doc_id=*-to-archive rule=replication-failed", "the archive moves to another host",
		"by ada, ends", "window <b>backup</b>", "closes <time", "window <b>weekend</b>", "opens <time", "/etc/watchdog/watchdog.yaml",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("page: got no %q", want)
		}
	}
	if muted, loud := strings.Index(page, "catalogue-to-archive failed"), strings.Index(page, "invoices-to-warehouse crashed"); muted < loud {
		t.Error("page: what is muted stands before what is not")
	}
	h.web.ConfigRefused(fmt.Errorf("watchdog.yaml:1:1: what is this"))
	_, body = h.ask(http.MethodGet, "/")
	if got := strings.Count(string(body), "watchdog.yaml:1:1: what is this"); got != 2 {
		t.Errorf("page: the mistake in the config stands there %d times, want 2", got)
	}
	if got := h.get("/api/v1/status")["config"].(map[string]any)["error"]; got != "watchdog.yaml:1:1: what is this" {
		t.Errorf("status: got error %v, want the mistake", got)
	}
}

// A card of the page silences what it shows and nothing else, however a document is named.
func TestACardSilencesItsOwnAlertOnly(t *testing.T) {
	h := newHouse(t)
	odd, other := firing("r*", `a*?\"<b>`, alert.Critical), firing("r*", `a*X\"<b>`, alert.Critical)
	h.look(at(0), []alert.Alert{odd, other}, failing("a"))
	_, body := h.ask(http.MethodGet, "/")
	card := string(body)[strings.Index(string(body), `id="`+odd.Fingerprint+`"`):]
	match := map[string][]string{}
	unescape := strings.NewReplacer("&#34;", `"`, "&lt;", "<", "&gt;", ">", "&amp;", "&")
	for _, m := range regexp.MustCompile(`name="match\.([a-z_]+)" value="([^"]*)"`).FindAllStringSubmatch(card[:strings.Index(card, "</form>\n          <form")], -1) {
		match[m[1]] = []string{unescape.Replace(m[2])}
	}
	silence := notify.Silence{Match: match, EndsAt: time.Now().Add(time.Hour)}
	h.must(h.store.PutSilence(t.Context(), &silence))
	for _, listed := range h.list([]alert.Alert{odd, other}) {
		if muted, want := len(listed.MutedBy) > 0, listed.Fingerprint == odd.Fingerprint; muted != want {
			t.Errorf("%s, silenced by %v: muted is %t, want %t", listed.DocID, match, muted, want)
		}
	}
}

// Who came in by name need not say who it is.
func TestThePageKnowsItsUser(t *testing.T) {
	h := newHouseWith(t, web.Options{Settings: web.Settings{Gate: gate.Spec{Auth: gate.Auth{Basic: &gate.Basic{Username: "ops", Password: secret.String("pass")}}}}})
	h.look(at(0), []alert.Alert{firing("failed", "orders", alert.Critical)}, failing("orders"))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	h.must(err)
	r.SetBasicAuth("ops", "pass")
	_, body := h.ask(http.MethodGet, "/", "Authorization", r.Header.Get("Authorization"))
	if page := string(body); !strings.Contains(page, "You are ops") || strings.Contains(page, "Your name") || strings.Contains(page, `id="me"`) {
		t.Errorf("page of a user: got one that asks who it is, or does not know")
	}
}
