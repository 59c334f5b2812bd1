package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/alert"
	"watchdog/notify"
	"watchdog/secret"
	"watchdog/web"
	"watchdog/web/gate"
)

const asJSON = "application/json"

// want sends a body of JSON and decodes the answer, which has a status.
func (h *house) want(status int, method, path, body string, header ...string) map[string]any {
	h.t.Helper()
	resp, got := h.send(method, path, body, append([]string{"Content-Type", asJSON}, header...)...)
	if resp.StatusCode != status {
		h.t.Errorf("%s %s: got %d %s, want %d", method, path, resp.StatusCode, got, status)
	}
	answer := map[string]any{}
	if err := json.Unmarshal(got, &answer); err != nil {
		h.t.Fatalf("%s %s: %v: %s", method, path, err, got)
	}
	return answer
}

func (h *house) standing() *notify.Standing {
	h.t.Helper()
	standing, err := h.store.Standing(h.t.Context(), time.Now())
	h.must(err)
	return standing
}

func TestASilenceIsMadeListedAndEnded(t *testing.T) {
	h := newHouse(t)
	h.look(at(0), []alert.Alert{firing("failed", "orders", alert.Critical)}, failing("orders"))
	made := h.want(201, "POST", "/api/v1/silences", `{"match": {"doc_id": ["orders"]}, "for": "90m", "created_by": "ada", "comment": "moving it"}`)
	listed := h.get("/api/v1/silences")["silences"].([]any)
	if diff := cmp.Diff([]any{made}, listed); diff != "" {
		t.Errorf("silences (-made +listed):\n%s", diff)
	}
	kept := h.standing().Silences
	if len(kept) != 1 || kept[0].EndsAt.Sub(kept[0].StartsAt) != 90*time.Minute || kept[0].CreatedBy != "ada" || kept[0].Comment != "moving it" {
		t.Fatalf("silences: got %+v, want one by ada of 90 minutes", kept)
	}
	muted := h.get("/api/v1/alerts")["alerts"].([]any)[0].(map[string]any)["muted_by"].([]any)
	if got := fmt.Sprint(muted...); !strings.HasPrefix(got, "silenced by ada until") {
		t.Errorf("muted_by: got %s, want silenced by ada until …", got)
	}
	id := made["id"].(string)
	first := h.want(200, "DELETE", "/api/v1/silences/"+id, "")
	if diff := cmp.Diff(first, h.want(200, "DELETE", "/api/v1/silences/"+id, "")); diff != "" {
		t.Errorf("ended twice (-first +second):\n%s", diff)
	}
	if got := h.standing().Silences; len(got) != 0 {
		t.Errorf("silences after the end: got %+v, want none", got)
	}
	h.want(404, "DELETE", "/api/v1/silences/sil_none", "")
}

func TestAnAlertIsAcknowledged(t *testing.T) {
	h := newHouse(t)
	fires, waits := firing("failed", "orders", alert.Critical), firing("slow", "users", alert.Info)
	waits.Status = alert.StatusPending
	h.look(at(0), []alert.Alert{fires, waits}, failing("orders"))
	path := "/api/v1/alerts/" + fires.Fingerprint + "/ack"
	first := h.want(200, "PUT", path, `{"by": "ada"}`)
	if diff := cmp.Diff(first, h.want(200, "PUT", path, `{"by": "ada"}`)); diff != "" {
		t.Errorf("acknowledged twice by the same (-first +second):\n%s", diff)
	}
	if got := h.get("/api/v1/alerts")["alerts"].([]any)[0].(map[string]any)["acked_by"]; got != "ada" {
		t.Errorf("acked_by: got %v, want ada", got)
	}
	h.want(200, "PUT", path, `{"by": "bob", "comment": "mine"}`)
	if got := h.standing().Acks[fires.Fingerprint].By; got != "bob" {
		t.Errorf("who has it: got %q, want bob", got)
	}
	for range 2 {
		h.want(200, "DELETE", path, "")
	}
	if got := h.standing().Acks; len(got) != 0 {
		t.Errorf("acknowledgements after taking it back: got %v, want none", got)
	}
	h.want(404, "PUT", "/api/v1/alerts/none/ack", `{}`)
	h.want(404, "DELETE", "/api/v1/alerts/none/ack", "")
	h.want(409, "PUT", "/api/v1/alerts/"+waits.Fingerprint+"/ack", `{}`)
}

// A user who came in by name and password is the author, whatever the request says; a token has
// no name.
func TestTheAuthor(t *testing.T) {
	basic := gate.Auth{Basic: &gate.Basic{Username: "ops", Password: secret.String("pass")}}
	bearer := gate.Auth{Bearer: secret.String("t0ken")}
	as := func(user, password string) []string {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.SetBasicAuth(user, password)
		return []string{"Authorization", r.Header.Get("Authorization")}
	}
	for _, tt := range []struct {
		name   string
		auth   gate.Auth
		header []string
		says   string
		want   string
	}{
		{"nobody had to come in, and nobody says who it is", gate.Auth{}, nil, "", "somebody"},
		{"nobody had to come in", gate.Auth{}, nil, " ada ", "ada"},
		{"the user", basic, as("ops", "pass"), "", "ops"},
		{"the user, who says to be another", basic, as("ops", "pass"), "ada", "ops"},
		{"the token", bearer, []string{"Authorization", "Bearer t0ken"}, "ada", "ada"},
		{"the token as a password", bearer, as("bob", "t0ken"), "", "bob"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouseWith(t, web.Options{Settings: web.Settings{Gate: gate.Spec{Auth: tt.auth}}})
			made := h.want(201, "POST", "/api/v1/silences", fmt.Sprintf(`{"match": {"rule": ["x"]}, "for": "1h", "created_by": %q}`, tt.says), tt.header...)
			if made["created_by"] != tt.want {
				t.Errorf("created_by: got %v, want %s", made["created_by"], tt.want)
			}
		})
	}
}

func TestWhatIsSentWrongNamesTheField(t *testing.T) {
	h := newHouse(t)
	long := strings.Repeat("x", 1001)
	for _, tt := range []struct {
		name, body string
		status     int
		fields     string
		detail     string
	}{
		{"no body", ``, 400, "", "the body is not the JSON that belongs here: EOF"},
		{"not JSON", `match=x`, 400, "", "the body is not the JSON that belongs here: invalid character 'm' looking for beginning of value"},
		{"more than one value", `{} {}`, 400, "", "the body is not the JSON that belongs here: there is more behind the value"},
		{"a field that is not there", `{"matches": {}}`, 422, "matches", "matches: there is no such field"},
		{"a field of another type", `{"match": ["x"]}`, 422, "match", "match: it cannot be of this kind: array"},
		{"nothing", `{}`, 422, "match ends_at", "match: a silence of everything would hide everything; ends_at: a silence needs an end"},
		{"a label that matches nothing", `{"match": {"rule": []}, "for": "1h"}`, 422, "match.rule", "match.rule: it has 0 globs, and 1 to 32 are allowed"},
		{"two ends", `{"match": {"rule": ["x"]}, "for": "1h", "ends_at": "2100-01-01T00:00:00Z"}`, 422, "for", "for: for and ends_at both say when it ends"},
		{"no duration", `{"match": {"rule": ["x"]}, "for": "soon"}`, 422, "for", `for: "soon" is not a duration`},
		{"an end that has passed", `{"match": {"rule": ["x"]}, "ends_at": "2000-01-01T00:00:00Z"}`, 422, "ends_at", "ends_at: it would end before it mutes anything"},
		{"a negative duration", `{"match": {"rule": ["x"]}, "for": "-1h"}`, 422, "ends_at", "ends_at: it would end before it mutes anything"},
		{"for ever", `{"match": {"rule": ["x"]}, "for": "20000h"}`, 422, "ends_at", "ends_at: a silence lasts a year at most"},
		{"a novel", `{"match": {"rule": ["x"]}, "for": "1h", "comment": "` + long + `"}`, 422, "comment", "comment: it may have 1000 characters"},
		{"a body that is too long", `{"comment": "` + strings.Repeat(long, 70) + `"}`, 413, "", "a body may have 65536 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer := h.want(tt.status, "POST", "/api/v1/silences", tt.body)
			var fields []string
			errors, _ := answer["errors"].([]any)
			for _, one := range errors {
				fields = append(fields, one.(map[string]any)["field"].(string))
			}
			if got := strings.Join(fields, " "); got != tt.fields || answer["detail"] != tt.detail {
				t.Errorf("got fields %q and %q, want %q and %q", got, answer["detail"], tt.fields, tt.detail)
			}
		})
	}
	if got := h.standing().Silences; len(got) != 0 {
		t.Errorf("silences after mistakes: got %+v, want none", got)
	}
}

// writes are all that changes something: for programs, and for forms of the page.
func (h *house) writes(fingerprint string) map[string]string {
	silence := `{"match": {"rule": ["x"]}, "for": "1h"}`
	return map[string]string{
		"POST /api/v1/checks/prod/all/run":              "",
		"POST /api/v1/deliveries/dlv_dead/retry":        "",
		"POST /api/v1/reload":                           "",
		"POST /api/v1/silences":                         silence,
		"DELETE /api/v1/silences/sil_1":                 "",
		"PUT /api/v1/alerts/" + fingerprint + "/ack":    `{}`,
		"DELETE /api/v1/alerts/" + fingerprint + "/ack": "",

		"POST /act/checks/prod/all/run":                      "",
		"POST /act/deliveries/dlv_dead/retry":                "",
		"POST /act/silences":                                 "match.rule=x&for=1h",
		"POST /act/silences/sil_1/expire":                    "",
		"POST /act/alerts/" + fingerprint + "/acknowledge":   "",
		"POST /act/alerts/" + fingerprint + "/unacknowledge": "",
	}
}

// No site but this one makes a browser write, with credentials or without; no type of content
// that a form can send gets JSON in; and without credentials nobody writes.
func TestWritesOfOthersAreRefused(t *testing.T) {
	h := newHouseWith(t, web.Options{Settings: web.Settings{Gate: gate.Spec{Auth: gate.Auth{Bearer: secret.String("t0ken")}}}})
	fires := firing("failed", "orders", alert.Critical)
	h.look(at(0), []alert.Alert{fires}, failing("orders"))
	h.must(h.store.PutSilence(t.Context(), &notify.Silence{ID: "sil_1", Match: map[string][]string{"rule": {"x"}}, EndsAt: time.Now().Add(time.Hour)}))
	token := []string{"Authorization", "Bearer t0ken"}
	for write, body := range h.writes(fires.Fingerprint) {
		method, path, _ := strings.Cut(write, " ")
		kind := asJSON
		if strings.HasPrefix(path, "/act/") {
			kind = "application/x-www-form-urlencoded"
		}
		for _, tt := range []struct {
			name   string
			status int
			header []string
		}{
			{"without credentials", 401, []string{"Content-Type", kind}},
			{"of another site", 403, append([]string{"Content-Type", kind, "Sec-Fetch-Site", "cross-site"}, token...)},
			{"of another site, as plain text", 403, append([]string{"Content-Type", "text/plain", "Sec-Fetch-Site", "cross-site"}, token...)},
			{"of a neighbour", 403, append([]string{"Content-Type", kind, "Sec-Fetch-Site", "same-site"}, token...)},
			{"of an old browser", 403, append([]string{"Content-Type", kind, "Origin", "https://evil.example"}, token...)},
			{"of a page without an origin", 403, append([]string{"Content-Type", kind, "Origin", "null"}, token...)},
		} {
			if resp, got := h.send(method, path, body, tt.header...); resp.StatusCode != tt.status {
				t.Errorf("%s %s: got %d %s, want %d", write, tt.name, resp.StatusCode, got, tt.status)
			}
		}
		if body == "" {
			continue
		}
		for _, other := range []string{"", "text/plain", "multipart/form-data; boundary=x", "application/json; charset", "application/jsonx"} {
			if resp, got := h.send(method, path, body, append([]string{"Content-Type", other}, token...)...); resp.StatusCode != http.StatusUnsupportedMediaType {
				t.Errorf("%s as %q: got %d %s, want 415", write, other, resp.StatusCode, got)
			}
		}
	}
	if got := h.standing(); len(got.Silences) != 1 || len(got.Acks) != 0 || len(h.ran()) != 0 {
		t.Errorf("after all that was refused: got %+v and runs of %v, want nothing done", got, h.ran())
	}
}

// A form of the page does what the API does, and leads back to where it stands in a browser that
// runs no script; what does not work is said.
func TestAFormWithoutScriptLeadsBackToThePage(t *testing.T) {
	h := newHouse(t)
	fires := firing("failed", "orders", alert.Critical)
	h.look(at(0), []alert.Alert{fires}, failing("orders"))
	html := []string{"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html,*/*"}
	from := func(page string) []string { return append([]string{"Referer", page}, html...) }
	silence := url.Values{"match.rule": {"failed"}, "match.doc_id": {"orders"}, "ends_at": {"2100-01-01T10:30"}, "for": {"1h"}, "comment": {"moving it"}}.Encode()
	until := url.Values{"match.rule": {"failed"}, "ends_at": {time.Now().UTC().Add(2 * time.Hour).Format("2006-01-02T15:04")}, "for": {""}}.Encode()
	for _, tt := range []struct {
		name, path, body string
		header           []string
		status           int
		location         string
	}{
		{"a check", "/act/checks/prod/all/run", "", from(h.url("/?q=x&state=failed")), 303, "/?q=x&state=failed"},
		{"a silence for an hour", "/act/silences", silence, from(h.url("/")), 303, "/"},
		{"a silence until a time", "/act/silences", until, from(h.url("/")), 303, "/"},
		{"an acknowledgement", "/act/alerts/" + fires.Fingerprint + "/acknowledge", "by=ada", html, 303, "/"},
		{"from another site", "/act/deliveries/dlv_dead/retry", "", from("https://evil.example/x"), 303, "/"},
		{"an address that looks like one of ours", "/act/checks/prod/all/run", "", from(h.url("//evil.example/x")), 303, "/"},
		{"a mistake", "/act/silences", "match.rule=failed", from(h.url("/?q=a")), 422, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := h.send("POST", tt.path, tt.body, tt.header...)
			if resp.StatusCode != tt.status || resp.Header.Get("Location") != tt.location {
				t.Fatalf("POST: got %d to %q, want %d to %q\n%s", resp.StatusCode, resp.Header.Get("Location"), tt.status, tt.location, body)
			}
			if page := string(body); tt.status != 303 && (!strings.Contains(page, "<b>ends_at</b>: a silence needs an end") || !strings.Contains(page, `href="/?q=a"`)) {
				t.Errorf("the page that says so: got %s", page)
			}
		})
	}
	standing := h.standing()
	if len(standing.Silences) != 2 || standing.Acks[fires.Fingerprint].By != "ada" {
		t.Fatalf("standing: got %+v, want two silences, and ada has the alert", standing)
	}
	hour := standing.Silences[0]
	if diff := cmp.Diff(map[string][]string{"rule": {"failed"}, "doc_id": {"orders"}}, hour.Match); diff != "" || hour.EndsAt.Sub(hour.StartsAt) != time.Hour {
		t.Errorf("the silence for an hour lasts %v, and (-want +got):\n%s", hour.EndsAt.Sub(hour.StartsAt), diff)
	}
}

// What is written is said to all that listen.
func TestWhatPeopleSayIsStreamed(t *testing.T) {
	h := newHouse(t)
	in := listener(t, h)
	h.want(201, "POST", "/api/v1/silences", `{"match": {"rule": ["x"]}, "for": "1h", "created_by": "ada"}`)
	for line := ""; !strings.HasPrefix(line, `data: {"kind":"silence","by":"ada"}`); {
		var err error
		line, err = in.ReadString('\n')
		h.must(err)
	}
}

func TestASilenceThatFitsNoAlertIsMadeWithAWarning(t *testing.T) {
	h := newHouseWith(t, web.Options{Settings: web.Settings{Vocabulary: notify.NewVocabulary([]string{"replication-failed"}, []string{"prod"})}})
	for _, tt := range []struct {
		name, match string
		want        any
	}{
		{"it fits", `{"rule": ["replication-*"], "doc_id": ["orders"]}`, nil},
		{"a label is misspelt", `{"docid": ["orders"]}`, []any{`no alert has a label "docid"; did you mean "doc_id"?`}},
		{"a rule is misspelt", `{"rule": ["replication-faild"]}`, []any{`no alert has a rule that fits "replication-faild"; did you mean "replication-failed"?`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			made := h.want(201, "POST", "/api/v1/silences", `{"for": "1h", "match": `+tt.match+`}`)
			if diff := cmp.Diff(tt.want, made["warnings"]); diff != "" {
				t.Errorf("warnings of a silence of %s (-want +got):\n%s", tt.match, diff)
			}
		})
	}
}
