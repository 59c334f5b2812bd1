package scheduler_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler"
	"watchdog/scheduler/couchtest"
	"watchdog/secret"
	"watchdog/snapshot"
)

// home is a client of a simulated server at the address by which its rows name it.
func home(t testing.TB, srv http.Handler, spec scheduler.Spec) *scheduler.Client {
	t.Helper()
	spec.URL = "http://127.0.0.1:5984"
	return dial(t, spec, call{srv})
}

// blind puts a running replication of which the server does not know how much waits.
func blind(srv *couchtest.Server, doc string, spec couchtest.Spec) *couchtest.Replication {
	spec.State = couchtest.Running
	r := srv.Put("_replicator", doc, spec)
	r.SetPending(couchtest.Unknown)
	return r
}

// sourceAsks are how often the sources of a server were asked.
func sourceAsks(srv *couchtest.Server) int { return srv.Traffic()["GET /{db}/_changes"].Requests }

// pending is what a look says waits for a replication; -1 where it is not known.
func pending(s *snapshot.Snapshot, doc string) int64 {
	r := find(s, "_replicator", doc)
	if !r.Has(snapshot.FieldChangesPending) {
		return -1
	}
	return r.ChangesPending
}

func TestASourceIsAskedHowMuchWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := couchtest.New(couchtest.Options{})
		stuck := blind(srv, "stuck", couchtest.Spec{Docs: 10, Waiting: 7})
		blind(srv, "idle", couchtest.Spec{Docs: 10})
		srv.Put("_replicator", "known", couchtest.Spec{State: couchtest.Running, Docs: 10, Waiting: 3})
		srv.Put("_replicator", "crashing", couchtest.Spec{State: couchtest.Crashing, Docs: 10, Waiting: 3})
		c := home(t, srv, scheduler.Spec{})
		var snap *snapshot.Snapshot
		expect := func(when string, stuck int64, asks int) {
			t.Helper()
			snap = c.Read(t.Context(), time.Now(), snap)
			want := []int64{stuck, 0, 3, -1}
			got := []int64{pending(snap, "stuck"), pending(snap, "idle"), pending(snap, "known"), pending(snap, "crashing")}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: pending of stuck, idle, known and crashing (-want +got):\n%s", when, diff)
			}
			if got := sourceAsks(srv); got != asks {
				t.Errorf("%s: got %d requests to sources so far, want %d", when, got, asks)
			}
		}
		expect("at first", 7, 2)
		time.Sleep(30 * time.Second)
		expect("half a minute later, from memory", 7, 2)
		time.Sleep(30 * time.Second)
		expect("a minute later", 7, 4)
		stuck.Progress(2) // but the server does not say yet that it knows
		expect("when it has moved, before the minute is over", -1, 4)
		time.Sleep(time.Minute)
		expect("when it has moved, after it", 5, 6)
	})
}

func TestASourceIsNotAskedWhere(t *testing.T) {
	remote := couchtest.Spec{Source: "http://db.example.com:5984/orders", Docs: 10, Waiting: 7}
	local := couchtest.Spec{Docs: 10, Waiting: 7}
	for _, test := range []struct {
		name   string
		url    string
		spec   scheduler.Spec
		put    couchtest.Spec
		reason string
	}{
		{"the spec says no", "http://127.0.0.1:5984", scheduler.Spec{AskSources: new(false)}, local, ""},
		{"nobody knows its host", "http://127.0.0.1:5984", scheduler.Spec{}, remote, "is on no server that is watched"},
		{"its loopback is not ours", "http://couch.example:5984", scheduler.Spec{}, local, "the server's own loopback"},
		{"the job has not told how far it is", "http://127.0.0.1:5984", scheduler.Spec{}, couchtest.Spec{Silent: true}, "does not say how far"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := couchtest.New(couchtest.Options{})
				test.put.State = couchtest.Running
				r := srv.Put("_replicator", "orders", test.put)
				if !test.put.Silent {
					r.SetPending(couchtest.Unknown)
				}
				test.spec.URL = test.url
				c := dial(t, test.spec, call{srv})
				if got := pending(read(t, c), "orders"); got != -1 || sourceAsks(srv) != 0 {
					t.Errorf("Read: got %d pending after %d requests, want it unknown after none", got, sourceAsks(srv))
				}
				err := c.SourceTrouble(snapshot.Key{Database: "_replicator", DocID: "orders"})
				if err == nil && test.reason != "" || err != nil && !strings.Contains(err.Error(), test.reason) {
					t.Errorf("SourceTrouble: got %v, want %q", err, test.reason)
				}
			})
		})
	}
}

func TestASourceThatDoesNotAnswerLeavesItUnknown(t *testing.T) {
	for name, behaviour := range map[string]couchtest.Behaviour{
		"it refuses":        couchtest.Status(http.StatusForbidden),
		"it fails":          couchtest.Status(http.StatusInternalServerError),
		"it is silent":      couchtest.Hang(),
		"it breaks off":     couchtest.Truncate(20),
		"it is a page":      couchtest.HTML(http.StatusOK),
		"it is not CouchDB": couchtest.Garbage(),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := couchtest.New(couchtest.Options{})
				blind(srv, "orders", couchtest.Spec{Docs: 10, Waiting: 7})
				c := home(t, srv, scheduler.Spec{})
				key := snapshot.Key{Database: "_replicator", DocID: "orders"}
				remove := srv.Inject(couchtest.Fault{Path: "/orders/", Do: behaviour})
				began := time.Now()
				if got := pending(read(t, c), "orders"); got != -1 || c.SourceTrouble(key) == nil {
					t.Errorf("Read: got %d pending and trouble %v, want it unknown, with a reason", got, c.SourceTrouble(key))
				}
				if took := time.Since(began); took > 6*time.Second {
					t.Errorf("Read took %v, want a source not to hold it up", took)
				}
				remove()
				if got := pending(read(t, c), "orders"); got != -1 {
					t.Errorf("Read a moment later: got %d pending, want it asked once a minute", got)
				}
				time.Sleep(time.Minute)
				if got := pending(read(t, c), "orders"); got != 7 || c.SourceTrouble(key) != nil {
					t.Errorf("Read after a minute: got %d pending and trouble %v, want 7 and none", got, c.SourceTrouble(key))
				}
			})
		})
	}
}

// remote is a server with a user, and another that replicates from it and does not know how much
// waits. The source has credentials in the document where with is set.
func remote(t *testing.T, with bool) (far, near *couchtest.Server, host string, spec scheduler.Spec) {
	t.Helper()
	serve := func(s *couchtest.Server) string {
		url, stop, err := s.Serve("")
		if err != nil {
			t.Fatalf("Serve: %v", err)
		}
		t.Cleanup(stop)
		return strings.TrimPrefix(url, "http://")
	}
	far = couchtest.New(couchtest.Options{Username: "reader", Password: password})
	host = serve(far)
	far.CreateDatabase("orders")
	near = couchtest.New(couchtest.Options{})
	source := host
	if with {
		source = "reader:s3cret%2F+%3F&%3A%40%20@" + host
	}
	blind(far, "orders", couchtest.Spec{Source: "orders", Docs: 10, Waiting: 7})
	// The sequence of the near one's job is one of the far source.
	blind(near, "orders", couchtest.Spec{Source: "http://" + source + "/orders", Docs: 10, Waiting: 7})
	return far, near, host, scheduler.Spec{URL: "http://" + serve(near)}
}

func TestSourcesNameCredentialsForAHost(t *testing.T) {
	for _, test := range []struct {
		name     string
		password secret.String
		want     int64
		reason   string
	}{
		{"the right ones", password, 7, ""},
		{"wrong ones", "wrong", -1, "401"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, host, spec := remote(t, false)
			c := dial(t, spec, nil)
			auth := scheduler.Auth{Username: "reader", Password: test.password}
			named := scheduler.SourceSpec{Host: host, Auth: auth}
			scheduler.Introduce([]*scheduler.Client{c}, []scheduler.SourceSpec{named})
			if got := pending(read(t, c), "orders"); got != test.want {
				t.Errorf("Read: got %d pending, want %d", got, test.want)
			}
			err := c.SourceTrouble(snapshot.Key{Database: "_replicator", DocID: "orders"})
			if err == nil && test.reason != "" || err != nil && !strings.Contains(err.Error(), test.reason) {
				t.Errorf("SourceTrouble: got %v, want %q", err, test.reason)
			}
		})
	}
}

func TestASourceOnAnotherServerIsAskedByItsClient(t *testing.T) {
	_, _, host, spec := remote(t, false)
	far := dial(t, scheduler.Spec{Name: "far", URL: "http://" + host, Auth: scheduler.Auth{Username: "reader", Password: password}}, nil)
	c := dial(t, spec, nil)
	scheduler.Introduce([]*scheduler.Client{c, far}, nil)
	if got := pending(read(t, c), "orders"); got != -1 {
		t.Errorf("Read before the other has signed in: got %d pending, want it unknown", got)
	}
	read(t, far)
	if got := pending(read(t, c), "orders"); got != 7 {
		t.Errorf("Read: got %d pending, want 7", got)
	}
}

func TestCredentialsOfAReplicationAreUsedOnlyWhereTheSpecSaysSo(t *testing.T) {
	far, near, _, spec := remote(t, true)
	c := dial(t, spec, nil)
	if got := pending(read(t, c), "orders"); got != -1 {
		t.Errorf("Read: got %d pending, want it unknown", got)
	}
	if n := near.Traffic()["GET /{db}/{id}"].Requests; n != 0 {
		t.Errorf("Read asked for %d documents, want none: they hold credentials", n)
	}
	spec.UseReplicationCredentials = true
	if got := pending(read(t, dial(t, spec, nil)), "orders"); got != 7 {
		t.Errorf("Read with the replication's credentials: got %d pending, want 7", got)
	}
	far.Inject(couchtest.Fault{Do: func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		w.WriteHeader(http.StatusForbidden)
		json.NewEncoder(w).Encode(map[string]string{"error": "forbidden", "reason": "not with " + r.Header.Get("Authorization")})
	}})
	c = dial(t, spec, nil)
	read(t, c)
	err := c.SourceTrouble(snapshot.Key{Database: "_replicator", DocID: "orders"})
	if err == nil || !strings.Contains(err.Error(), "403") || strings.Contains(err.Error(), "not with") {
		t.Errorf("SourceTrouble: got %v, want the status, and no word of an answer that may quote the credentials", err)
	}
}

func TestARecordingKeepsWhatSourcesSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := couchtest.New(couchtest.Options{})
		blind(srv, "orders", couchtest.Spec{Docs: 10, Waiting: 7})
		line := home(t, srv, scheduler.Spec{}).Record(t.Context(), time.Now())
		if diff := cmp.Diff(map[string]int64{"_replicator/orders": 7}, line.SourcePending); diff != "" {
			t.Errorf("source_pending (-want +got):\n%s", diff)
		}
		snap, err := line.Snapshot(nil)
		if err != nil || pending(snap, "orders") != 7 {
			t.Errorf("replayed: got %d pending, %v, want 7", pending(snap, "orders"), err)
		}
	})
}

func TestSourceSpecProblems(t *testing.T) {
	for _, test := range []struct {
		spec scheduler.SourceSpec
		want []string
	}{
		{scheduler.SourceSpec{Host: "db.example.com"}, nil},
		{scheduler.SourceSpec{Host: "db.example.com:6984", Auth: scheduler.Auth{Username: "a", Password: "b"}}, nil},
		{scheduler.SourceSpec{Host: "[::1]:5984"}, nil},
		{scheduler.SourceSpec{}, []string{"host: missing host"}},
		{scheduler.SourceSpec{Host: "https://db.example.com"}, []string{"host: not the name of a host"}},
		{scheduler.SourceSpec{Host: "db.example.com/orders"}, []string{"host: not the name of a host"}},
		{scheduler.SourceSpec{Host: "db", Auth: scheduler.Auth{Username: "a"}}, []string{`auth.password: user "a" has no password`}},
	} {
		var got []string
		for _, p := range test.spec.Problems() {
			got = append(got, p.Field+": "+p.Message)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("Problems of %q (-want +got):\n%s", test.spec.Host, diff)
		}
	}
}
