package couchtest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler/couchtest"
)

// look asks for the documents and says what came of it.
func look(client *http.Client, path string) string {
	begin := time.Now()
	res, err := client.Get("http://couchdb" + path)
	if err != nil {
		return "no answer"
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	text := fmt.Sprint(res.StatusCode)
	if after := res.Header.Get("Retry-After"); after != "" {
		text += " retry after " + after
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		text += fmt.Sprintf(" cut after %d bytes", len(body))
	case err != nil:
		text += " " + err.Error()
	case res.Header.Get("Content-Type") != "application/json":
		text += " " + res.Header.Get("Content-Type")
	case !json.Valid(body):
		text += " no JSON"
	case res.StatusCode >= 400:
		var e struct{ Error string }
		json.Unmarshal(body, &e)
		text += " " + e.Error
	default:
		var list struct {
			Docs []json.RawMessage
			Jobs []json.RawMessage
		}
		json.Unmarshal(body, &list)
		text += fmt.Sprintf(" %d rows", len(list.Docs)+len(list.Jobs))
	}
	if took := time.Since(begin); took > 0 {
		text += " in " + took.String()
	}
	return text
}

func TestFaults(t *testing.T) {
	tests := []struct {
		name string
		do   couchtest.Behaviour
		want string
	}{
		{"401", couchtest.Status(401), "401 unauthorized"},
		{"403", couchtest.Status(403), "403 forbidden"},
		{"429 with a time", couchtest.RetryAfter(429, 7*time.Second), "429 retry after 7 too_many_requests"},
		{"500", couchtest.Status(500), "500 unknown_error"},
		{"503", couchtest.Status(503), "503 service_unavailable"},
		{"a status of which CouchDB has no word", couchtest.Status(418), "418 error"},
		{"a late answer", couchtest.Delay(5 * time.Second), "200 3 rows in 5s"},
		{"no answer", couchtest.Hang(), "no answer"},
		{"an answer that stops", couchtest.HangAfter(700), "200 context deadline exceeded in 1m0s"},
		{"an answer that is cut", couchtest.Truncate(700), "200 cut after 700 bytes"},
		{"a page of a proxy", couchtest.HTML(502), "502 text/html"},
		{"garbage", couchtest.Garbage(), "200 no JSON"},
		{"an odd row", couchtest.OddRow(""), "200 4 rows"},
	}
	for _, path := range []string{"/_scheduler/docs", "/_scheduler/jobs"} {
		for _, tt := range tests {
			t.Run(tt.name+" to "+path, func(t *testing.T) {
				bubble(t, func(t *testing.T, srv *couchtest.Server, client *http.Client) {
					for _, id := range []string{"a", "b", "c"} {
						srv.Put("_replicator", id, couchtest.Spec{State: couchtest.Running, Docs: 5})
					}
					client.Timeout = time.Minute
					srv.Inject(couchtest.Fault{Path: path, Times: 1, Do: tt.do})
					if got := look(client, path); got != tt.want {
						t.Errorf("got %s, want %s", got, tt.want)
					}
					if got, want := look(client, path), "200 3 rows"; got != want {
						t.Errorf("after the fault: got %s, want %s", got, want)
					}
				})
			})
		}
	}
}

func TestASlowAnswerComesInPieces(t *testing.T) {
	bubble(t, func(t *testing.T, srv *couchtest.Server, client *http.Client) {
		srv.Inject(couchtest.Fault{Do: couchtest.Trickle(10, time.Second)})
		if got, want := look(client, "/_up"), "200 0 rows in 2s"; got != want { // of 27 bytes
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestWhichRequestsAFaultHits(t *testing.T) {
	tests := []struct {
		name  string
		fault couchtest.Fault
		want  []string // of the docs at 0 s, 1 s, 2 s, 3 s
	}{
		{"all, for ever", couchtest.Fault{}, []string{"503", "503", "503", "503"}},
		{"so many", couchtest.Fault{Times: 2}, []string{"503", "503", "200", "200"}},
		{"so many after so many", couchtest.Fault{Skip: 1, Times: 2}, []string{"200", "503", "503", "200"}},
		{"so long", couchtest.Fault{For: 2 * time.Second}, []string{"503", "503", "200", "200"}},
		{"those of the path", couchtest.Fault{Path: "/_scheduler/docs"}, []string{"503", "503", "503", "503"}},
		{"not those of another", couchtest.Fault{Path: "/_scheduler/jobs"}, []string{"200", "200", "200", "200"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, couchtest.Options{})
			tt.fault.Do = couchtest.Status(503)
			w.srv.Inject(tt.fault)
			var got []string
			for range 4 {
				got = append(got, look(w.client, "/_scheduler/docs")[:3])
				w.srv.Advance(time.Second)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("status by second (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFaultsCanBeTakenBack(t *testing.T) {
	w := newWorld(t, couchtest.Options{})
	remove := w.srv.Inject(couchtest.Fault{Do: couchtest.Status(500)})
	w.srv.Inject(couchtest.Fault{Do: couchtest.Status(503)})
	for _, want := range []string{"500", "503", "200"} {
		if got := look(w.client, "/_scheduler/docs")[:3]; got != want {
			t.Errorf("status: got %s, want %s", got, want)
		}
		remove()
		remove = w.srv.ClearFaults
	}
}

func TestRequestsAreCounted(t *testing.T) {
	w := newWorld(t, couchtest.Options{})
	w.srv.Put("_replicator", "a", couchtest.Spec{State: couchtest.Running})
	w.srv.Inject(couchtest.Fault{Path: "/_up", Do: couchtest.Status(500)})
	w.srv.Inject(couchtest.Fault{Path: "/_active_tasks", Do: couchtest.Truncate(10)})
	paths := []string{
		"/_scheduler/docs", "/_scheduler/docs?limit=1", "/_scheduler/docs/_replicator", "/_scheduler/docs/team/_replicator",
		"/_scheduler/docs/_replicator/a", "/_scheduler/docs/team/_replicator/x", "/_scheduler/jobs", "/_scheduler/jobs/x",
		"/_replicator/_changes?since=now", "/_replicator/a", "/_up", "/_active_tasks", "/",
	}
	for _, path := range paths {
		look(w.client, path)
	}
	var got []string
	for _, r := range w.srv.Requests() {
		got = append(got, fmt.Sprintf("%s %s %d", r.Path, r.Endpoint, r.Status))
	}
	want := []string{
		"/_scheduler/docs GET /_scheduler/docs 200",
		"/_scheduler/docs?limit=1 GET /_scheduler/docs 200",
		"/_scheduler/docs/_replicator GET /_scheduler/docs/{db} 200",
		"/_scheduler/docs/team/_replicator GET /_scheduler/docs/{db} 404",
		"/_scheduler/docs/_replicator/a GET /_scheduler/docs/{db}/{id} 200",
		"/_scheduler/docs/team/_replicator/x GET /_scheduler/docs/{db}/{id} 404",
		"/_scheduler/jobs GET /_scheduler/jobs 200",
		"/_scheduler/jobs/x GET /_scheduler/jobs/{id} 404",
		"/_replicator/_changes?since=now GET /{db}/_changes 200",
		"/_replicator/a GET /{db}/{id} 200",
		"/_up GET /_up 500",
		"/_active_tasks GET /_active_tasks 200",
		"/ GET / 200",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	traffic := w.srv.Traffic()
	if got, want := traffic["GET /_up"], (couchtest.Traffic{Requests: 1, Bytes: 53, Failed: 1}); got != want {
		t.Errorf("traffic of /_up: got %+v, want %+v", got, want)
	}
	if got, want := traffic["GET /_active_tasks"], (couchtest.Traffic{Requests: 1, Bytes: 10}); got != want {
		t.Errorf("traffic of the cut /_active_tasks: got %+v, want %+v", got, want)
	}
	if got := traffic["GET /_scheduler/docs"].Requests; got != 2 {
		t.Errorf("requests of /_scheduler/docs: got %d, want 2", got)
	}
	w.srv.ForgetRequests()
	if got := len(w.srv.Requests()) + len(w.srv.Traffic()); got != 0 {
		t.Errorf("after ForgetRequests: got %d entries, want none", got)
	}
}

func TestAnAbandonedRequestIsLogged(t *testing.T) {
	bubble(t, func(t *testing.T, srv *couchtest.Server, client *http.Client) {
		client.Timeout = 3 * time.Second
		srv.Inject(couchtest.Fault{Do: couchtest.Hang()})
		look(client, "/_scheduler/jobs")
		synctest.Wait()
		log := srv.Requests()
		if len(log) != 1 || log[0].Status != 0 || log[0].Took != 3*time.Second {
			t.Errorf("log: got %+v, want one request without a status that took 3s", log)
		}
	})
}
