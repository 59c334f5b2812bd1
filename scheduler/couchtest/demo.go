package couchtest

import (
	"slices"
	"time"
)

// DemoCycle is how long the story of Demo takes before it begins again.
const DemoCycle = 80 * time.Second

// Demo is a server with a story to watch: a dozen replications, most of which are well. Times
// are from the call, and again after each DemoCycle:
//
//	 0s  nightly-archive, which is not continuous, starts to copy
//	 2s  orders-dr is written as a duplicate of orders: failed
//	 3s  the source of orders is gone: crashing
//	 4s  invoices hangs: running, but changes_pending grows and docs_written stands
//	 9s  the source of orders is back: running, error_count stays 1
//	13s  invoices goes on and works off what waits
//	20s  nightly-archive completes
//	30s  orders-dr is rewritten with a target of its own: running, a whole copy to make
//	32s  geo, in team/_replicator, waits for its turn: pending, until 36s
//	38s  the target of payments refuses every write, until 46s: only doc_write_failures tells
//	45s  the target of sessions is down: crashing, tried in vain at 48s and 52s, running at 58s
//	50s  mail-archive is deleted, and written again at 70s
//	64s  reports is rewritten with a filter that is not there: error, until 72s
//
// audit-log has had nothing to do since the server was restarted an hour ago, so its
// changes_pending is null, and nothing is wrong with it. A real scheduler would take longer for
// what is told here (its first retry comes after 30 s); it would show the same.
func Demo(o Options) *Server {
	o.Databases = slices.Concat(o.Databases, []string{"team/_replicator"})
	s := New(o)
	d := &demo{s: s}
	s.past(2*time.Hour, d.write)
	s.past(time.Hour, s.Restart)
	d.tell()
	return s
}

// demo is the cast.
type demo struct {
	s *Server

	orders, invoices, payments, sessions, nightly, mail, reports, geo *Replication
}

// replica is where the demo's databases are copied to.
const replica = "https://replica.example.com/"

// write writes the documents of the beginning.
func (d *demo) write() {
	put := func(id string, spec Spec) *Replication {
		spec.Target, spec.State = replica+id, Running
		return d.s.Put("_replicator", id, spec)
	}
	d.orders = put("orders", Spec{Rate: 12, Speed: 60})
	d.invoices = put("invoices", Spec{Rate: 8, Speed: 40})
	d.payments = put("payments", Spec{Rate: 6, Waiting: 9})
	d.sessions = put("sessions", Spec{Rate: 40, Speed: 400})
	d.reports = put("reports", Spec{Rate: 1, Filter: "reports/published"})
	put("customers", Spec{Rate: 2})
	put("products", Spec{Rate: 0.5})
	put("audit-log", Spec{Docs: 1840})
	d.putMail(25310)
	d.nightly = d.s.Put("_replicator", "nightly-archive", Spec{
		Source: "archive", Target: replica + "archive", OneShot: true, Waiting: 1200, Speed: 60, State: Completed,
	})
	d.geo = d.s.Put("team/_replicator", "geo", Spec{
		Source: "places", Target: "https://eu.example.com/places", Rate: 3, State: Running,
	})
}

func (d *demo) putMail(docs int64) {
	d.mail = d.s.Put("_replicator", "mail-archive", Spec{
		Source: "mail", Target: replica + "mail", Docs: docs, Rate: 0.2, State: Running,
	})
}

// tell plays one cycle, and the next after it.
func (d *demo) tell() {
	s := d.s
	const (
		sessionsDown = "{http_request_failed,\"GET\",\"" + replica + "sessions/\",\n                     {error,{conn_failed,{error,econnrefused}}}}"
		noFilter     = "Couldn't open document `_design/reports` from source database `"
	)
	for _, scene := range []struct {
		at   time.Duration
		text string
		do   func()
	}{
		{0, "nightly-archive, a copy that ends, is started", func() { d.nightly.Start(); d.nightly.SetPending(1200) }},
		{2 * time.Second, "orders-dr is written, a duplicate of orders", func() { d.putCopy(replica + "orders") }},
		{3 * time.Second, "the source of orders is deleted", func() {
			s.DeleteDatabase("orders")
			d.orders.Stop() // the scheduler gives the place to another, and gets it back:
			d.orders.Crash("db_not_found: could not open " + s.URL("orders"))
		}},
		{4 * time.Second, "invoices hangs: it will say running, and write nothing", d.invoices.Stall},
		{9 * time.Second, "the source of orders is back", func() { s.CreateDatabase("orders"); d.orders.Recover() }},
		{13 * time.Second, "invoices goes on, and works off what waits", d.invoices.Resume},
		{20 * time.Second, "nightly-archive has copied everything", d.nightly.Complete},
		{30 * time.Second, "orders-dr is rewritten with a target of its own", func() { d.putCopy("https://eu.example.com/orders") }},
		{32 * time.Second, "geo must wait for a place in the scheduler", d.geo.Stop},
		{36 * time.Second, "geo has its place again", d.geo.Start},
		{38 * time.Second, "the target of payments begins to refuse every write", func() { d.payments.SetEffect(Refused) }},
		{45 * time.Second, "the target of sessions goes down", func() { d.sessions.Crash(sessionsDown) }},
		{46 * time.Second, "the target of payments takes writes again", func() { d.payments.SetEffect(Written) }},
		{48 * time.Second, "sessions is tried again, in vain", func() { d.sessions.Crash(sessionsDown) }},
		{50 * time.Second, "somebody deletes mail-archive", func() { d.mail.Delete() }},
		{52 * time.Second, "sessions is tried again, in vain", func() { d.sessions.Crash(sessionsDown) }},
		{58 * time.Second, "the target of sessions is up again", d.sessions.Recover},
		{64 * time.Second, "reports is rewritten with a filter that is not there", func() {
			d.reports.Rewrite()
			d.reports.Fault(noFilter + s.URL("reports") + "`: {error,<<\"not_found\">>}")
		}},
		{70 * time.Second, "mail-archive is written again", func() { d.putMail(0) }},
		{72 * time.Second, "reports gets a filter that is there", func() { d.reports.Rewrite(); d.reports.Start() }},
		{DemoCycle, "the story begins again", d.tell},
	} {
		s.After(scene.at, func() {
			if s.opts.Say != nil {
				s.opts.Say(scene.text)
			}
			scene.do()
		})
	}
}

// putCopy writes the document that wants a second copy of orders.
func (d *demo) putCopy(target string) {
	d.s.Put("_replicator", "orders-dr", Spec{Source: "orders", Target: target, Speed: 6000, State: Running})
}
