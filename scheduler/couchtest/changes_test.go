package couchtest_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler/couchtest"
)

// feed is the answer of a feed.
type feed struct {
	Results []struct {
		Seq, ID string
		Deleted bool
	}
	LastSeq string `json:"last_seq"`
	Pending int
}

func (f feed) String() string {
	var b strings.Builder
	number := func(seq string) string { n, _, _ := strings.Cut(seq, "-g1AAAA"); return n }
	for _, r := range f.Results {
		fmt.Fprintf(&b, "%s:%s", number(r.Seq), r.ID)
		if r.Deleted {
			b.WriteString("(deleted)")
		}
		b.WriteByte(' ')
	}
	fmt.Fprintf(&b, "last %s, %d more", number(f.LastSeq), f.Pending)
	return b.String()
}

func TestChangesShowTheLastChangeOfEachDocument(t *testing.T) {
	w := newWorld(t, couchtest.Options{})
	a := w.srv.Put("_replicator", "a", couchtest.Spec{State: couchtest.Running})  // 1
	b := w.srv.Put("_replicator", "b", couchtest.Spec{State: couchtest.Running})  // 2
	c := w.srv.Put("_replicator", "c", couchtest.Spec{State: couchtest.Crashing}) // 3
	b.Stop()                                                                      // states that are not ends write nothing
	b.Start()
	c.Recover()
	a.Fail("bad")    // 4
	b.Complete()     // 5
	c.Delete()       // 6
	for range 2000 { // the log of changes stays bounded
		a.Rewrite()
	}
	tests := []struct{ query, want string }{
		{"", "5:b 6:c(deleted) 2006:a last 2006, 0 more"},
		{"?since=0&limit=1", "5:b last 5, 2 more"},
		{"?since=5", "6:c(deleted) 2006:a last 2006, 0 more"},
		{"?since=5-g1AAAACbeJz", "6:c(deleted) 2006:a last 2006, 0 more"},
		{`?since="5-g1AAAACbeJz"`, "6:c(deleted) 2006:a last 2006, 0 more"},
		{"?since=now", "last 2006, 0 more"},
		{"?since=0&limit=0", "last 0, 3 more"},
		{"?since=now&feed=longpoll&limit=0", "last 2006, 0 more"},
		{"?feed=longpoll", "5:b 6:c(deleted) 2006:a last 2006, 0 more"},
	}
	for _, tt := range tests {
		var got feed
		w.get("/_replicator/_changes"+strings.ReplaceAll(tt.query, `"`, "%22"), &got)
		if got.String() != tt.want {
			t.Errorf("_changes%s: got %s, want %s", tt.query, got, tt.want)
		}
	}
	for _, query := range []string{"?since=later", "?limit=-1", "?timeout=soon"} {
		var body struct{ Error string }
		if res := w.get("/_replicator/_changes"+query, &body); res.StatusCode != 400 || body.Error != "bad_request" {
			t.Errorf("_changes%s: got %d %s, want 400 bad_request", query, res.StatusCode, body.Error)
		}
	}
}

// bubble runs a test on fake time: the server's clock is time.Now, which stands still until
// everybody waits.
func bubble(t *testing.T, test func(t *testing.T, srv *couchtest.Server, client *http.Client)) {
	synctest.Test(t, func(t *testing.T) {
		srv := couchtest.New(couchtest.Options{})
		client, stop := srv.Client()
		defer stop()
		test(t, srv, client)
	})
}

func TestALongPollEndsWithTheFirstChange(t *testing.T) {
	tests := []struct {
		name string
		do   func(*couchtest.Server, *couchtest.Replication)
		want string
	}{
		{"of a test", func(_ *couchtest.Server, r *couchtest.Replication) {
			time.Sleep(2 * time.Second)
			r.Fail("bad")
		}, "after 2s: 2:orders last 2, 0 more"},
		{"of a script, which the poll itself runs", func(srv *couchtest.Server, r *couchtest.Replication) {
			srv.Play(couchtest.Script{{At: time.Second, Do: r.Stop}, {At: 3 * time.Second, Do: r.Complete}})
		}, "after 3s: 2:orders last 2, 0 more"},
		{"of a script that was put forward while it waited", func(srv *couchtest.Server, r *couchtest.Replication) {
			srv.After(time.Hour, r.Delete)
			time.Sleep(time.Second)
			srv.Advance(time.Hour)
		}, "after 1s: 2:orders(deleted) last 2, 0 more"},
		{"or with its time", nil, "after 20s: last 1, 0 more"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, srv *couchtest.Server, client *http.Client) {
				r := srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running})
				begin := time.Now()
				done := make(chan string)
				go func() {
					var f feed
					res, err := client.Get("http://couchdb/_replicator/_changes?feed=longpoll&since=1&timeout=20000")
					if err == nil {
						err = json.NewDecoder(res.Body).Decode(&f)
						res.Body.Close()
					}
					done <- fmt.Sprintf("after %s: %s", time.Since(begin), f)
					if err != nil {
						t.Error(err)
					}
				}()
				synctest.Wait()
				if tt.do != nil {
					tt.do(srv, r)
				}
				if got := <-done; got != tt.want {
					t.Errorf("long poll: got %s, want %s", got, tt.want)
				}
			})
		})
	}
}

func TestHeartbeatsKeepALongPollOpen(t *testing.T) {
	bubble(t, func(t *testing.T, srv *couchtest.Server, client *http.Client) {
		r := srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running})
		srv.After(25*time.Second, r.Complete)
		begin := time.Now()
		res, err := client.Get("http://couchdb/_replicator/_changes?feed=longpoll&since=1&heartbeat=10000")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var got []string
		for lines := bufio.NewScanner(res.Body); lines.Scan() && len(got) < 4; {
			text := lines.Text()
			if i := strings.Index(text, `"id"`); i >= 0 {
				text = text[i : i+len(`"id":"orders"`)]
			}
			got = append(got, fmt.Sprintf("%s %s", time.Since(begin), text))
		}
		want := []string{`0s {"results":[`, "10s ", "20s ", `25s "id":"orders"`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("lines of the long poll (-want +got):\n%s", diff)
		}
	})
}

func TestAContinuousFeedTellsEachChange(t *testing.T) {
	bubble(t, func(t *testing.T, srv *couchtest.Server, client *http.Client) {
		r := srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running})
		srv.Play(couchtest.Script{{At: 3 * time.Second, Do: r.Complete}, {At: 5 * time.Second, Do: r.Delete}})
		begin := time.Now()
		res, err := client.Get("http://couchdb/_replicator/_changes?feed=continuous&since=0&timeout=4000")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var got []string
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			var line struct {
				ID      string
				Deleted bool
				LastSeq string `json:"last_seq"`
			}
			if json.Unmarshal(lines.Bytes(), &line) == nil {
				got = append(got, fmt.Sprintf("%s %s deleted=%t end=%t", time.Since(begin), line.ID, line.Deleted, line.LastSeq != ""))
			}
		}
		want := []string{"0s orders deleted=false end=false", "3s orders deleted=false end=false", "5s orders deleted=true end=false", "9s  deleted=false end=true"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("lines of the continuous feed (-want +got):\n%s", diff)
		}
	})
}

func TestStopEndsLongPollsAndHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := couchtest.New(couchtest.Options{})
		client, stop := srv.Client()
		srv.Inject(couchtest.Fault{Path: "/_up", Do: couchtest.Hang()})
		ended := make(chan error, 2)
		for _, path := range []string{"/_up", "/_replicator/_changes?feed=longpoll&heartbeat=true"} {
			go func() {
				res, err := client.Get("http://couchdb" + path)
				if err == nil {
					_, err = io.Copy(io.Discard, res.Body)
					res.Body.Close()
				}
				ended <- err
			}()
		}
		synctest.Wait()
		stop()
		for range 2 {
			if err := <-ended; err == nil {
				t.Error("a request that was open when the server stopped: got a whole answer, want an error")
			}
		}
	})
}
