package couchtest_test

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"time"

	"watchdog/scheduler/couchtest"
)

// A test moves a replication through its life and reads what CouchDB would show of it.
func Example() {
	frozen := time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC)
	srv := couchtest.New(couchtest.Options{Now: func() time.Time { return frozen }})
	client, stop := srv.Client() // or srv.Serve(""), which listens
	defer stop()

	orders := srv.Put("_replicator", "orders", couchtest.Spec{
		State: couchtest.Running, Docs: 100, Rate: 3,
	})
	show := func() {
		row := struct {
			State      string
			ErrorCount int `json:"error_count"`
			Info       struct {
				Error       string
				DocsWritten int `json:"docs_written"`
			}
		}{}
		res, err := client.Get("http://couchdb/_scheduler/docs/_replicator/orders")
		if err != nil {
			log.Fatal(err)
		}
		defer res.Body.Close()
		if err := json.NewDecoder(res.Body).Decode(&row); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s, error_count %d, docs_written %d, error %q\n", row.State, row.ErrorCount, row.Info.DocsWritten, row.Info.Error)
	}

	srv.Advance(10 * time.Second)
	show()
	orders.Crash("db_not_found: could not open http://127.0.0.1:5984/orders/")
	show()

	// What is to happen later is a script.
	srv.Play(couchtest.Script{
		{At: 30 * time.Second, Do: orders.Recover},
		{At: 40 * time.Second, Do: orders.Stall},
	})
	srv.Advance(time.Minute)
	show()

	// Trouble of the server itself is a fault.
	srv.Inject(couchtest.Fault{Path: "/_scheduler/", Times: 1, Do: couchtest.Status(503)})
	res, err := client.Get("http://couchdb/_scheduler/jobs")
	if err != nil {
		log.Fatal(err)
	}
	res.Body.Close()
	fmt.Println(res.StatusCode == http.StatusServiceUnavailable, srv.Traffic()["GET /_scheduler/jobs"].Requests)

	// Output:
	// running, error_count 0, docs_written 130, error ""
	// crashing, error_count 1, docs_written 0, error "db_not_found: could not open http://127.0.0.1:5984/orders/"
	// running, error_count 1, docs_written 250, error ""
	// true 1
}
