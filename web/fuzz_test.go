package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"watchdog/alert"
	"watchdog/snapshot"
)

// contract is the API as its OpenAPI document tells it.
type contract struct {
	mux     *http.ServeMux // patterns are "GET /api/v1/alerts"
	answers map[string]map[string]*jsonschema.Schema
	problem *jsonschema.Schema
}

func contractOf(h *house) *contract {
	h.t.Helper()
	document := h.get("/api/v1/openapi.json")
	closeObjects(document["components"])
	compiler := jsonschema.NewCompiler()
	h.must(compiler.AddResource("openapi.json", document))
	compile := func(place string) *jsonschema.Schema {
		schema, err := compiler.Compile("openapi.json#/" + place)
		h.must(err)
		return schema
	}
	c := &contract{mux: http.NewServeMux(), answers: map[string]map[string]*jsonschema.Schema{}, problem: compile("components/schemas/Problem")}
	for path, methods := range document["paths"].(map[string]any) {
		where := strings.NewReplacer("/", "~1", "{", "%7B", "}", "%7D").Replace(path)
		for method, operation := range methods.(map[string]any) {
			answers := map[string]*jsonschema.Schema{}
			for status, answer := range operation.(map[string]any)["responses"].(map[string]any) {
				answers[status] = nil
				content, _ := answer.(map[string]any)["content"].(map[string]any)
				if content["application/json"] != nil {
					answers[status] = compile(fmt.Sprintf("paths/%s/%s/responses/%s/content/application~1json/schema", where, method, status))
				}
			}
			pattern := strings.ToUpper(method) + " " + path
			c.answers[pattern] = answers
			c.mux.Handle(pattern, http.NotFoundHandler())
		}
	}
	return c
}

// Whatever is asked of the API, it answers in JSON, in the form and with a status that its own
// document gives, never with an error of ours; and another site changes nothing.
func FuzzAPI(f *testing.F) {
	h := newHouse(f)
	h.lived("orders")
	full := failing("orders")
	full.Known = ^snapshot.Fields(0)
	fires := firing("replication-failed", "orders", alert.Critical)
	h.look(at(0), []alert.Alert{fires}, full, running("users", 1, 1))
	c := contractOf(h)

	for _, pattern := range slices.Sorted(maps.Keys(c.answers)) {
		method, path, _ := strings.Cut(pattern, " ")
		for kind, ids := range []*strings.Replacer{
			strings.NewReplacer("{server}", "prod", "{database}", "_replicator", "{doc_id}", "orders", "{check}", "all", "{id}", "dlv_dead", "{fingerprint}", fires.Fingerprint),
			strings.NewReplacer("{server}", "%00", "{database}", "a%2Fb", "{doc_id}", "..%2F", "{check}", "%ff", "{id}", "'", "{fingerprint}", "%25"),
		} {
			f.Add(method, ids.Replace(path), "", `{"match": {"doc_id": ["orders"]}, "for": "1h"}`, uint8(kind))
			f.Add(method, ids.Replace(path), "limit=2&server=prod&state=failed&status=dead&text=%00", `{"by": "ada", "comment": 7}`, uint8(0))
			f.Add(method, ids.Replace(path), "cursor=AAAA&limit=99999999999999999999&since=0000-00-00T00:00:00Z", `{"`, uint8(kind+2))
		}
	}
	for _, seed := range [][4]string{
		{"GET", "/api/v1/../v1/alerts", "a=b;c&%zz", ""},
		{"OPTIONS", "/api/v1/alerts", "", ""},
		{"PATCH", "/api/v1", "", "null"},
		{"GET", "/api/v1/transitions", "cursor=eyJhdCI6MX0&limit=-1", ""},
		{"GET", "/api/v1/replications", "limit=1&limit=2", ""},
		{"POST", "/api/v1/silences", "", `{"match": {"": [""], "rule": null}, "starts_at": "9999-12-31T23:59:59Z", "ends_at": "0001-01-01T00:00:00Z"}`},
		{"POST", "/api/v1/silences", "", `{"match": {"doc_id": ["` + strings.Repeat("*a", 200) + `"]}, "for": "9999999h", "comment": "\u0000\ud800"}`},
		{"POST", "/api/v1/silences", "", `{"match": {"doc_id": ["x"]}, "for": "-1ns"} {}`},
		{"HEAD", "/", "", ""},
		{"TRACE", "/api/v1/status", "", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], uint8(0))
	}
	f.Fuzz(func(t *testing.T, method, path, query, body string, kind uint8) {
		r := request(method, path, query, body)
		if r == nil || strings.Contains(r.URL.Path, "/events") {
			return // no request, or one that goes on for ever
		}
		foreign := kind%4 == 3
		switch kind % 4 {
		case 1:
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		case 2:
			r.Header.Set("Content-Type", "")
		case 3:
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		}
		answer := httptest.NewRecorder()
		h.web.Handler().ServeHTTP(answer, r)
		c.check(t, r, answer)
		if writes := !slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, method); foreign && writes && answer.Code != http.StatusForbidden {
			t.Errorf("%s %s of another site: got %d %s, want 403", method, r.URL, answer.Code, answer.Body)
		}
	})
}

// request is one that can come over a connection; nil where there is none.
func request(method, path, query, body string) *http.Request {
	target := path
	if query != "" {
		target += "?" + query
	}
	u, err := url.ParseRequestURI(target)
	if err != nil || !strings.HasPrefix(target, "/") {
		return nil
	}
	r, err := http.NewRequestWithContext(context.Background(), method, "http://watchdog.example.com/", strings.NewReader(body))
	if err != nil || method == http.MethodConnect {
		return nil
	}
	r.URL, r.RequestURI = u, target
	r.Header.Set("Content-Type", asJSON)
	return r
}

// check holds an answer against the contract.
func (c *contract) check(t *testing.T, r *http.Request, answer *httptest.ResponseRecorder) {
	t.Helper()
	asked := fmt.Sprintf("%s %s: got %d", r.Method, r.URL, answer.Code)
	if answer.Code >= http.StatusInternalServerError && r.URL.Path != "/readyz" {
		t.Errorf("%s %s, want no error of ours", asked, answer.Body)
	}
	if answer.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s without the headers that keep it from being taken for a page", asked)
	}
	if !strings.HasPrefix(r.URL.Path, "/api/") || answer.Code/100 == 3 || r.Method == http.MethodHead {
		return // a page, or a path that is written otherwise
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(answer.Body.String()))
	if err != nil {
		t.Fatalf("%s, which is no JSON: %v: %s", asked, err, answer.Body)
	}
	schema, kind := c.problem, "application/problem+json"
	if answer.Code < 300 {
		kind = asJSON
	}
	_, pattern := c.mux.Handler(r)
	if answers := c.answers[pattern]; answers != nil {
		documented, known := answers[fmt.Sprint(answer.Code)]
		if !known {
			t.Errorf("%s %s, which the document does not know of %s", asked, answer.Body, pattern)
		}
		if answer.Code < 300 {
			schema = documented
		}
	}
	if schema == nil || answer.Code < 300 && c.answers[pattern] == nil {
		return // the document itself
	}
	if got := answer.Header().Get("Content-Type"); got != kind {
		t.Errorf("%s as %s, want %s", asked, got, kind)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("%s, which the document does not describe: %v\n%s", asked, err, answer.Body)
	}
	var problem struct {
		Title, Detail string
		Status        int
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &problem); answer.Code >= 400 && (err != nil || problem.Status != answer.Code || problem.Title == "" || problem.Detail == "") {
		t.Errorf("%s %s, want a problem that says what it is", asked, answer.Body)
	}
}
