package ruletest

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"watchdog/alert"
	"watchdog/cycle"
	"watchdog/notify"
	"watchdog/rules"
	"watchdog/snapshot"
)

// begin is the time of the first sample.
func (t *Test) begin() time.Time {
	if len(t.recorded) > 0 {
		return t.recorded[0].At
	}
	return start
}

// moment is how a time reads in the test: counted from the first sample, or, in a recording, to
// the second as replay prints it.
func (t *Test) moment(at time.Time) string {
	if t.recorded != nil {
		return at.Format(time.RFC3339)
	}
	return short(at.Sub(start))
}

// serverNames are the servers that are seen, each once.
func (t *Test) serverNames() []string {
	var names []string
	for _, s := range t.servers {
		names = append(names, s.name)
	}
	for _, snap := range t.recorded {
		if !slices.Contains(names, snap.Server) {
			names = append(names, snap.Server)
		}
	}
	return names
}

// Run decides on each sample as the daemon would, and compares. A test that passed has no
// failures.
func (t *Test) Run() []Failure {
	r := run{test: t, cycles: map[string]*cycle.Cycle{}, states: map[string]*cycle.State{}}
	for _, name := range t.serverNames() {
		r.states[name] = cycle.NewState(name)
		r.cycles[name] = &cycle.Cycle{
			Rules:  rules.NewSet(rules.SetSpec{Labels: t.labelsOf(name), Rules: t.plan.Rules(name)}),
			Router: t.plan.Router,
		}
	}
	for _, s := range t.servers {
		s.rewind()
	}
	for i := range max(t.samples, len(t.recorded)) {
		r.step(i)
		seen := false
		for j := range t.expect {
			e := &t.expect[j]
			if i < e.from || e.to < i {
				continue
			}
			if !seen {
				r.see()
				seen = true
			}
			r.compare(e)
		}
	}
	return r.failures
}

func (t *Test) labelsOf(name string) map[string]string {
	for _, s := range t.servers {
		if s.name == name && s.labels != nil {
			return s.labels
		}
	}
	return t.plan.Labels(name)
}

// run is one run of a test.
type run struct {
	test     *Test
	cycles   map[string]*cycle.Cycle // by server
	states   map[string]*cycle.State
	at       time.Time
	outcomes []*cycle.Outcome // of the last sample
	alerts   []item           // likewise, where something is expected of them
	messages []item
	failures []Failure
}

// step decides on the sample at index i.
func (r *run) step(i int) {
	r.outcomes = r.outcomes[:0]
	for _, snap := range r.test.snapshots(i) {
		state := r.states[snap.Server]
		outcome := r.cycles[snap.Server].Step(state, snap, nil)
		state.Apply(outcome)
		r.at = snap.At
		r.outcomes = append(r.outcomes, outcome)
	}
}

// see makes ready what the sample is compared by.
func (r *run) see() {
	r.alerts, r.messages = nil, nil
	for _, o := range r.outcomes {
		r.take(o)
	}
	for _, state := range r.states {
		for _, a := range state.Alerts() {
			r.goOn(a)
		}
	}
	slices.SortFunc(r.alerts, compareItems)
}

// snapshots are those of the sample at index i.
func (t *Test) snapshots(i int) []*snapshot.Snapshot {
	if t.recorded != nil {
		return t.recorded[i : i+1]
	}
	at := start.Add(time.Duration(i) * t.interval)
	all := make([]*snapshot.Snapshot, len(t.servers))
	for j, s := range t.servers {
		all[j] = s.snapshot(i, at)
	}
	return all
}

// take notes what happened in a sample.
func (r *run) take(o *cycle.Outcome) {
	for i := range o.Transitions {
		t := &o.Transitions[i]
		r.alerts = append(r.alerts, r.item(&t.Alert, string(t.Reason)))
	}
	for i := range o.Messages {
		r.messages = append(r.messages, r.message(&o.Messages[i]))
	}
}

// goOn notes an alert that is pending or firing after the sample, unless it began in it.
func (r *run) goOn(a alert.Alert) {
	for _, it := range r.alerts {
		if it.alert.Fingerprint == a.Fingerprint && it.alert.Status == a.Status {
			return
		}
	}
	r.alerts = append(r.alerts, r.item(&a, ""))
}

// item is an alert or a message of a sample.
type item struct {
	alert   *alert.Alert    // nil for a message
	reason  string          // why the sample tells of the alert; "" when it does not
	message *notify.Message // nil for an alert
	alerts  []item          // of a message
	test    *Test
}

func (r *run) item(a *alert.Alert, reason string) item {
	return item{alert: a, reason: reason, test: r.test}
}

func (r *run) message(m *notify.Message) item {
	it := item{message: m}
	for i := range m.Alerts {
		it.alerts = append(it.alerts, r.item(&m.Alerts[i].Alert, string(m.Alerts[i].Reason)))
	}
	return it
}

func compareItems(a, b item) int {
	x := []string{a.alert.Rule, a.alert.Server, a.alert.Database, a.alert.DocID, string(a.alert.Status)}
	y := []string{b.alert.Rule, b.alert.Server, b.alert.Database, b.alert.DocID, string(b.alert.Status)}
	return slices.Compare(x, y)
}

// field is what a field of the item says.
func (it item) field(name string) string {
	if it.message != nil {
		if name == "sink" {
			return it.message.Sink
		}
		return it.message.Headline()
	}
	a := it.alert
	switch name {
	case "status":
		return string(a.Status)
	case "reason":
		return it.reason
	case "rule":
		return a.Rule
	case "severity":
		return a.Severity.String()
	case "server":
		return a.Server
	case "database":
		return a.Database
	case "doc_id":
		return a.DocID
	case "replication_id":
		return a.ReplicationID
	case "source":
		return a.Source
	case "target":
		return a.Target
	case "state":
		return a.State
	case "previous_state":
		return a.PreviousState
	case "error_count":
		if a.ErrorCount == nil {
			return ""
		}
		return strconv.FormatInt(*a.ErrorCount, 10)
	case "error":
		return a.Error
	case "summary":
		return a.Summary
	case "description":
		return a.Description
	case "runbook_url":
		return a.RunbookURL
	case "starts_at":
		return it.test.moment(a.StartsAt)
	case "ends_at":
		if a.EndsAt == nil {
			return ""
		}
		return it.test.moment(*a.EndsAt)
	}
	label, _ := strings.CutPrefix(name, labelPrefix)
	return a.Labels[label]
}

// names are the fields that tell people which item it is.
func (it item) names() []string {
	switch {
	case it.message != nil:
		return []string{"sink", "headline"}
	case it.alert.Subject().IsServer():
		return []string{"rule", "server", "status"}
	default:
		return []string{"rule", "doc_id", "status"}
	}
}
