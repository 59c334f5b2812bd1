package couchtest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler/couchtest"
)

// world is a server with a clock that only Advance moves.
type world struct {
	t      *testing.T
	srv    *couchtest.Server
	client *http.Client
}

func newWorld(t *testing.T, o couchtest.Options) *world {
	t.Helper()
	start := time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC)
	if o.Now == nil {
		o.Now = func() time.Time { return start }
	}
	srv := couchtest.New(o)
	client, stop := srv.Client()
	t.Cleanup(stop)
	return &world{t, srv, client}
}

// get reads a JSON answer, whatever its status.
func (w *world) get(path string, into any) *http.Response {
	w.t.Helper()
	res, err := w.client.Get("http://couchdb" + path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		w.t.Fatalf("GET %s: %v", path, err)
	}
	return res
}

// history is the history of the one job there is, newest first, as "crashed@10 started@10".
func (w *world) history() string {
	w.t.Helper()
	var list struct {
		Jobs []struct {
			History []struct {
				Type      string
				Timestamp time.Time
			}
		}
	}
	w.get("/_scheduler/jobs", &list)
	if len(list.Jobs) == 0 {
		return "no job"
	}
	var events []string
	for _, e := range list.Jobs[0].History {
		events = append(events, e.Type+"@"+e.Timestamp.Format("04:05"))
	}
	return strings.Join(events, " ")
}

func TestErrorCountIsCouchDBsOwn(t *testing.T) {
	const s, m = time.Second, time.Minute
	wait := func(d time.Duration) func(*world, *couchtest.Replication) {
		return func(w *world, _ *couchtest.Replication) { w.srv.Advance(d) }
	}
	start := func(_ *world, r *couchtest.Replication) { r.Start() }
	stop := func(_ *world, r *couchtest.Replication) { r.Stop() }
	crash := func(_ *world, r *couchtest.Replication) { r.Crash("boom") }
	type steps []func(*world, *couchtest.Replication)
	times := func(n int, some ...func(*world, *couchtest.Replication)) (all steps) {
		for range n {
			all = append(all, some...)
		}
		return all
	}
	tests := []struct {
		name  string
		steps steps
		want  int64
		state couchtest.State
	}{
		{"three quick crashes count three", times(3, crash, wait(30*s)), 3, couchtest.Crashing},
		{"recovery does not reset it", append(times(3, crash, wait(30*s)), start, wait(30*24*time.Hour)), 3, couchtest.Running},
		{"one scheduler stop wipes it", append(times(3, crash, wait(30*s)), start, wait(s), stop), 0, couchtest.Pending},
		{"a crash more than two minutes after its start does not count", steps{start, wait(2*m + s), crash}, 0, couchtest.Crashing},
		{"a crash just two minutes after its start counts", steps{start, wait(2 * m), crash}, 1, couchtest.Crashing},
		{"a slow crash ends the streak before it", append(times(3, crash, wait(30*s)), start, wait(3*m), crash, wait(30*s), crash), 1, couchtest.Crashing},
		{"it saturates at ten", times(25, crash, wait(30*s)), 10, couchtest.Crashing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, couchtest.Options{})
			r := w.srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Pending})
			for _, step := range tt.steps {
				step(w, r)
			}
			if got := r.ErrorCount(); got != tt.want {
				t.Errorf("error_count: got %d, want %d; history %s", got, tt.want, w.history())
			}
			if got := r.State(); got != tt.state {
				t.Errorf("state: got %s, want %s", got, tt.state)
			}
		})
	}
}

func TestEveryStepWorksFromEveryState(t *testing.T) {
	states := []couchtest.State{
		couchtest.Unclaimed, couchtest.Initializing, couchtest.Erroring, couchtest.Pending,
		couchtest.Running, couchtest.Crashing, couchtest.Completed, couchtest.Failed,
	}
	steps := map[couchtest.State]func(*couchtest.Replication){
		couchtest.Running:      (*couchtest.Replication).Start,
		couchtest.Crashing:     func(r *couchtest.Replication) { r.Crash("boom") },
		couchtest.Erroring:     func(r *couchtest.Replication) { r.Fault("no filter") },
		couchtest.Failed:       func(r *couchtest.Replication) { r.Fail("bad") },
		couchtest.Completed:    (*couchtest.Replication).Complete,
		couchtest.Initializing: (*couchtest.Replication).Rewrite,
	}
	for _, from := range append(states, "deleted") {
		for to, step := range steps {
			t.Run(string(from)+" to "+string(to), func(t *testing.T) {
				w := newWorld(t, couchtest.Options{})
				spec := couchtest.Spec{State: from, Error: "before"}
				if from == "deleted" {
					spec.State = couchtest.Running
				}
				r := w.srv.Put("_replicator", "orders", spec)
				want := to
				if from == "deleted" {
					r.Delete()
					want = couchtest.Unclaimed
				}
				step(r)
				if got := r.State(); got != want {
					t.Errorf("state: got %s, want %s", got, want)
				}
				var jobs struct{ Jobs []struct{} }
				w.get("/_scheduler/jobs", &jobs)
				wantJobs := 0
				if want == couchtest.Running || want == couchtest.Crashing {
					wantJobs = 1
				}
				if len(jobs.Jobs) != wantJobs {
					t.Errorf("jobs: got %d, want %d", len(jobs.Jobs), wantJobs)
				}
			})
		}
	}
}

func TestHistoryKeepsTheLastTwentyEvents(t *testing.T) {
	w := newWorld(t, couchtest.Options{})
	r := w.srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running})
	if got, want := w.history(), "started@00:00 added@00:00"; got != want {
		t.Errorf("history of a new job: got %s, want %s", got, want)
	}
	for range 12 {
		w.srv.Advance(time.Second)
		r.Crash("boom")
	}
	got := strings.Fields(w.history())
	if len(got) != 20 || got[0] != "crashed@00:12" || got[19] != "started@00:03" {
		t.Errorf("history after 12 crashes: got %d events from %s to %s, want 20 from crashed@00:12 to started@00:03", len(got), got[0], got[len(got)-1])
	}
}

func TestTransientJobsAreForgottenWhenTheyEnd(t *testing.T) {
	for name, end := range map[string]func(*couchtest.Replication){
		"by a crash":    func(r *couchtest.Replication) { r.Crash("boom") },
		"by completing": (*couchtest.Replication).Complete,
		"by a cancel":   (*couchtest.Replication).Delete,
		"by a failure":  func(r *couchtest.Replication) { r.Fail("bad") },
		"by a restart":  nil,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, couchtest.Options{})
			r := w.srv.Transient(couchtest.Spec{User: "admin"})
			if got, want := w.history(), "started@00:00 added@00:00"; got != want {
				t.Errorf("history: got %s, want %s", got, want)
			}
			if end == nil {
				w.srv.Restart()
			} else {
				end(r)
			}
			if got := w.history(); got != "no job" {
				t.Errorf("after its end: got history %s, want no job", got)
			}
		})
	}
}

func TestCountersMoveWithTheClock(t *testing.T) {
	type sample struct {
		Written, Failures int64
		Pending           string
		Source            string // what the source says is waiting after through_seq
	}
	const null = "null"
	tests := []struct {
		name  string
		spec  couchtest.Spec
		after func(*world, *couchtest.Replication)
		want  sample
	}{
		{"nothing moves by itself without a rate", couchtest.Spec{Docs: 5}, nil, sample{5, 0, "0", "0"}},
		{"what comes is replicated at once", couchtest.Spec{Rate: 3}, nil, sample{30, 0, "0", "0"}},
		{"a backlog stays where the speed is that of the source", couchtest.Spec{Rate: 3, Waiting: 7}, nil, sample{30, 0, "7", "0"}},
		{"a backlog is worked off at the speed given", couchtest.Spec{Rate: 3, Waiting: 100, Speed: 10}, nil, sample{100, 0, "30", "0"}},
		{"a backlog grows where the source is faster", couchtest.Spec{Rate: 10, Speed: 4}, nil, sample{40, 0, "60", "0"}},
		{
			"progress by hand takes from what waits",
			couchtest.Spec{Waiting: 100},
			func(_ *world, r *couchtest.Replication) { r.Progress(30) },
			sample{30, 0, "70", "0"},
		},
		{
			"a new rate counts from then on",
			couchtest.Spec{Rate: 3},
			func(w *world, r *couchtest.Replication) { r.SetRate(1); w.srv.Advance(10 * time.Second) },
			sample{40, 0, "0", "0"},
		},
		{
			"a new speed counts from then on",
			couchtest.Spec{Rate: 3, Waiting: 100, Speed: 3},
			func(w *world, r *couchtest.Replication) { r.SetSpeed(10); w.srv.Advance(10 * time.Second) },
			sample{130, 0, "30", "0"},
		},
		{
			"a stall freezes the counters while the source grows",
			couchtest.Spec{Rate: 3},
			func(w *world, r *couchtest.Replication) { r.Stall(); w.srv.Advance(10 * time.Second) },
			sample{30, 0, "30", "0"},
		},
		{
			"after a stall what waited is done",
			couchtest.Spec{Rate: 3},
			func(w *world, r *couchtest.Replication) { r.Stall(); w.srv.Advance(10 * time.Second); r.Resume() },
			sample{60, 0, "0", "0"},
		},
		{
			"a refusing target turns writes into failures",
			couchtest.Spec{Rate: 3},
			func(w *world, r *couchtest.Replication) {
				r.SetEffect(couchtest.Refused)
				w.srv.Advance(10 * time.Second)
			},
			sample{30, 30, "0", "0"},
		},
		{
			"a filter moves the sequence and nothing else",
			couchtest.Spec{Rate: 3},
			func(w *world, r *couchtest.Replication) {
				r.SetEffect(couchtest.Filtered)
				w.srv.Advance(10 * time.Second)
			},
			sample{30, 0, "0", "0"},
		},
		{
			"an idle job that was restarted does not know what waits",
			couchtest.Spec{Docs: 5},
			func(w *world, r *couchtest.Replication) { r.Stop(); r.Start() },
			sample{5, 0, null, "0"},
		},
		{
			"a restarted job knows again after the next change",
			couchtest.Spec{Docs: 5},
			func(w *world, r *couchtest.Replication) { r.Stop(); r.Start(); r.Progress(1) },
			sample{6, 0, "0", "0"},
		},
		{
			"a restart of the server is a restart of all jobs",
			couchtest.Spec{Docs: 5},
			func(w *world, _ *couchtest.Replication) { w.srv.Restart() },
			sample{5, 0, null, "0"},
		},
		{
			"a job that hangs on its first request shows null though much waits",
			couchtest.Spec{Waiting: 2000},
			func(_ *world, r *couchtest.Replication) { r.SetPending(couchtest.Unknown) },
			sample{0, 0, null, "2000"},
		},
		{
			"counters survive a crash and a recovery",
			couchtest.Spec{Rate: 3},
			func(w *world, r *couchtest.Replication) {
				r.Crash("boom")
				w.srv.Advance(10 * time.Second)
				r.Recover()
			},
			sample{60, 0, "0", "0"},
		},
		{
			"counters survive deletion and re-creation",
			couchtest.Spec{Docs: 5},
			func(w *world, r *couchtest.Replication) {
				r.Delete()
				w.srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running})
			},
			sample{5, 0, null, "0"},
		},
		{
			"counters begin anew with another target",
			couchtest.Spec{Docs: 5},
			func(w *world, r *couchtest.Replication) {
				w.srv.Put("_replicator", "orders", couchtest.Spec{Target: "elsewhere", State: couchtest.Running})
			},
			sample{0, 0, "5", "5"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, couchtest.Options{})
			tt.spec.State = couchtest.Running
			r := w.srv.Put("_replicator", "orders", tt.spec)
			w.srv.Advance(10 * time.Second)
			if tt.after != nil {
				tt.after(w, r)
			}
			var row struct {
				Info struct {
					DocsWritten    int64           `json:"docs_written"`
					Failures       int64           `json:"doc_write_failures"`
					ChangesPending json.RawMessage `json:"changes_pending"`
					ThroughSeq     string          `json:"through_seq"`
				}
			}
			w.get("/_scheduler/docs/_replicator/orders", &row)
			got := sample{Written: row.Info.DocsWritten, Failures: row.Info.Failures, Pending: string(row.Info.ChangesPending)}
			var feed struct{ Pending json.RawMessage }
			w.get("/orders/_changes?limit=0&since="+row.Info.ThroughSeq, &feed)
			got.Source = string(feed.Pending)
			want := tt.want
			if want.Pending != null {
				want.Source = want.Pending // where both are known they agree
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("after %s (-want +got):\n%s", tt.name, diff)
			}
		})
	}
}

func TestTasksAreOfRunningJobsThatShowOne(t *testing.T) {
	w := newWorld(t, couchtest.Options{})
	lost := w.srv.Put("_replicator", "lost", couchtest.Spec{State: couchtest.Running})
	w.srv.Put("_replicator", "well", couchtest.Spec{State: couchtest.Running})
	w.srv.Put("_replicator", "waiting", couchtest.Spec{State: couchtest.Pending})
	w.srv.Put("_replicator", "crashing", couchtest.Spec{State: couchtest.Crashing})
	for _, tt := range []struct {
		hidden bool
		want   int
	}{{false, 2}, {true, 1}, {false, 2}} {
		lost.HideTask(tt.hidden)
		var tasks, jobs []struct{}
		list := struct{ Jobs *[]struct{} }{&jobs}
		w.get("/_active_tasks", &tasks)
		w.get("/_scheduler/jobs", &list)
		if len(tasks) != tt.want || len(jobs) != 4 || lost.State() != couchtest.Running {
			t.Errorf("with a hidden task %t: got %d tasks, %d jobs, state %s, want %d, 4, running", tt.hidden, len(tasks), len(jobs), lost.State(), tt.want)
		}
	}
}

func TestDuplicatesFailInWhateverDatabase(t *testing.T) {
	w := newWorld(t, couchtest.Options{})
	first := w.srv.Put("_replicator", "orders", couchtest.Spec{State: couchtest.Running})
	second := w.srv.Put("team/_replicator", "copy", couchtest.Spec{Source: "orders", State: couchtest.Running})
	if got := second.State(); got != couchtest.Failed {
		t.Errorf("state of the second: got %s, want failed", got)
	}
	first.Delete()
	if got := second.State(); got != couchtest.Failed {
		t.Errorf("state of the second after the first was deleted: got %s, want failed", got)
	}
	second.Start()
	if got := second.State(); got != couchtest.Running {
		t.Errorf("state of the second when it is written anew: got %s, want running", got)
	}
}

func TestANodeThatIsDownTakesItsJobsAlongInSilence(t *testing.T) {
	w := newWorld(t, couchtest.Options{Nodes: []string{"couchdb@a", "couchdb@b"}})
	w.srv.Put("_replicator", "here", couchtest.Spec{State: couchtest.Running})
	w.srv.Put("_replicator", "there", couchtest.Spec{State: couchtest.Running, Node: "couchdb@b"})
	look := func() [4]int {
		var jobs struct {
			TotalRows int `json:"total_rows"`
			Jobs      []struct{}
		}
		var docs struct{ Docs []struct{} }
		var members struct {
			AllNodes []string `json:"all_nodes"`
		}
		w.get("/_scheduler/jobs", &jobs)
		w.get("/_scheduler/docs", &docs)
		w.get("/_membership", &members)
		return [4]int{jobs.TotalRows, len(jobs.Jobs), len(docs.Docs), len(members.AllNodes)}
	}
	if got, want := look(), [4]int{2, 2, 2, 2}; got != want {
		t.Errorf("total_rows, jobs, docs, nodes: got %v, want %v", got, want)
	}
	w.srv.NodeDown("couchdb@b", true)
	if got, want := look(), [4]int{1, 1, 1, 1}; got != want {
		t.Errorf("with a node down: got %v, want %v", got, want)
	}
	var row struct{ State *string }
	if res := w.get("/_scheduler/docs/_replicator/there", &row); res.StatusCode != 200 || row.State != nil {
		t.Errorf("document of the node that is down: got %d with state %v, want 200 with null", res.StatusCode, row.State)
	}
	w.srv.NodeDown("couchdb@b", false)
	if got, want := look(), [4]int{2, 2, 2, 2}; got != want {
		t.Errorf("with the node back: got %v, want %v", got, want)
	}
}
