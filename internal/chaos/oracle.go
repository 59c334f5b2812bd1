//go:build linux

package chaos

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"watchdog/alert"
)

// The five checks.
const (
	Lost         = "lost"
	TwoIDs       = "told under two ids"
	FalseAlert   = "false alert"
	FalseResolve = "false resolve"
	OutOfOrder   = "out of order"
	Other        = "other" // the daemon ended, or would not, or the harness could not do its work
)

const (
	// blur is how far the time of a snapshot may be from the moment in which the server said what
	// is in it: as long as a request may take, and as the daemon may be frozen.
	blur = 5 * time.Second
	// shadow is how long the daemon may hold against a server that it could not be read: after a
	// refusal it is not asked for one or two minutes, which is no check that went well either.
	shadow = 3 * time.Minute
)

// Violation is something that must not be.
type Violation struct {
	Check string // one of the above
	Text  string
	Doc   string // "" of none
}

func (v Violation) String() string { return v.Check + ": " + v.Text }

// Judge compares what one receiver was told, in the order in which it was told, with what really
// happened, and with what the store says was decided.
func Judge(receiver string, told []Telling, truth Truth, decided []alert.Transition) []Violation {
	j := &judge{receiver: receiver, truth: truth}
	firsts := j.ids(told)
	j.order(firsts)
	j.falsehoods(firsts)
	j.losses(firsts)
	j.decided(firsts, decided)
	return j.found
}

// heard is one transition when it was told for the first time.
type heard struct {
	alert.Transition
	id string
	at time.Time // when it was told
}

type judge struct {
	receiver string
	truth    Truth
	found    []Violation
}

func (j *judge) report(check, doc, format string, args ...any) {
	j.found = append(j.found, Violation{Check: check, Doc: doc, Text: j.receiver + ": " + fmt.Sprintf(format, args...)})
}

// ids: a message that is repeated says the same under the same id, and no transition is in two.
// It gives the transitions as they were told for the first time.
func (j *judge) ids(told []Telling) (firsts []heard) {
	contents := map[string]string{}
	under := map[string]string{}
	for _, m := range told {
		content, _ := json.Marshal(m.Alerts)
		before, repeated := contents[m.ID]
		if repeated {
			if before != string(content) {
				j.report(TwoIDs, m.Alerts[0].DocID, "%s said two things:\n%s\n%s", m.ID, before, content)
			}
			continue
		}
		contents[m.ID] = string(content)
		for i := range m.Alerts {
			h := heard{m.Alerts[i], m.ID, m.At}
			firsts = append(firsts, h)
			if other, again := under[h.key()]; again {
				j.report(TwoIDs, h.DocID, "%s was told under %s and %s", h.line(), other, h.id)
			}
			under[h.key()] = h.id
		}
	}
	return firsts
}

// key is the same for the same transition only.
func (h *heard) key() string { return key(&h.Transition) }

func key(t *alert.Transition) string {
	return fmt.Sprint(t.Rule, " ", t.DocID, " ", t.Status, " ", t.Reason, " ", t.StartsAt.UnixMicro(), " ", t.At.UnixMicro())
}

func (h *heard) line() string { return line(&h.Transition) }

func line(t *alert.Transition) string {
	return fmt.Sprintf("%s of %s %s (%s) as of %s", t.Rule, t.DocID, t.Status, t.Reason, t.At.UTC().Format("15:04:05.000"))
}

// order: of each alert, firing and resolved take turns, each later than the one before.
func (j *judge) order(firsts []heard) {
	before := map[string]*heard{}
	for i := range firsts {
		h := &firsts[i]
		b := before[h.Fingerprint]
		switch {
		case b == nil && h.Status != alert.StatusFiring:
			j.report(OutOfOrder, h.DocID, "%s was told before it fired", h.line())
		case b != nil && b.Status == h.Status:
			j.report(OutOfOrder, h.DocID, "%s was told right after %s", h.line(), b.line())
		case b != nil && !j.later(h.At, b.At):
			j.report(OutOfOrder, h.DocID, "%s was told after %s", h.line(), b.line())
		}
		before[h.Fingerprint] = h
	}
}

// later reports whether a time that the daemon's clock showed may be later than another.
func (j *judge) later(shown, than time.Time) bool {
	a, b := j.truth.moments(shown), j.truth.moments(than)
	return len(a) > 0 && len(b) > 0 && b[0].Before(a[len(a)-1])
}

// between reports whether one of some moments is between two; the latter may be zero, for ever.
func between(moments []time.Time, from, to time.Time) bool {
	return slices.ContainsFunc(moments, func(m time.Time) bool {
		return !m.Before(from) && (to.IsZero() || !m.After(to))
	})
}

// falsehoods: what was told was true.
func (j *judge) falsehoods(firsts []heard) {
	fired := map[string]*Trouble{} // by fingerprint
	for i := range firsts {
		h := &firsts[i]
		switch {
		case h.Rule == ruleUnreachable:
			j.unreachable(h)
		case h.Status == alert.StatusFiring:
			fired[h.Fingerprint] = j.firing(h)
		case h.Status == alert.StatusResolved:
			if t := fired[h.Fingerprint]; t != nil {
				j.resolved(h, t)
			}
		}
	}
}

// firing: the trouble was there, and not over yet.
func (j *judge) firing(h *heard) *Trouble {
	t := j.trouble(h)
	switch {
	case t == nil:
		j.report(FalseAlert, h.DocID, "%s, with the error %q, which it never had", h.line(), h.Error)
	case h.at.Before(t.Began):
		j.report(FalseAlert, h.DocID, "%s was told before it was so", h.line())
	case !j.began(h, t):
		j.report(FalseAlert, h.DocID, "%s, since %s, was so from %s to %s only", h.line(), h.StartsAt.Format(clock), t.Began.Format(clock), t.Over.Format(clock))
	}
	return t
}

// began: the alert is as old as the trouble, or as one before it which nobody saw end.
func (j *judge) began(h *heard, t *Trouble) bool {
	return slices.ContainsFunc(j.truth.Troubles, func(b Trouble) bool {
		if b.Doc != t.Doc || b.Rule != t.Rule || b.Began.After(t.Began) {
			return false
		}
		early := blur + j.truth.forward(b.Began.Add(-blur), h.at)
		return between(j.truth.beginnings(h.StartsAt), b.Began.Add(-early), afterwards(b.Over, blur))
	})
}

// afterwards is a time after another, which may be zero for never.
func afterwards(t time.Time, d time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(d)
}

const clock = "15:04:05.000"

// trouble is what a firing alert is about.
func (j *judge) trouble(h *heard) *Trouble {
	for i := range j.truth.Troubles {
		t := &j.truth.Troubles[i]
		if t.Rule == h.Rule && t.Doc == h.DocID && strings.Contains(h.Error, t.Error) {
			return t
		}
	}
	return nil
}

// resolved: the trouble was over, and for the reason that is given.
func (j *judge) resolved(h *heard, t *Trouble) {
	switch {
	case t.Over.IsZero() || h.at.Before(t.Over):
		j.report(FalseResolve, h.DocID, "%s was told at %s, while it was so", h.line(), h.at.Format(clock))
	case h.EndsAt == nil || !between(j.truth.moments(*h.EndsAt), t.Over.Add(-blur), time.Time{}):
		j.report(FalseResolve, h.DocID, "%s was over at %s only", h.line(), t.Over.Format(clock))
	case h.Reason == alert.ReasonDeleted && !j.deleted(t):
		j.report(FalseResolve, h.DocID, "%s: it was never deleted", h.line())
	}
}

// deleted: a document may be deleted after its trouble was over, and before anybody saw that.
func (j *judge) deleted(since *Trouble) bool {
	return slices.ContainsFunc(j.truth.Troubles, func(t Trouble) bool { return t.Doc == since.Doc && t.Gone && !t.Over.Before(since.Over) })
}

// unreachable: something was in the way.
func (j *judge) unreachable(h *heard) {
	if h.Status != alert.StatusFiring {
		return
	}
	if !slices.ContainsFunc(j.truth.Outages, func(o Outage) bool {
		return between(j.truth.beginnings(h.StartsAt), o.Began, afterwards(o.Over, shadow))
	}) {
		j.report(FalseAlert, "", "%s, though nothing was in the way", h.line())
	}
}

// losses: what lasted long enough was told, and everything that fired has resolved, since all is
// well in the end.
func (j *judge) losses(firsts []heard) {
	for i := range j.truth.Troubles {
		t := &j.truth.Troubles[i]
		if t.Awaited && !slices.ContainsFunc(firsts, func(h heard) bool {
			return h.Status == alert.StatusFiring && h.Rule == t.Rule && h.DocID == t.Doc && strings.Contains(h.Error, t.Error)
		}) {
			j.report(Lost, t.Doc, "%s of %s from %s to %s, %q, was never told", t.Rule, t.Doc, t.Began.Format(clock), t.Over.Format(clock), t.Error)
		}
	}
	ended := map[string]*heard{}
	for i := range firsts {
		ended[firsts[i].Fingerprint] = &firsts[i]
	}
	for _, h := range ended {
		if h.Status == alert.StatusFiring {
			j.report(Lost, h.DocID, "%s, and its end was never told", h.line())
		}
	}
}

// decided: what the store says happened is what was told, no more and no less.
func (j *judge) decided(firsts []heard, decided []alert.Transition) {
	told := map[string]bool{}
	for i := range firsts {
		told[firsts[i].key()] = true
	}
	for i := range decided {
		if k := key(&decided[i]); told[k] {
			delete(told, k)
		} else {
			j.report(Lost, decided[i].DocID, "%s was decided and never told", line(&decided[i]))
		}
	}
	for i := range firsts {
		if told[firsts[i].key()] {
			j.report(Other, firsts[i].DocID, "%s was told, and the store does not know of it", firsts[i].line())
		}
	}
}
