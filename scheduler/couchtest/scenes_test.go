package couchtest_test

import "watchdog/scheduler/couchtest"

// scene is a state of the lab and what was asked of it then.
type scene struct {
	name  string
	stage func(*lab)
	asked []asked
}

const docsOf = "/_scheduler/docs/_replicator/"

var scenes = []scene{
	{"lists of documents", stageAll, []asked{
		{recording: "docs-all", request: "/_scheduler/docs"},
		{recording: "docs-all-raw-chunked", request: "/_scheduler/docs"},
		{recording: "docs-db-replicator", request: "/_scheduler/docs/_replicator"},
		{recording: "docs-db-team-escaped", request: "/_scheduler/docs/team%2F_replicator"},
		{recording: "docs-db-team-unescaped", request: "/_scheduler/docs/team/_replicator"},
		{recording: "docs-db-not-replicator", request: "/_scheduler/docs/src1"},
		{recording: "docs-db-short", request: "/_scheduler/docs/x"},
		{recording: "docs-db-unknown", request: "/_scheduler/docs/other%2F_replicator"},
		{recording: "docs-accept-none", request: "/_scheduler/docs?limit=1", header: "Accept: */*"},
		{recording: "docs-accept-text", request: "/_scheduler/docs?limit=1", header: "Accept: text/html"},
		{recording: "docs-gzip", request: "/_scheduler/docs?limit=2", header: "Accept-Encoding: gzip"},
		{recording: "docs-if-none-match", request: "/_scheduler/docs?limit=2", header: "If-None-Match: *"},
		{recording: "docs-limit", request: "/_scheduler/docs?limit=3"},
		{recording: "docs-limit-0", request: "/_scheduler/docs?limit=0"},
		{recording: "docs-limit-1-ddoc-gap", request: "/_scheduler/docs?limit=1"},
		{recording: "docs-limit-2-ddoc-gap", request: "/_scheduler/docs?limit=2"},
		{recording: "docs-limit-skip", request: "/_scheduler/docs?limit=3&skip=2"},
		{recording: "docs-limit-invalid", request: "/_scheduler/docs?limit=abc"},
		{recording: "docs-limit-negative", request: "/_scheduler/docs?limit=-1"},
		{recording: "docs-skip-invalid", request: "/_scheduler/docs?skip=x"},
		{recording: "docs-skip-past-end", request: "/_scheduler/docs?limit=3&skip=1000"},
		{recording: "docs-startkey", request: "/_scheduler/docs?startkey=%22cont-running%22&limit=3"},
		{recording: "docs-start_key", request: "/_scheduler/docs?start_key=%22cont-running%22&limit=3"},
		{recording: "docs-startkey-skip1", request: "/_scheduler/docs?startkey=%22cont-running%22&skip=1&limit=3"},
		{recording: "docs-startkey-endkey", request: "/_scheduler/docs?startkey=%22crash%22&endkey=%22crash-no%22"},
		{recording: "docs-endkey-exclusive", request: "/_scheduler/docs?startkey=%22crash-missing-db%22&endkey=%22crash-nxdomain%22&inclusive_end=false"},
		{recording: "docs-startkey-unquoted", request: "/_scheduler/docs?startkey=cont"},
		{recording: "docs-descending", request: "/_scheduler/docs?descending=true&limit=3"},
		{recording: "docs-key", request: "/_scheduler/docs?key=%22cont-idle%22"},
		{recording: "docs-keys", request: "/_scheduler/docs?keys=%5B%22cont-idle%22,%22oneshot-done%22%5D"},
		{recording: "docs-states-completed", request: "/_scheduler/docs?states=completed"},
		{recording: "docs-states-failed-crashing", request: "/_scheduler/docs?states=failed,crashing"},
		{recording: "docs-states-filter-limit", request: "/_scheduler/docs?states=failed,crashing&limit=3"},
		{recording: "docs-states-none-match", request: "/_scheduler/docs?states=pending"},
		{recording: "docs-states-unknown", request: "/_scheduler/docs?states=bogus"},
		{recording: "docs-states-uppercase", request: "/_scheduler/docs?states=FAILED"},
		{recording: "head-docs", request: "HEAD /_scheduler/docs"},
		{recording: "post-docs", request: "POST /_scheduler/docs", body: "{}"},
	}},
	{"one document", stageAll, []asked{
		{recording: "doc-auth-object", request: docsOf + "auth-object"},
		{recording: "doc-completed", request: docsOf + "oneshot-done"},
		{recording: "doc-completed-empty", request: docsOf + "oneshot-empty"},
		{recording: "doc-crashing-filter-compile", request: docsOf + "filter-compile"},
		{recording: "doc-crashing-missing-db", request: docsOf + "crash-missing-db"},
		{recording: "doc-crashing-no-target", request: docsOf + "crash-no-target"},
		{recording: "doc-crashing-nxdomain", request: docsOf + "crash-nxdomain"},
		{recording: "doc-crashing-refused", request: docsOf + "crash-refused"},
		{recording: "doc-crashing-unauth", request: docsOf + "crash-unauth"},
		{recording: "doc-designdoc", request: docsOf + "_design/v"},
		{recording: "doc-error", request: docsOf + "error-filter"},
		{recording: "doc-failed-by-hand", request: docsOf + "failed-by-hand"},
		{recording: "doc-failed-duplicate", request: docsOf + "zz-duplicate"},
		{recording: "doc-missing", request: docsOf + "no-such-doc"},
		{recording: "doc-odd-colon", request: docsOf + "odd%3Acolon%40at"},
		{recording: "doc-odd-literal-2F", request: docsOf + "odd%252Fpct"},
		{recording: "doc-odd-percent", request: docsOf + "odd100%25"},
		{recording: "doc-odd-plus-unescaped", request: docsOf + "odd+plus"},
		{recording: "doc-odd-plus", request: docsOf + "odd%2Bplus"},
		{recording: "doc-odd-query", request: docsOf + "odd%3Fq%3D1%26x%3D2"},
		{recording: "doc-odd-quote", request: docsOf + "odd%22quote"},
		{recording: "doc-odd-slash-unescaped", request: docsOf + "odd/slash"},
		{recording: "doc-odd-slash", request: docsOf + "odd%2Fslash"},
		{recording: "doc-odd-space-as-plus", request: docsOf + "odd+with+space"},
		{recording: "doc-odd-space", request: docsOf + "odd%20with%20space"},
		{recording: "doc-odd-unicode", request: docsOf + "odd%20s%C3%B8ren%20%E2%98%83"},
		{recording: "doc-running", request: docsOf + "cont-running"},
		{recording: "doc-running-empty", request: docsOf + "cont-empty"},
		{recording: "doc-running-filter", request: docsOf + "filter-ok"},
		{recording: "doc-running-idle", request: docsOf + "cont-idle"},
		{recording: "doc-team", request: "/_scheduler/docs/team%2F_replicator/team-cont"},
		{recording: "doc-team-odd", request: "/_scheduler/docs/team%2F_replicator/a%2Fb%20c"},
		{recording: "doc-team-unescaped", request: "/_scheduler/docs/team/_replicator/team-cont"},
		{recording: "head-doc", request: "HEAD " + docsOf + "cont-running"},
		{recording: "head-doc-missing", request: "HEAD " + docsOf + "nope"},
	}},
	{"jobs and tasks", stageAll, []asked{
		{recording: "jobs-all", request: "/_scheduler/jobs"},
		{recording: "jobs-limit", request: "/_scheduler/jobs?limit=2"},
		{recording: "jobs-limit-0", request: "/_scheduler/jobs?limit=0"},
		{recording: "jobs-limit-skip", request: "/_scheduler/jobs?limit=2&skip=3"},
		{recording: "jobs-limit-invalid", request: "/_scheduler/jobs?limit=abc"},
		{recording: "jobs-limit-negative", request: "/_scheduler/jobs?limit=-1"},
		{recording: "jobs-skip-past-end", request: "/_scheduler/jobs?limit=2&skip=1000"},
		{recording: "jobs-gzip", request: "/_scheduler/jobs?limit=1", header: "Accept-Encoding: gzip"},
		{recording: "jobs-if-none-match", request: "/_scheduler/jobs?limit=1", header: `If-None-Match: "x"`},
		{recording: "job-crashing", request: "/_scheduler/jobs/267c7c488bdadf0d6cf509e2d3285ed5%2Bcontinuous"},
		{recording: "job-idle", request: "/_scheduler/jobs/6ba7305de7d0c12d5e5882840590ab94%2Bcontinuous"},
		{recording: "job-missing", request: "/_scheduler/jobs/deadbeef"},
		{recording: "job-running", request: "/_scheduler/jobs/f857f4237e2597ad4b67e57a25fcc2ba%2Bcontinuous"},
		{recording: "job-running-plus-unescaped", request: "/_scheduler/jobs/f857f4237e2597ad4b67e57a25fcc2ba+continuous"},
		{recording: "job-transient", request: "/_scheduler/jobs/facd9fcaae0024404eed701c41809a19%2Bcontinuous"},
		{recording: "delete-jobs", request: "DELETE /_scheduler/jobs"},
		{recording: "head-jobs", request: "HEAD /_scheduler/jobs"},
		{recording: "active-tasks", request: "/_active_tasks"},
	}},
	{"the replicator database", stageAll, []asked{
		{recording: "replicator-doc-completed", request: "/_replicator/oneshot-done"},
		{recording: "replicator-doc-crashing", request: "/_replicator/crash-refused"},
		{recording: "replicator-doc-failed", request: "/_replicator/zz-duplicate"},
		{recording: "put-bad-url", request: "PUT /_replicator/bad2", body: `{"source":"http://","target":"http://127.0.0.1:5984/x"}`},
		{recording: "put-local-endpoint", request: "PUT /_replicator/bad3", body: `{"source":"src1","target":"t"}`},
		{recording: "put-missing-target", request: "PUT /_replicator/bad1", body: `{"source":"http://127.0.0.1:5984/src1"}`},
	}},
	{"the server, sessions and refusals", stageAll, []asked{
		{recording: "root", request: "/", as: "-"},
		{recording: "root-auth", request: "/"},
		{recording: "head-root", request: "HEAD /"},
		{recording: "up", request: "/_up", as: "-"},
		{recording: "session-cookie-use", request: "/_up", as: "-"},
		{recording: "head-up", request: "HEAD /_up"},
		{recording: "membership", request: "/_membership"},
		{recording: "stats-couch-replicator", request: "/_node/_local/_stats/couch_replicator"},
		{recording: "scheduler-root", request: "/_scheduler"},
		{recording: "scheduler-unknown", request: "/_scheduler/foo"},
		{recording: "anonymous-doc", request: docsOf + "cont-running", as: "-"},
		{recording: "anonymous-docs", request: "/_scheduler/docs", as: "-"},
		{recording: "anonymous-jobs", request: "/_scheduler/jobs", as: "-"},
		{recording: "bad-cookie", request: "/_scheduler/docs", as: "-", header: "Cookie: AuthSession=YWRtaW46NUVGNjAwMDA6AAAA"},
		{recording: "non-admin-docs", request: "/_scheduler/docs", as: "plain:plainpw"},
		{recording: "non-admin-jobs", request: "/_scheduler/jobs", as: "plain:plainpw"},
		{recording: "metrics-role-docs", request: "/_scheduler/docs", as: "met:metpw"},
		{recording: "wrong-password", request: "/_scheduler/docs", as: "nobody2:wrong"},
		{recording: "wrong-password-jobs", request: "/_scheduler/jobs", as: "nobody2:wrong"},
		{recording: "session-get-anon", request: "/_session", as: "-"},
		{recording: "session-get-basic", request: "/_session"},
		{recording: "session-post", request: "POST /_session", as: "-", body: "name=admin&password=secret"},
		{recording: "session-post-json", request: "POST /_session", as: "-", body: `{"name":"admin","password":"secret"}`},
		{recording: "session-post-wrong", request: "POST /_session", as: "-", body: `{"name":"nobody1","password":"x"}`},
		{recording: "session-delete", request: "DELETE /_session", as: "-"},
	}},
	{"a user who was wrong five times", stageLockout, []asked{
		{recording: "lockout-403", request: "/_scheduler/docs", as: "mon:bad"},
		{recording: "lockout-403-right-password", request: "/_scheduler/docs", as: "mon:monpw"},
	}},
	{"a filter that hangs, and too many jobs", stagePending, []asked{
		{recording: "doc-pending-never-started", request: docsOf + "pending-new"},
		{recording: "doc-pending-stopped", request: docsOf + "auth-object"},
		{recording: "job-pending-never-started", request: "/_scheduler/jobs/c2e00ecf342820e3e371fca80cc558be%2Bcontinuous%2Bcreate_target"},
		{recording: "job-pending-stopped", request: "/_scheduler/jobs/842a32bdff54da336044f10a3fb0f955%2Bcontinuous%2Bcreate_target"},
	}},
	{"a document that is taken up", stageInitializing, []asked{
		{recording: "doc-initializing", request: docsOf + "init-hanging-filter"},
	}},
	{"a job that has told nothing, and a document made invalid", stageFresh, []asked{
		{recording: "doc-running-info-null", request: "/_scheduler/docs/lab%2F_replicator/fresh"},
		{recording: "job-running-info-null", request: "/_scheduler/jobs/936032189234c45459d02306ad8098b6%2Bcontinuous%2Bcreate_target"},
		{recording: "doc-failed-protocol", request: "/_scheduler/docs/lab%2F_replicator/will-fail"},
		{recording: "replicator-doc-failed-protocol", request: "/lab%2F_replicator/will-fail"},
	}},
	{"a job that hangs", stageStuck, []asked{
		{recording: "doc-stuck", request: docsOf + "orders-cont"},
		{recording: "job-stuck", request: "/_scheduler/jobs/71da5cec47532f08a59463babaeecbd1%2Bcontinuous%2Bcreate_target"},
		{recording: "active-tasks-stuck", request: "/_active_tasks"},
	}},
	{"jobs that hang with an unknown backlog", stageStuckUnknown, []asked{
		{recording: "doc-stuck-default", request: docsOf + "stuck-default"},
		{recording: "job-stuck-default", request: "/_scheduler/jobs/3cbaf3dbc7dc24cc74cd1643727bf2c5%2Bcontinuous%2Bcreate_target"},
		{recording: "job-stuck-long", request: "/_scheduler/jobs/4f3a4c6bf93a342dcaf47cb83d75c1c5%2Bcontinuous%2Bcreate_target"},
	}},
	{"an idle replication after a restart", stageIdle, []asked{
		{recording: "doc-idle-after-restart", request: docsOf + "idle-1"},
		{recording: "jobs-idle-after-restart", request: "/_scheduler/jobs?limit=1000"},
		{recording: "source-pending-zero", request: "/idle_src/_changes?since=5-g1AAAACbeJzLYWBg&limit=0"},
		{recording: "source-pending-five", request: "/idle_src/_changes?since=0&limit=0"},
	}},
}

func stageLockout(l *lab) {
	for range 5 {
		l.ask(l.t, asked{request: "/_scheduler/docs", as: "mon:bad"})
	}
}

func stagePending(l *lab) {
	l.at("07:09:47")
	auth := l.put("auth-object", "src_small", "tgt_auth", couchtest.Spec{CreateTarget: true, Docs: 10, State: couchtest.Running})
	l.at("07:13:56")
	auth.Stop()
	l.at("07:13:57")
	l.put("pending-new", "src1", "tgt_pn", couchtest.Spec{
		CreateTarget: true, State: couchtest.Pending, JobID: "c2e00ecf342820e3e371fca80cc558be+continuous+create_target",
	})
}

func stageInitializing(l *lab) {
	l.at("07:13:51")
	l.put("init-hanging-filter", "src1", "tgt_init", couchtest.Spec{})
}

func stageFresh(l *lab) {
	l.at("07:35:45")
	l.putIn("lab/_replicator", "fresh", "ex_null", "ex_null_t", couchtest.Spec{
		CreateTarget: true, State: couchtest.Running, Silent: true,
		JobID: "936032189234c45459d02306ad8098b6+continuous+create_target",
	})
	invalid := l.putIn("lab/_replicator", "will-fail", "ex_null", "ex_null_t2", couchtest.Spec{CreateTarget: true, State: couchtest.Running})
	l.at("07:35:54")
	invalid.FailInvalid()
}

func stageStuck(l *lab) {
	l.at("07:25:32")
	for _, r := range []*couchtest.Replication{
		l.put("cont-running", "src1", "tgt_run", couchtest.Spec{Docs: 201, State: couchtest.Running}),
		l.putIn("team/_replicator", "team-cont", "src1", "tgt_team", couchtest.Spec{
			Docs: 201, State: couchtest.Running, JobID: "6e8b5d8d25be37806526d9534564820f+continuous",
		}),
	} {
		r.SetCounters(func(c *couchtest.Counters) { c.BulkGetDocs, c.BulkGetAttempts = 200, 200 })
	}
	l.srv.Restart()
	l.at("07:25:42")
	orders := l.put("orders-cont", "http://127.0.0.1:5990/tl_orders", "tl_orders_t", couchtest.Spec{
		CreateTarget: true, Docs: 100, State: couchtest.Running,
		JobID: "71da5cec47532f08a59463babaeecbd1+continuous+create_target",
	})
	l.at("07:26:00")
	orders.Stall()
	orders.SetPending(75)
	l.at("07:26:20")
}

func stageStuckUnknown(l *lab) {
	l.at("07:16:50")
	l.put("stuck-long", "http://127.0.0.1:5990/src_stuck", "tgt_stuck1", couchtest.Spec{
		CreateTarget: true, Docs: 201, Waiting: 1800, State: couchtest.Running,
		JobID: "4f3a4c6bf93a342dcaf47cb83d75c1c5+continuous+create_target",
	}).SetPending(couchtest.Unknown)
	l.at("07:16:54")
	l.put("stuck-default", "http://127.0.0.1:5990/src_stuck", "tgt_stuck2", couchtest.Spec{
		CreateTarget: true, State: couchtest.Running,
		JobID: "3cbaf3dbc7dc24cc74cd1643727bf2c5+continuous+create_target",
	}).SetPending(couchtest.Unknown)
	l.at("07:17:39")
}

func stageIdle(l *lab) {
	l.at("07:51:27")
	idle := l.put("idle-1", "idle_src", "idle_tgt", couchtest.Spec{
		CreateTarget: true, Docs: 5, State: couchtest.Running,
		JobID: "8c088400129b03716d8e3860ef429f6c+continuous+create_target",
	})
	l.at("07:55:16")
	idle.Stop()
	l.at("07:56:51")
	idle.Start()
	l.at("07:59:34")
}
