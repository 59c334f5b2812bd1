package config

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"watchdog/diag"
	"watchdog/rules"
)

// Schedule says when a check runs.
type Schedule struct {
	Text string // as it was written

	runs     cron.Schedule
	location *time.Location
}

// Next is the first run after t, in t's location. Like cron, it leaves out a local time that
// the clock skips in spring, and comes twice to one that it repeats in autumn.
func (s Schedule) Next(t time.Time) time.Time {
	return s.runs.Next(t.In(s.location)).In(t.Location())
}

// Spread gives a schedule of a fixed interval instants of its own, which any process finds for the
// same key: many servers of one @every are then looked at one after the other, and a server at the
// same instants by whoever watches it. What names its instants itself is left as it is.
func (s Schedule) Spread(key string) Schedule {
	if e, ok := s.runs.(every); ok {
		h := fnv.New64a()
		h.Write([]byte(key))
		e.phase = time.Duration(h.Sum64() % uint64(e.interval)) //nolint:gosec // both fit
		s.runs = e
	}
	return s
}

// spreads reports whether Spread does anything.
func (s Schedule) spreads() bool {
	_, ok := s.runs.(every)
	return ok
}

// every is a fixed interval. It comes due when that divides the time since 1970, and a phase later.
type every struct{ interval, phase time.Duration }

func (e every) Next(t time.Time) time.Time {
	since := time.Duration(t.UnixNano()) - e.phase
	return t.Add(e.interval - (since%e.interval+e.interval)%e.interval)
}

// String is the schedule as it was written.
func (s Schedule) String() string { return s.Text }

// epoch is when schedules are tried out: its own time does not matter, but that it is always the
// same does.
var epoch = time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC)

// Interval is the usual time between two runs: the median of the next hundred, or of those of a
// year where they are fewer.
func (s Schedule) Interval() time.Duration {
	var gaps []time.Duration
	for last := s.Next(epoch); len(gaps) < 100; {
		next := s.Next(last)
		if next.IsZero() {
			break
		}
		gaps = append(gaps, next.Sub(last))
		if last = next; last.Sub(epoch) > 366*24*time.Hour {
			break
		}
	}
	if len(gaps) == 0 {
		return 0
	}
	slices.Sort(gaps)
	return gaps[(len(gaps)-1)/2]
}

const scheduleHint = `write it like "@every 30s", "*/5 * * * *" or "CRON_TZ=Europe/Berlin 0 9 * * mon-fri"`

// descriptors are the schedules that have a name.
var descriptors = []string{"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}

// cronField is one of the six fields of a schedule.
type cronField struct {
	name   string
	option cron.ParseOption
	hint   string
}

var cronFields = []cronField{
	{"a second", cron.Second, "write 0 to 59, or *, 1-5, */10 and the like"},
	{"a minute", cron.Minute, "write 0 to 59, or *, 1-5, */10 and the like"},
	{"an hour", cron.Hour, "write 0 to 23, or *, 8-18, */2 and the like"},
	{"a day of the month", cron.Dom, "write 1 to 31, or *"},
	{"a month", cron.Month, "write 1 to 12, jan to dec, or *"},
	{"a day of the week", cron.Dow, "write 0 (Sunday) to 6, sun to sat, or *"},
}

// ParseSchedule reads a schedule of five or six fields (six begin with seconds), a descriptor
// such as @hourly, or @every with a duration of whole seconds; TZ= or CRON_TZ= in front names
// its time zone, which otherwise is the location given. What never comes is refused.
//
// The fields reach the cron package one by one and only after they were looked at: given whole,
// a prefix alone makes it panic, and a short @every becomes one second.
func ParseSchedule(text string, location *time.Location) (Schedule, *diag.Problem) {
	s := Schedule{Text: text, location: location}
	rest := strings.TrimSpace(text)
	if zone, fields, found := cutZone(rest); found {
		var err error
		if s.location, err = loadLocation(zone); err != nil {
			return s, wrongPart(text, zone, zoneHint, "%q is not a time zone", zone)
		}
		rest = fields
	}
	var problem *diag.Problem
	switch {
	case rest == "":
		problem = wrongPart(text, "", scheduleHint, "a schedule without fields never runs")
	case strings.HasPrefix(rest, "@every"):
		s.runs, problem = parseEvery(text, strings.TrimPrefix(rest, "@every"))
	case strings.HasPrefix(rest, "@"):
		s.runs, problem = parseDescriptor(text, rest)
	default:
		s.runs, problem = parseFields(text, rest)
	}
	if problem == nil && s.Next(epoch).IsZero() {
		problem = wrongPart(text, rest, "no month that it names has such a day", "the schedule never runs")
	}
	return s, problem
}

// cutZone parts a schedule from the time zone that it begins with.
func cutZone(text string) (zone, rest string, found bool) {
	for _, prefix := range []string{"CRON_TZ=", "TZ="} {
		if text, found := strings.CutPrefix(text, prefix); found {
			end := strings.IndexAny(text+" ", " \t")
			return text[:end], strings.TrimSpace(text[end:]), true
		}
	}
	return "", text, false
}

const zoneHint = "write a name like Europe/Berlin, or UTC"

// loadLocation refuses the empty name, which the time package takes for UTC.
func loadLocation(name string) (*time.Location, error) {
	if name == "" {
		return nil, fmt.Errorf("no time zone is named")
	}
	return time.LoadLocation(name)
}

// wrongPart is a problem with a part of a schedule.
func wrongPart(text, part, hint, format string, args ...any) *diag.Problem {
	p := diag.Problemf("", hint, format, args...)
	if i := strings.Index(text, part); part != "" && i >= 0 {
		p.Offset, p.Length = i, len(part)
	}
	return &p
}

func parseEvery(text, rest string) (cron.Schedule, *diag.Problem) {
	const hint = "write whole seconds, one or more, like @every 30s"
	words := strings.Fields(rest)
	if len(words) != 1 || rest[0] != ' ' && rest[0] != '\t' {
		return nil, wrongPart(text, "@every", hint, "@every needs one duration behind it")
	}
	interval, err := rules.ParseDuration(words[0])
	switch {
	case err != nil:
		return nil, wrongPart(text, words[0], hint, "%q is not a duration", words[0])
	case interval < time.Second, interval%time.Second != 0:
		return nil, wrongPart(text, words[0], hint, "a check cannot run every %s", words[0])
	}
	return every{interval: interval}, nil
}

func parseDescriptor(text, name string) (cron.Schedule, *diag.Problem) {
	if !slices.Contains(descriptors, name) {
		hint := diag.DidYouMean(name, append(descriptors, "@every"))
		if hint == "" {
			hint = "those there are: " + strings.Join(descriptors, ", ") + ", @every 30s"
		}
		return nil, wrongPart(text, name, hint, "no schedule is called %q", name)
	}
	runs, err := cron.NewParser(cron.Descriptor).Parse(name)
	if err != nil {
		return nil, wrongPart(text, name, scheduleHint, "not a schedule: %v", err)
	}
	return runs, nil
}

func parseFields(text, rest string) (cron.Schedule, *diag.Problem) {
	words := strings.Fields(rest)
	known := cronFields
	switch len(words) {
	case 5:
		known = known[1:]
	case 6:
	default:
		return nil, wrongPart(text, rest, scheduleHint,
			"a schedule has 5 fields (minute, hour, day, month, day of the week) or 6 with seconds first; this has %d", len(words))
	}
	options := cron.SecondOptional
	at := strings.Index(text, rest)
	for i, word := range words {
		at += strings.Index(text[at:], word)
		if !validField(word, known[i].option) {
			p := diag.Problemf("", known[i].hint, "%q is not %s", word, known[i].name)
			p.Offset, p.Length = at, len(word)
			return nil, &p
		}
		at += len(word)
		if known[i].option != cron.Second {
			options |= known[i].option
		}
	}
	runs, err := cron.NewParser(options).Parse(strings.Join(words, " "))
	if err != nil {
		return nil, wrongPart(text, rest, scheduleHint, "not a schedule: %v", err)
	}
	return runs, nil
}

// validField reports whether a field can be read and names at least one value.
func validField(word string, option cron.ParseOption) bool {
	if strings.Trim(word, ",") == "" || strings.Contains(word, "=") {
		return false
	}
	_, err := cron.NewParser(option).Parse(word)
	return err == nil
}
