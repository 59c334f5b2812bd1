package web

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"watchdog/alert"
	"watchdog/board"
	"watchdog/notify"
	"watchdog/snapshot"
)

// metrics are what /metrics shows. What is counted is kept here; all else is read from the board
// and the store when it is asked for. No label has values that grow: servers, checks, rules and
// sinks are those of the config.
type metrics struct {
	server      *Server
	registry    *prometheus.Registry
	duration    *prometheus.HistogramVec // of checks
	transitions *prometheus.CounterVec
	attempts    *prometheus.CounterVec
	failures    *prometheus.CounterVec // of attempts
	delivery    *prometheus.HistogramVec
}

// scrapeTimeout is how long the store may take to answer a scrape.
const scrapeTimeout = 5 * time.Second

func newMetrics(s *Server) *metrics {
	m := &metrics{
		server: s, registry: prometheus.NewRegistry(),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "watchdog_check_duration_seconds", Help: "How long a check took: reading the server, deciding, committing.",
			Buckets: []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120},
		}, []string{"server", "check"}),
		transitions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "watchdog_transitions_total", Help: "Changes of alerts that were decided, and told where a route leads to a sink.",
		}, []string{"rule", "severity", "status", "reason"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "watchdog_delivery_attempts_total", Help: "Attempts to deliver a message: sent, failed (it is tried again) or refused (it is not).",
		}, []string{"sink", "outcome"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "watchdog_delivery_failures_total",
			Help: "Attempts to deliver that did not succeed, by reason: timeout, connection, busy (the receiver says when to come again), refused (for good) or error (any other answer).",
		}, []string{"sink", "reason"}),
		delivery: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "watchdog_delivery_duration_seconds", Help: "How long an attempt to deliver a message took.",
			Buckets: []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"sink"}),
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.duration, m.transitions, m.attempts, m.failures, m.delivery, m,
	)
	return m
}

func (m *metrics) observe(c board.Change) {
	if check := c.View.Check(c.Check); check != nil {
		m.duration.WithLabelValues(c.View.Server, c.Check).Observe(check.Elapsed.Seconds())
	}
	for i := range c.Transitions {
		t := &c.Transitions[i]
		m.transitions.WithLabelValues(t.Rule, t.Severity.String(), string(t.Status), string(t.Reason)).Inc()
	}
}

// expect shows sinks to which nothing was sent yet.
func (m *metrics) expect(sinks []string) {
	for _, sink := range sinks {
		m.introduce(sink)
	}
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 2 * scrapeTimeout})
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("watchdog_"+name, help, labels, nil)
}

var (
	buildInfo     = describe("build_info", "The program that runs.", "version", "commit", "goversion")
	storeInfo     = describe("store_info", "Where state is kept.", "kind")
	storeUp       = describe("store_up", "Whether the store answers.")
	configGood    = describe("config_last_reload_successful", "Whether the config was good when it was last loaded.")
	configTime    = describe("config_last_reload_success_timestamp_seconds", "When a good config was last loaded.")
	heartbeatTime = describe("heartbeat_last_success_timestamp_seconds", "When a dead man's switch was last called.")
	streamCount   = describe("event_streams", "Readers of the live feed.")
	serverUp      = describe("server_up", "Whether the last look at the server was whole.", "server")
	replications  = describe("replications", "Replications by the state that CouchDB gives them.", "server", "state")
	alertCount    = describe("alerts", "Alerts that are pending or firing.", "rule", "severity", "status")
	alertMuted    = describe("muted_alerts", "Alerts that fire and nobody is told of: silenced, inhibited or in a window.", "rule", "severity", "by")
	checkRuns     = describe("check_runs_total", "Runs of a check.", "server", "check")
	checkFailures = describe("check_failures_total", "Runs of a check whose look was cut short, or that decided nothing.", "server", "check")
	checkGood     = describe("check_last_success_timestamp_seconds", "When the last run ended whose look was whole.", "server", "check")
	historyMissed = describe("history_missed_total", "Looks that history dropped, and writes of it that failed.")
	checkRequests = describe("check_requests_total", "Requests of a check, to its server and to sources that it asks.", "server", "check")
	checkBytes    = describe("check_received_bytes_total", "Bytes of the answers that a check read, uncompressed.", "server", "check")
	queueLength   = describe("queue_deliveries", "Deliveries that wait to be sent.", "sink")
	queueDead     = describe("queue_dead_deliveries", "Deliveries that were given up and wait for a hand.", "sink")
	queueParked   = describe("queue_parked_deliveries", "Deliveries that wait for a sink which is not in use.", "sink")
	replicasLive  = describe("replicas", "Replicas that live, as this one last saw.")
	leasesHeld    = describe("leases", "What this replica holds: servers that it watches, sinks that it sends to, Slack apps whose buttons it hears.", "kind")
	queueAge      = describe("queue_oldest_age_seconds", "How long the first delivery in the queue has waited; 0 when none does.", "sink")
)

// Describe implements prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		buildInfo, storeInfo, storeUp, configGood, configTime, heartbeatTime, streamCount, serverUp, replications, alertCount, alertMuted,
		checkRuns, checkFailures, checkGood, checkRequests, checkBytes, historyMissed, replicasLive, leasesHeld, queueLength, queueDead, queueParked, queueAge,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	s := m.server
	gauge(buildInfo, 1, s.Build.Version, s.Build.Commit, s.Build.Go)
	gauge(storeInfo, 1, s.Build.Store)
	gauge(streamCount, float64(s.feed.listeners()))
	if c := s.config.Load(); c != nil {
		gauge(configGood, number(c.err == nil))
		gauge(configTime, seconds(c.at))
	}
	out <- prometheus.MustNewConstMetric(historyMissed, prometheus.CounterValue, float64(s.Histories.Missed()))
	if s.Heartbeat != nil {
		if at := s.Heartbeat(); !at.IsZero() {
			gauge(heartbeatTime, seconds(at))
		}
	}
	m.collectLeases(gauge)
	m.collectServers(out, gauge)
	m.collectAlerts(gauge)
	m.collectQueues(gauge)
}

func (m *metrics) collectServers(out chan<- prometheus.Metric, gauge func(*prometheus.Desc, float64, ...string)) {
	for _, v := range m.server.Board.Views() {
		if v.Elsewhere {
			continue // the replica that watches it says this
		}
		if v.Looked != nil {
			gauge(serverUp, number(!v.Looked.Failed()), v.Server)
		}
		if v.Seen != nil {
			for state, n := range countStates(v.States) {
				gauge(replications, float64(n), v.Server, state)
			}
		}
		for i := range v.Checks {
			c := &v.Checks[i]
			for _, counted := range []struct {
				desc *prometheus.Desc
				n    float64
			}{
				{checkRuns, float64(c.Runs)},
				{checkFailures, float64(c.Failures)},
				{checkRequests, float64(c.Used.Requests)},
				{checkBytes, float64(c.Used.Bytes)},
			} {
				out <- prometheus.MustNewConstMetric(counted.desc, prometheus.CounterValue, counted.n, v.Server, c.Name)
			}
			if !c.LastGood.IsZero() {
				gauge(checkGood, seconds(c.LastGood), v.Server, c.Name)
			}
		}
	}
}

// unknownState stands for a state that the server did not give.
const unknownState = "unknown"

// countStates counts replications by state: all states that there are, and others that a server
// gave under one name, so that no server makes up values of a label.
func countStates(states map[string]int) map[string]int {
	counts := map[string]int{unknownState: 0}
	for _, state := range snapshot.States {
		counts[string(state)] = 0
	}
	for state, n := range states {
		if _, known := counts[state]; !known {
			state = unknownState
		}
		counts[state] += n
	}
	return counts
}

// total is how many replications there are.
func total(states map[string]int) (sum int) {
	for _, n := range states {
		sum += n
	}
	return sum
}

func (m *metrics) collectAlerts(gauge func(*prometheus.Desc, float64, ...string)) {
	type kind struct {
		rule     string
		severity alert.Severity
		status   alert.Status
	}
	type mute struct {
		rule     string
		severity alert.Severity
		by       string
	}
	counts, muted := map[kind]int{}, map[mute]int{}
	elsewhere := map[string]bool{}
	for _, v := range m.server.Board.Views() {
		elsewhere[v.Server] = v.Elsewhere
	}
	listed := m.server.listed(m.server.Board.Alerts())
	for i := range listed {
		a := &listed[i]
		if elsewhere[a.Server] {
			continue
		}
		k := kind{a.Rule, a.Severity, a.Status}
		counts[k]++
		if a.Status == alert.StatusFiring {
			for _, why := range a.MutedBy[:min(len(a.MutedBy), 1)] {
				muted[mute{a.Rule, a.Severity, notify.MuteKind(why)}]++
			}
		}
	}
	for k, n := range counts {
		gauge(alertCount, float64(n), k.rule, k.severity.String(), string(k.status))
	}
	for k, n := range muted {
		gauge(alertMuted, float64(n), k.rule, k.severity.String(), k.by)
	}
}

func (m *metrics) collectQueues(gauge func(*prometheus.Desc, float64, ...string)) {
	ctx, done := context.WithTimeout(context.Background(), scrapeTimeout)
	defer done()
	backlogs, err := m.server.Archive.Backlogs(ctx)
	gauge(storeUp, number(err == nil))
	if err != nil {
		return
	}
	type queue struct {
		waiting, dead, parked int
		age                   time.Duration
	}
	queues := map[string]queue{}
	for _, sink := range m.server.now.Load().Sinks {
		queues[sink] = queue{}
	}
	for _, b := range backlogs {
		q := queue{waiting: b.Waiting, dead: b.Dead}
		if !b.Oldest.IsZero() {
			q.age = max(time.Since(b.Oldest), 0)
		}
		if !b.ParkedSince.IsZero() {
			q.parked = b.Waiting
		}
		queues[b.Sink] = q
	}
	for sink, q := range queues {
		if !m.ours(sink) {
			continue
		}
		gauge(queueLength, float64(q.waiting), sink)
		gauge(queueDead, float64(q.dead), sink)
		gauge(queueParked, float64(q.parked), sink)
		gauge(queueAge, q.age.Seconds(), sink)
	}
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
