package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/diag"
	"watchdog/web"
	"watchdog/web/gate"
)

// What a reload brought, or why it was refused, shows in its answer, on the page, in the status and
// in the metrics.
func TestReload(t *testing.T) {
	bad := diag.List{{File: "watchdog.yaml", Line: 3, Column: 5, Level: diag.Error, Message: `unknown key "whem"`, Hint: `did you mean "when"?`}}
	const refused = "the one before is in use: watchdog.yaml:3:5: unknown key"
	for _, tt := range []struct {
		name, answer, status, metric, page string
		bad                                error
	}{
		{
			"a good one", `200 {"changes":["rules +1"],"restart_needed":["store"]}`,
			`"" [rules +1] [store]`, "watchdog_config_last_reload_successful 1", "A restart is needed for what the config now says of store.", nil,
		},
		{
			"a bad one", `422 {"title":"Unprocessable Entity","status":422,"detail":"the config is bad, and the one before is still in use",` +
				`"diagnostics":[{"file":"watchdog.yaml","line":3,"column":5,"severity":"error","id":"","message":"unknown key \"whem\"","hint":"did you mean \"when\"?"}]}`,
			fmt.Sprintf("%q [] []", bad.Error()), "watchdog_config_last_reload_successful 0", refused, bad,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			h.bad = tt.bad
			resp, body := h.ask(http.MethodPost, "/api/v1/reload")
			if got := fmt.Sprintf("%d %s", resp.StatusCode, strings.TrimSpace(string(body))); got != tt.answer {
				t.Errorf("POST /api/v1/reload:\ngot  %s\nwant %s", got, tt.answer)
			}
			var status struct {
				Config struct {
					Error         string
					Changes       []string
					RestartNeeded []string `json:"restart_needed"`
				}
			}
			_, body = h.ask(http.MethodGet, "/api/v1/status")
			h.must(json.Unmarshal(body, &status))
			c := status.Config
			if diff := cmp.Diff(tt.status, fmt.Sprintf("%q %v %v", c.Error, c.Changes, c.RestartNeeded)); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
			if got := scrape(h); !strings.Contains(got, tt.metric) {
				t.Errorf("metrics: got\n%s\nwant %s", got, tt.metric)
			}
			if _, page := h.ask(http.MethodGet, "/"); !strings.Contains(string(page), tt.page) {
				t.Errorf("page: got\n%s\nwant %q in it", page, tt.page)
			}
		})
	}
}

// Other settings count from the next request on.
func TestChangedSettings(t *testing.T) {
	h := newHouse(t)
	h.look(at(0), nil, failing("orders"))
	if resp, _ := h.ask(http.MethodGet, "/api/v1/checks"); resp.StatusCode != http.StatusOK {
		t.Fatalf("without auth: got %d, want 200", resp.StatusCode)
	}
	h.web.Change(web.Settings{Gate: gate.Spec{Auth: gate.Auth{Bearer: "t0ken"}}, Sinks: []string{"pager"}})
	if resp, _ := h.ask(http.MethodGet, "/api/v1/checks"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("with auth since: got %d, want 401", resp.StatusCode)
	}
	h.web.Change(web.Settings{Sinks: []string{"pager"}})
	if got := scrape(h); !strings.Contains(got, `watchdog_queue_deliveries{sink="pager"} 0`) {
		t.Errorf("metrics: got\n%s\nwant the new sink", got)
	}
}
