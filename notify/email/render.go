package email

import (
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"time"
	"unicode"

	"watchdog/alert"
	"watchdog/notify"
)

const (
	maxShown = 50   // alerts of one mail in full; the others are named
	maxNamed = 200  // of those
	maxText  = 2000 // characters of a summary, a description, an error
)

// page is what a mail shows, ready for both its forms.
type page struct {
	Headline, URL string
	Alerts        []shown
	Rest          int // alerts that are not shown, of which the first are named
	Names         []string
}

// shown is one alert.
type shown struct {
	Color, Status, Severity, Rule, Subject string
	Summary, Description, Error            string
	Facts                                  []fact
	RunbookURL, URL                        string
}

type fact struct{ Name, Value string }

func newPage(m *notify.Message) *page {
	p := &page{Headline: oneLine(m.Headline(), maxText), URL: m.URL}
	for i := range m.Alerts {
		a := &m.Alerts[i]
		switch {
		case i < maxShown:
			p.Alerts = append(p.Alerts, show(a, m.At))
		case i < maxShown+maxNamed:
			p.Names = append(p.Names, oneLine(notify.ShortName(a.Subject()), maxText))
			fallthrough
		default:
			p.Rest++
		}
	}
	return p
}

func show(a *alert.Transition, now time.Time) shown {
	s := shown{
		Color: color(a), Status: notify.Told(a), Severity: a.Severity.String(), Rule: oneLine(a.Rule, maxText),
		Subject: oneLine(a.Subject().String(), maxText), Summary: oneLine(notify.SummaryOf(a), maxText),
		Description: oneLine(a.Description, maxText), Error: oneLine(a.Error, maxText),
		RunbookURL: a.RunbookURL, URL: a.URL,
	}
	if strings.Contains(s.Summary, s.Error) {
		s.Error = ""
	}
	add := func(name, value string) {
		if value = oneLine(value, maxText); value != "" {
			s.Facts = append(s.Facts, fact{name, value})
		}
	}
	state := a.State
	if a.PreviousState != "" && a.State != "" && a.PreviousState != a.State {
		state += " (was " + a.PreviousState + ")"
	}
	add("State", state)
	if a.ErrorCount != nil {
		add("Error count", fmt.Sprint(*a.ErrorCount))
	}
	add("Source", a.Source)
	add("Target", a.Target)
	switch {
	case a.Status == alert.StatusEvent:
		add("At", clock(a.At))
	case a.Status == alert.StatusResolved && a.EndsAt != nil:
		add("Lasted", notify.Lasted(a.EndsAt.Sub(a.StartsAt))+", until "+clock(*a.EndsAt))
	case !a.StartsAt.IsZero():
		add("Since", clock(a.StartsAt)+" ("+notify.Lasted(now.Sub(a.StartsAt))+")")
	}
	return s
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func color(a *alert.Transition) string {
	switch {
	case a.Status == alert.StatusResolved:
		return "#1a7f4b"
	case a.Severity == alert.Critical:
		return "#c62828"
	case a.Severity == alert.Warning:
		return "#b26a00"
	}
	return "#1565c0"
}

// text is the page in plain text.
func (p *page) text() string {
	var b strings.Builder
	b.WriteString(p.Headline + "\n")
	for i := range p.Alerts {
		a := &p.Alerts[i]
		fmt.Fprintf(&b, "\n%s  %s  %s\n%s\n", strings.ToUpper(a.Status), a.Severity, a.Rule, a.Subject)
		for _, text := range []string{a.Summary, a.Description, a.Error} {
			if text != "" {
				b.WriteString("  " + text + "\n")
			}
		}
		for _, f := range append(a.Facts, fact{"Runbook", a.RunbookURL}, fact{"Open", a.URL}) {
			if f.Value != "" {
				fmt.Fprintf(&b, "  %-12s %s\n", f.Name+":", f.Value)
			}
		}
	}
	if p.Rest > 0 {
		fmt.Fprintf(&b, "\n+%d more: %s\n", p.Rest, strings.Join(p.Names, ", "))
	}
	if p.URL != "" {
		b.WriteString("\n" + p.URL + "\n")
	}
	return b.String()
}

//go:embed mail.html
var layout string

var layoutTemplate = template.Must(template.New("mail").Parse(layout))

// html is the page in HTML: without script, image or style sheet, which mail programs drop.
func (p *page) html() (string, error) {
	var b strings.Builder
	err := layoutTemplate.Execute(&b, p)
	return b.String(), err
}

// oneLine is text on one line, without control characters, of at most so many characters.
func oneLine(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return string(runes)
}
