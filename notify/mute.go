package notify

import (
	"fmt"
	"time"

	"watchdog/alert"
	"watchdog/diag"
)

// InhibitSpec mutes alerts while another fires on the same server, as it is written in YAML.
type InhibitSpec struct {
	Source map[string][]string `yaml:"source"` // the alert that explains the others
	Target map[string][]string `yaml:"target"` // those that are muted while it fires
	Equal  []string            `yaml:"equal"`  // labels that both must have in common
}

type inhibition struct {
	source, target alert.Matchers
	equal          []string
}

func newInhibition(i int, s InhibitSpec) (inhibition, []diag.Problem) {
	var problems []diag.Problem
	for name, match := range map[string]map[string][]string{"source": s.Source, "target": s.Target} {
		if len(match) == 0 {
			problems = append(problems, diag.Problemf(fmt.Sprintf("inhibit[%d].%s", i, name),
				"say which alerts, as in {rule: server-unreachable}", "an empty match would fit every alert"))
		}
	}
	return inhibition{source: alert.NewMatchers(s.Source), target: alert.NewMatchers(s.Target), equal: s.Equal}, problems
}

func (in *inhibition) isSource(a *alert.Alert) bool {
	return in.source.Match(func(name string) string { return Label(a, name) })
}

// mutes reports whether a source, which fires, mutes target.
func (in *inhibition) mutes(source, target *alert.Alert) bool {
	if source.Fingerprint == target.Fingerprint ||
		!in.target.Match(func(name string) string { return Label(target, name) }) {
		return false
	}
	for _, name := range in.equal {
		if Label(source, name) != Label(target, name) {
			return false
		}
	}
	return true
}

// Schedule says when a window begins; cron schedules are one.
type Schedule interface {
	Next(after time.Time) time.Time
}

// Window is a named time that comes again and again.
type Window struct {
	Name     string
	Start    Schedule
	Duration time.Duration // real time, through changes of daylight saving too
}

// open reports whether the window is open, and until when.
func (w *Window) open(now time.Time) (until time.Time, open bool) {
	begin := w.Start.Next(now.Add(-w.Duration))
	if begin.IsZero() || begin.After(now) {
		return time.Time{}, false
	}
	for { // the last of those that have begun: windows may overlap
		next := w.Start.Next(begin)
		if next.IsZero() || next.After(now) {
			return begin.Add(w.Duration), true
		}
		begin = next
	}
}

func windowHint(name string, windows []Window) string {
	names := make([]string, len(windows))
	for i, w := range windows {
		names[i] = w.Name
	}
	if len(names) == 0 {
		return "define it under windows"
	}
	if hint := diag.DidYouMean(name, names); hint != "" {
		return hint
	}
	return fmt.Sprintf("there are %q", names)
}

// Standing is what people have said that stands: silences and acknowledgements, of all servers.
// It is never changed once made.
type Standing struct {
	Silences []Silence
	Acks     map[string]Ack // by fingerprint of the alert
}

// Ack says that somebody has an alert: it is not reminded of and not escalated. It ends with
// the alert.
type Ack struct {
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Comment string    `json:"comment"`
	// StartsAt is that of the alert: which of its lives is meant, whatever becomes of the clock.
	// Zero for one that an older version wrote.
	StartsAt time.Time `json:"starts_at,omitzero"`
	// Mute silences the alert as well: nothing is told of it until it resolves.
	Mute bool `json:"mute,omitempty"`
}

// Silence mutes the alerts that fit its matchers until it ends.
type Silence struct {
	ID        string              `json:"id"`
	Match     map[string][]string `json:"match"`
	StartsAt  time.Time           `json:"starts_at"`
	EndsAt    time.Time           `json:"ends_at"`
	CreatedBy string              `json:"created_by"`
	Comment   string              `json:"comment"`
}

// mutes reports whether the silence mutes an alert now.
func (s *Silence) mutes(a *alert.Alert, now time.Time) bool {
	return !now.Before(s.StartsAt) && now.Before(s.EndsAt) && len(s.Match) > 0 &&
		alert.NewMatchers(s.Match).Match(func(name string) string { return Label(a, name) })
}
