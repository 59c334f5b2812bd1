package couchtest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"watchdog/scheduler/couchtest"
)

// Whatever is asked, the answer is JSON with a status that CouchDB has.
func FuzzAnyRequestIsAnswered(f *testing.F) {
	for _, seed := range [][3]string{
		{"GET", "/", ""},
		{"GET", "/_scheduler/docs?limit=1&skip=9223372036854775807", ""},
		{"GET", "/_scheduler/docs/%2F_replicator/%00", ""},
		{"GET", "/_scheduler/docs?startkey=%22b%22&endkey=%22a%22&descending=true", ""},
		{"GET", "/_scheduler/jobs?skip=99999999999999999999", ""},
		{"GET", "/_replicator/_changes?since=9999999999999999999&limit=0", ""},
		{"POST", "/_session", `{"name":{}}`},
		{"PUT", "/_replicator/x", `{"source":{"url":7},"target":[]}`},
		{"PUT", "/_replicator/orders", `{"_deleted":true,"_rev":"1-x"}`},
		{"DELETE", "/_replicator", ""},
		{"HEAD", "//", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, method, target, body string) {
		if strings.Contains(target, "feed=") {
			return // those that wait
		}
		u, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(target, "/") {
			return
		}
		srv := couchtest.New(couchtest.Options{Manual: true})
		srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running})
		req := httptest.NewRequest(http.MethodGet, "/", strings.NewReader(body))
		req.Method, req.URL, req.RequestURI = method, u, target
		req.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		srv.ServeHTTP(rec, req)
		if rec.Code < 200 || rec.Code > 500 {
			t.Errorf("%s %s: got status %d", method, target, rec.Code)
		}
		if rec.Body.Len() > 0 && !json.Valid(rec.Body.Bytes()) {
			t.Errorf("%s %s: got a body that is no JSON: %s", method, target, rec.Body)
		}
	})
}
