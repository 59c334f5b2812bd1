package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"watchdog/alert"
	"watchdog/cycle"
	"watchdog/notify"
	"watchdog/snapshot"
)

// docs are the documents of a list, in order.
func docs(t *testing.T, answer map[string]any, list string) string {
	t.Helper()
	all, ok := answer[list].([]any)
	if !ok {
		t.Fatalf("%s: got %v, want a list", list, answer)
	}
	var names []string
	for _, one := range all {
		names = append(names, one.(map[string]any)["doc_id"].(string))
	}
	return strings.Join(names, " ")
}

func TestReplicationsAreFiltered(t *testing.T) {
	h := newHouse(t)
	odd := replication("odd", "")
	odd.Known = odd.Known.Without(snapshot.FieldState)
	h.look(at(0), nil, failing("orders"), running("users", 5, 0), running("Orders-EU", 7, 1), odd)
	for _, tt := range []struct{ query, want string }{
		{"", "Orders-EU odd orders users"},
		{"?state=failed", "orders"},
		{"?state=unknown", "odd"},
		{"?text=orders", "Orders-EU orders"},
		{"?text=DB_NOT_FOUND", "orders"},
		{"?text=b.example.com/users", "users"},
		{"?server=prod&state=running", "Orders-EU users"},
		{"?server=dr", ""},
		{"?database=other/_replicator", ""},
		{"?doc_id=orders", "orders"},
	} {
		answer := h.get("/api/v1/replications" + tt.query)
		if got := docs(t, answer, "replications"); got != tt.want {
			t.Errorf("replications%s: got %q, want %q", tt.query, got, tt.want)
		}
	}
}

// What the server did not say is null, never zero.
func TestAReplicationInTheAPI(t *testing.T) {
	h := newHouse(t)
	h.look(at(0), nil, running("users", 0, 3))
	answer := h.get("/api/v1/replications")
	got := answer["replications"].([]any)[0].(map[string]any)
	for field, want := range map[string]any{
		"server": "prod", "doc_id": "users", "state": "running", "docs_written": 0.0, "changes_pending": 3.0,
		"docs_read": nil, "error": nil, "start_time": nil, "active": nil,
	} {
		if got[field] != want {
			t.Errorf("%s: got %v, want %v", field, got[field], want)
		}
	}
}

func TestListsAreReadPageByPage(t *testing.T) {
	h := newHouse(t)
	var all []*snapshot.Replication
	for i := range 7 {
		all = append(all, running(fmt.Sprintf("doc%d", i), 0, 0))
	}
	h.look(at(0), nil, all...)
	for range 4 { // of one moment, as all of one decision are
		h.say(fmt.Sprintf("dlv_%d", len(h.log.String())), "oncall", "same")
	}
	for i := range 3 {
		a := firing("r", fmt.Sprintf("t%d", i), alert.Info)
		h.must(h.store.Commit(t.Context(), &cycle.Outcome{Server: "prod", At: at(i), Transitions: []alert.Transition{
			{Reason: alert.ReasonNew, At: at(i), Alert: a}, {Reason: alert.ReasonSeverity, At: at(i), Alert: a},
		}}))
	}
	var alerts []alert.Alert
	for i := range 5 {
		alerts = append(alerts, firing(fmt.Sprintf("r%d", i%2), fmt.Sprintf("doc%d", i), alert.Severity(i%3)))
	}
	h.look(at(1), alerts, all...)
	for _, list := range []string{"replications", "deliveries", "transitions", "alerts"} {
		whole := h.get("/api/v1/" + list + "?limit=1000")
		for _, limit := range []int{1, 2, 3, 100} {
			var paged []any
			for cursor := ""; ; {
				page := h.get(fmt.Sprintf("/api/v1/%s?limit=%d%s", list, limit, cursor))
				rows := page[list].([]any)
				if len(rows) > limit {
					t.Fatalf("%s: got %d on a page, want %d at most", list, len(rows), limit)
				}
				paged = append(paged, rows...)
				next, more := page["next_cursor"].(string)
				if !more {
					break
				}
				cursor = "&cursor=" + next
			}
			if diff := cmp.Diff(whole[list], any(paged)); diff != "" {
				t.Errorf("%s, %d a page (-whole +paged):\n%s", list, limit, diff)
			}
		}
	}
}

func TestAlertsOfTheAPIAreThoseOfTheWebhook(t *testing.T) {
	h := newHouse(t)
	waits := firing("waits", "users", alert.Warning)
	waits.Status = alert.StatusPending
	h.look(at(0), []alert.Alert{waits, firing("failed", "orders", alert.Critical)}, failing("orders"))
	answer := h.get("/api/v1/alerts")
	if got := docs(t, answer, "alerts"); got != "orders users" {
		t.Errorf("alerts: got %s, want orders users", got)
	}
	first := answer["alerts"].([]any)[0].(map[string]any)
	if got, want := first["url"], "https://watchdog.example.com/#"+first["fingerprint"].(string); got != want {
		t.Errorf("url: got %v, want %s", got, want)
	}
	for _, tt := range []struct{ query, want string }{
		{"?status=pending", "users"}, {"?severity=critical", "orders"}, {"?rule=failed&server=prod", "orders"}, {"?server=dr", ""},
	} {
		answer := h.get("/api/v1/alerts" + tt.query)
		if got := docs(t, answer, "alerts"); got != tt.want {
			t.Errorf("alerts%s: got %q, want %q", tt.query, got, tt.want)
		}
	}
}

func TestWhatIsAskedWrongIsAProblem(t *testing.T) {
	h := newHouse(t)
	for _, tt := range []struct {
		method, path string
		status       int
		detail       string
	}{
		{"GET", "/api/v1/alerts?sevrity=info", 400, `unknown parameter "sevrity"; did you mean "severity"?`},
		{"GET", "/api/v1/alerts?severity=bad", 400, "severity must be one of info, warning, critical"},
		{"GET", "/api/v1/replications?limit=0", 400, "limit must be a number from 1 to 1000"},
		{"GET", "/api/v1/replications?limit=1&limit=2", 400, `parameter "limit" is given twice`},
		{"GET", "/api/v1/replications?cursor=x", 400, "this is not a cursor of this list"},
		{"GET", "/api/v1/alerts?cursor=" + "eP94", 400, "this is not a cursor of this list"},
		{"GET", "/api/v1/transitions?cursor=" + "eP94", 400, "this is not a cursor of this list"},
		{"GET", "/api/v1/none", 404, "there is nothing at this address"},
		{"GET", "/assets/none", 404, "there is no such file"},
		{"POST", "/api/v1/alerts", 405, "this address takes other methods"},
		{"GET", "/api/v1/checks/prod/all/run", 405, "this address takes other methods"},
		{"POST", "/api/v1/checks/prod/none/run", 404, `there is no check "none" of a server "prod"`},
		{"GET", "/api/v1/deliveries/none", 404, `there is no delivery "none"`},
		{"POST", "/api/v1/deliveries/none/retry", 404, `there is no delivery "none"`},
		{"POST", "/api/v1/deliveries/dlv_sent/retry", 409, "delivery dlv_sent is sent: only a dead one can be tried again by hand"},
		{"GET", "/?sort=size", 400, "the table cannot be sorted by that"},
		{"GET", "/?page=0", 400, "that is not the number of a page"},
	} {
		resp, body := h.ask(tt.method, tt.path)
		var got struct {
			Title  string
			Status int
			Detail string
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%s %s: %v: %s", tt.method, tt.path, err, body)
		}
		if kind := resp.Header.Get("Content-Type"); resp.StatusCode != tt.status || kind != "application/problem+json" || got.Status != tt.status || got.Detail != tt.detail {
			t.Errorf("%s %s: got %d %s %+v, want %d %s", tt.method, tt.path, resp.StatusCode, kind, got, tt.status, tt.detail)
		}
	}
}

func TestADeadDeliveryIsTriedAgain(t *testing.T) {
	h := newHouse(t)
	if resp, body := h.ask(http.MethodPost, "/api/v1/deliveries/dlv_dead/retry"); resp.StatusCode != http.StatusAccepted {
		t.Fatalf("retry: got %d %s, want 202", resp.StatusCode, body)
	}
	answer := h.get("/api/v1/deliveries?status=queued")
	if got := answer["deliveries"].([]any); len(got) != 1 || got[0].(map[string]any)["id"] != "dlv_dead" {
		t.Errorf("queued: got %v, want dlv_dead", got)
	}
}

// The OpenAPI document says what the handlers really answer: each JSON answer has exactly the
// keys that its schema has.
func TestTheOpenAPIDocumentIsTrue(t *testing.T) {
	h := newHouse(t)
	h.lived("orders")
	full := failing("orders")
	full.Known = ^snapshot.Fields(0)
	fires := firing("failed", "orders", alert.Critical)
	h.look(at(0), []alert.Alert{fires}, full, running("users", 1, 1))
	h.must(h.store.PutSilence(t.Context(), &notify.Silence{ID: "sil_1", Match: map[string][]string{"rule": {"x"}}, EndsAt: time.Now().Add(time.Hour)}))
	bodies := map[string]string{
		"put /api/v1/alerts/{fingerprint}/ack": `{"by": "ada"}`,
		"post /api/v1/silences":                `{"match": {"doc_id": ["orders"]}, "for": "1h"}`,
	}
	document := h.get("/api/v1/openapi.json")
	closeObjects(document["components"])
	compiler := jsonschema.NewCompiler()
	h.must(compiler.AddResource("openapi.json", document))

	paths := document["paths"].(map[string]any)
	seen := 0
	for path, methods := range paths {
		for method, operation := range methods.(map[string]any) {
			where := strings.NewReplacer("/", "~1", "{", "%7B", "}", "%7D").Replace(path)
			id := map[bool]string{true: "sil_1", false: "dlv_dead"}[strings.Contains(path, "silences")]
			address := strings.NewReplacer("{server}", "prod", "{database}", "_replicator", "{doc_id}", "orders", "{check}", "all", "{id}", id, "{fingerprint}", fires.Fingerprint).Replace(path)
			if strings.HasSuffix(path, "/events") {
				continue
			}
			resp, body := h.send(strings.ToUpper(method), address, bodies[method+" "+path], "Content-Type", "application/json")
			if _, takes := operation.(map[string]any)["requestBody"]; takes != (bodies[method+" "+path] != "") {
				t.Errorf("%s %s: the document says that it takes a body: %t", method, path, takes)
			}
			status := fmt.Sprint(resp.StatusCode)
			if _, said := operation.(map[string]any)["responses"].(map[string]any)[status]; !said {
				t.Errorf("%s %s: answered %s, which the document does not know", method, path, status)
				continue
			}
			if resp.StatusCode >= 300 {
				t.Errorf("%s %s: got %s %s, want it done", method, path, status, body)
				continue
			}
			schema, err := compiler.Compile(fmt.Sprintf("openapi.json#/paths/%s/%s/responses/%s/content/application~1json/schema", where, method, status))
			if err != nil {
				t.Fatalf("%s %s: %v", method, path, err)
			}
			value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(body)))
			h.must(err)
			if err := schema.Validate(value); err != nil {
				t.Errorf("%s %s: %v\n%s", method, path, err, body)
			}
			seen++
		}
	}
	if seen < 13 {
		t.Errorf("operations that were tried: got %d, want 13 at least", seen)
	}
	compiler.AssertFormat()
	for _, path := range []string{"/api/v1/alerts?x=1"} {
		_, body := h.ask(http.MethodGet, path)
		schema, err := compiler.Compile("openapi.json#/components/schemas/Problem")
		h.must(err)
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(body)))
		h.must(err)
		if err := schema.Validate(value); err != nil {
			t.Errorf("GET %s: %v", path, err)
		}
	}
}

// closeObjects lets no object have a key that its schema does not name.
func closeObjects(schema any) {
	switch s := schema.(type) {
	case map[string]any:
		if _, is := s["properties"].(map[string]any); is && s["type"] == "object" {
			s["additionalProperties"] = false
		}
		for _, inner := range s {
			closeObjects(inner)
		}
	case []any:
		for _, inner := range s {
			closeObjects(inner)
		}
	}
}

func TestChecksOfTheAPI(t *testing.T) {
	h := newHouse(t)
	h.look(at(0), nil, running("users", 1, 1))
	h.badDay()
	answer := h.get("/api/v1/checks")
	var got []string
	for _, one := range answer["servers"].([]any) {
		s := one.(map[string]any)
		got = append(got, fmt.Sprint(s["name"], " ", s["up"], " ", s["error"], " ", len(s["checks"].([]any))))
	}
	want := []string{"dr false read jobs of dr: connection refused 0", "prod true  1"}
	if !slices.Equal(got, want) {
		t.Errorf("checks: got %q, want %q", got, want)
	}
}
