// Exporter lists the replications of a server at each scrape, and gives Prometheus a series for
// each, as an exporter of CouchDB would. Its arguments are the address to listen at and the
// server's URL.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "exporter: want an address and a URL")
		os.Exit(2) //nolint:forbidigo // this is main
	}
	server := &http.Server{
		Addr: os.Args[1], ReadHeaderTimeout: time.Minute,
		Handler: &exporter{url: os.Args[2], client: http.Client{Timeout: time.Minute}},
	}
	fmt.Fprintln(os.Stderr, "exporter:", server.ListenAndServe())
}

type exporter struct {
	url    string
	client http.Client
}

// ServeHTTP answers a scrape.
func (e *exporter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, e.url+"/_scheduler/docs/_replicator?limit=1000000000", http.NoBody)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	resp, err := e.client.Do(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	var body struct {
		Docs []struct {
			DocID      string `json:"doc_id"`
			State      string `json:"state"`
			ErrorCount int    `json:"error_count"`
		} `json:"docs"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	var b bytes.Buffer
	for _, d := range body.Docs {
		fmt.Fprintf(&b, "couchdb_replication_state{doc_id=%q,state=%q} 1\n", d.DocID, d.State)
		fmt.Fprintf(&b, "couchdb_replication_errors{doc_id=%q} %d\n", d.DocID, d.ErrorCount)
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	w.Write(b.Bytes())
}
