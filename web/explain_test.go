package web_test

import (
	"net/http"
	"strings"
	"testing"

	"watchdog/alert"
)

func TestAReplicationIsExplained(t *testing.T) {
	h := newHouse(t)
	h.look(at(7), []alert.Alert{firing("replication-failed", "orders", alert.Critical)}, failing("orders"), running("users", 5, 0))
	const path = "/api/v1/replications/prod/_replicator/"
	e := h.get(path + "orders/explanation")
	rule := e["rules"].([]any)[0].(map[string]any)
	told := e["deliveries"].([]any)[0].(map[string]any)
	for what, got := range map[string]any{
		"state failed": e["state"], "seen_at " + at(7).Format("2006-01-02T15:04:05Z"): e["seen_at"],
		"when true": rule["when"], "delivery dlv_dead": told["id"],
	} {
		if name, want, _ := strings.Cut(what, " "); got != want {
			t.Errorf("%s: got %v, want %s", name, got, want)
		}
	}
	if n := len(e["transitions"].([]any)); n != 1 {
		t.Errorf("transitions: got %d, want the one that told of it", n)
	}
	for name, path := range map[string]string{
		"a document that was not seen":    path + "nobody/explanation",
		"a server that is not watched":    "/api/v1/replications/nowhere/_replicator/orders/explanation",
		"a server that was not looked at": "/api/v1/replications/dr/_replicator/orders/explanation",
	} {
		resp, err := http.Get(h.url(path))
		h.must(err)
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: got %s, want 404", name, resp.Status)
		}
	}
}
