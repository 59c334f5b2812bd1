package ruletest

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"watchdog/alert"
	"watchdog/diag"
	"watchdog/rules"
)

// expectation is a compiled Expectation.
type expectation struct {
	path     string // in the file, as "tests[2].expect[0]"
	from, to int    // samples, the last one included
	alerts   []wanted
	messages []wanted
	// which of the two are asked for; none may be expected
	asksAlerts, asksMessages bool
}

// wanted is what is expected of one alert or message.
type wanted struct {
	fields []value
	// alerts are those in a message, where that is asked.
	alerts     []wanted
	asksAlerts bool
}

// value is a field and what it says.
type value struct{ Name, Text string }

// expected compiles what is expected.
func (c *compiler) expected() {
	if len(c.Expect) == 0 {
		c.problem("expect", "add what it must cause, as expect: [{at: 1m30s, alerts: []}]", "the test expects nothing")
	}
	for i := range c.Expect {
		e := &c.Expect[i]
		path := fmt.Sprintf("expect[%d]", i)
		if e.Alerts == nil && e.Messages == nil {
			c.problem(path, "add alerts: [] if there must be none", "nothing is expected at that moment")
		}
		one := expectation{path: c.path + "." + path, asksAlerts: e.Alerts != nil, asksMessages: e.Messages != nil}
		one.from, one.to = c.samplesOf(path, e)
		for j := range e.Alerts {
			one.alerts = append(one.alerts, c.alert(fmt.Sprintf("%s.alerts[%d]", path, j), &e.Alerts[j]))
		}
		for j := range e.Messages {
			one.messages = append(one.messages, c.message(fmt.Sprintf("%s.messages[%d]", path, j), &e.Messages[j]))
		}
		c.test.expect = append(c.test.expect, one)
	}
}

// samplesOf are the samples at which something is expected.
func (c *compiler) samplesOf(path string, e *Expectation) (from, to int) {
	if e.At == "" {
		c.problem(path, "add at: 0s for the first sample", "the moment is missing")
		return 0, 0
	}
	from, ok := c.sample(path+".at", e.At)
	if e.Until == "" || !ok {
		return from, from
	}
	if to, ok = c.sample(path+".until", e.Until); ok && to < from {
		c.problem(path+".until", "", "%s is before %s", e.Until, e.At)
	}
	return from, to
}

// sample is the one at a moment. In a recording it is the last one before or at it.
func (c *compiler) sample(field, text string) (int, bool) {
	at, err := readTime(text)
	if err != nil {
		c.problem(field, "write it like 1m30s, counted from the first sample", "%q is not a moment", text)
		return 0, false
	}
	if c.Recording != "" {
		return c.recordedSample(field, text, at.offset)
	}
	n := int(at.offset / c.Interval)
	switch {
	case at.offset < 0:
		c.problem(field, "the first sample is at 0s", "no sample is taken at %s", text)
		return 0, false
	case n >= maxSamples:
		c.problem(field, "", "a test has at most %d samples, and this would be number %d", maxSamples, n)
		return 0, false
	case at.offset%c.Interval != 0:
		before := time.Duration(n) * c.Interval
		c.problem(field, fmt.Sprintf("take %s or %s", short(before), short(before+c.Interval)),
			"no sample is taken at %s: there is one every %s", text, short(c.Interval))
		return 0, false
	}
	c.test.samples = max(c.test.samples, n+1)
	return n, true
}

func (c *compiler) recordedSample(field, text string, offset time.Duration) (int, bool) {
	all := c.test.recorded
	if len(all) == 0 {
		return 0, false // it could not be read
	}
	at := start.Add(offset) // of RFC 3339, where a whole second stands for all of it: so it is printed
	if !strings.Contains(text, ".") {
		at = at.Add(time.Second - 1)
	}
	if _, err := rules.ParseDuration(text); err == nil {
		at = all[0].At.Add(offset)
	}
	n := len(all) - 1
	for n >= 0 && all[n].At.After(at) {
		n--
	}
	if last := all[len(all)-1].At; n < 0 || at.Truncate(time.Second).After(last) {
		c.problem(field, "", "the recording goes from %s to %s", all[0].At.Format(time.RFC3339), last.Format(time.RFC3339))
		return 0, false
	}
	return n, true
}

// short is a duration as people write it: "1m30s", "10m".
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// alert compiles an expected alert, which stands at a path in the case.
func (c *compiler) alert(path string, spec *AlertSpec) wanted {
	var w wanted
	s := reflect.ValueOf(spec).Elem()
	for i := range s.NumField() {
		name := s.Type().Field(i).Tag.Get("yaml")
		text, ok := s.Field(i).Interface().(*string)
		if !ok || text == nil {
			continue
		}
		w.fields = append(w.fields, value{name, c.wantedValue(path+"."+name, name, *text)})
	}
	for _, label := range slices.Sorted(maps.Keys(spec.Labels)) {
		w.fields = append(w.fields, value{labelPrefix + label, spec.Labels[label]})
	}
	if len(w.fields) == 0 {
		c.problem(path, "add rule, doc_id and status at least", "the alert could be any")
	}
	return w
}

// labelPrefix begins the name of a field that is a label.
const labelPrefix = "labels."

// wantedValue checks an expected value of a field that has few, and makes those of times alike.
func (c *compiler) wantedValue(field, name, text string) string {
	switch name {
	case "status":
		c.oneOf(field, text, "a status", statuses)
	case "reason":
		c.oneOf(field, text, "a reason", reasons)
	case "severity":
		c.oneOf(field, text, "a severity", alert.Severities())
	case "rule":
		c.oneOf(field, text, "a rule", c.ruleNames())
	case "starts_at", "ends_at":
		if text == "" {
			return ""
		}
		at, err := readTime(text)
		if err != nil {
			c.problem(field, "write it like 1m30s, counted from the first sample", "%q is not a moment", text)
		}
		if _, err := rules.ParseDuration(text); err == nil {
			return c.test.moment(c.test.begin().Add(at.offset))
		}
		return c.test.moment(start.Add(at.offset))
	}
	return text
}

var (
	statuses = []string{
		string(alert.StatusPending), string(alert.StatusFiring), string(alert.StatusResolved), string(alert.StatusEvent),
	}
	// reasons are those of docs/webhook.md, and none for an alert that only goes on.
	reasons = []string{"", "new", "severity", "repeat", "unmuted", "escalated", "resolved", "deleted", "event"}
)

func (c *compiler) oneOf(field, text, what string, all []string) {
	if slices.Contains(all, text) {
		return
	}
	shown := slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == "" })
	hint := cmp.Or(diag.DidYouMean(text, shown), "those there are: "+strings.Join(shown, ", "))
	c.problem(field, hint, "%q is not %s", text, what)
}

// ruleNames are the rules that can be heard of in this test.
func (c *compiler) ruleNames() []string {
	var names []string
	for _, server := range c.test.serverNames() {
		for _, r := range c.plan.Rules(server) {
			if !slices.Contains(names, r.Name) {
				names = append(names, r.Name)
			}
		}
	}
	return names
}

// message compiles an expected message.
func (c *compiler) message(path string, spec *MessageSpec) wanted {
	var w wanted
	if spec.Sink != nil {
		c.oneOf(path+".sink", *spec.Sink, "a sink", c.plan.Sinks)
		w.fields = append(w.fields, value{"sink", *spec.Sink})
	}
	if spec.Headline != nil {
		w.fields = append(w.fields, value{"headline", *spec.Headline})
	}
	w.asksAlerts = spec.Alerts != nil
	for i := range spec.Alerts {
		w.alerts = append(w.alerts, c.alert(fmt.Sprintf("%s.alerts[%d]", path, i), &spec.Alerts[i]))
	}
	if len(w.fields) == 0 && !w.asksAlerts {
		c.problem(path, "add sink and headline", "the message could be any")
	}
	return w
}
