package terminal

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"watchdog/alert"
	"watchdog/notify"
)

const (
	maxShown = 20  // alerts of one message; the others are named
	maxText  = 400 // characters of a summary, of an error, and of the names of others
	maxCell  = 60  // characters of a column, beyond which it is not aligned
)

type style struct {
	color    bool
	location *time.Location
}

// render is m as lines: one alert begins with the time, more stand below a headline.
//
//	2026-01-02 03:04:05 UTC  ● FIRING    critical  replication-failed  prod/_replicator/orders  failed  for 1m 30s
//	    orders failed
//	    db_not_found: could not open http://127.0.0.1:5984/orders/
func (s style) render(m *notify.Message) string {
	var b strings.Builder
	lead := m.At.In(s.location).Format("2006-01-02 15:04:05 MST") + "  "
	if len(m.Alerts) != 1 || m.Test {
		b.WriteString(lead + clean(m.Headline()) + "\n")
		lead = "  "
	}
	for _, rule := range digestRules(m) {
		fmt.Fprintf(&b, "    %s\n", clean(rule.String()))
	}
	all := m.Shown()
	shown := all[:min(len(all), maxShown)]
	rows := make([][]string, len(shown))
	for i := range shown {
		rows[i] = columns(&shown[i])
	}
	align(rows)
	for i := range shown {
		b.WriteString(lead + s.paint(&shown[i], strings.Join(rows[i][:2], "  ")))
		b.WriteString(strings.TrimRight("  "+strings.Join(rows[i][2:], "  ")+"  "+remark(&shown[i], m.At), " ") + "\n")
		for _, text := range texts(&shown[i]) {
			b.WriteString("    " + text + "\n")
		}
	}
	if rest := all[len(shown):]; len(rest) > 0 {
		fmt.Fprintf(&b, "  +%d more: %s\n", len(rest), names(rest))
	}
	return b.String()
}

// digestRules are the counts by rule of a digest that tells of several.
func digestRules(m *notify.Message) []notify.RuleCounts {
	if !m.Digest {
		return nil
	}
	if rules := m.Summary().Rules; len(rules) > 1 {
		return rules
	}
	return nil
}

// columns are what stands in line: status, severity, rule, subject, state.
func columns(a *alert.Transition) []string {
	glyph := "●"
	switch a.Status {
	case alert.StatusResolved:
		glyph = "✓"
	case alert.StatusEvent:
		glyph = "◆"
	}
	return []string{
		glyph + " " + strings.ToUpper(clean(string(a.Status))), a.Severity.String(),
		clean(a.Rule), clean(a.Subject().String()), clean(a.State),
	}
}

// align pads each column to its widest cell.
func align(rows [][]string) {
	for column := 0; len(rows) > 0 && column < len(rows[0]); column++ {
		width := 0
		for _, row := range rows {
			if n := utf8.RuneCountInString(row[column]); n <= maxCell {
				width = max(width, n)
			}
		}
		for _, row := range rows {
			row[column] += strings.Repeat(" ", max(0, width-utf8.RuneCountInString(row[column])))
		}
	}
}

// remark is how long it lasts or lasted, and what is unusual about it.
func remark(a *alert.Transition, now time.Time) string {
	var parts []string
	switch {
	case a.StartsAt.IsZero() || a.Status == alert.StatusEvent:
	case a.Status == alert.StatusResolved && a.EndsAt != nil:
		parts = append(parts, "after "+notify.Lasted(a.EndsAt.Sub(a.StartsAt)))
	case now.Sub(a.StartsAt) >= time.Second:
		parts = append(parts, "for "+notify.Lasted(now.Sub(a.StartsAt)))
	}
	if _, why, unusual := strings.Cut(notify.Told(a), ", "); unusual {
		parts = append(parts, clean(why))
	}
	return strings.Join(parts, ", ")
}

// texts are the summary and the error, unless the summary holds the error already.
func texts(a *alert.Transition) []string {
	summary, problem := clean(notify.SummaryOf(a)), clean(a.Error)
	var all []string
	if summary != "" {
		all = append(all, short(summary))
	}
	if problem != "" && !strings.Contains(summary, problem) {
		all = append(all, short(problem))
	}
	return all
}

// names are those of alerts that are not shown, as many as fit on a few lines.
func names(rest []alert.Transition) string {
	var b strings.Builder
	for i := range rest {
		name := clean(notify.ShortName(rest[i].Subject()))
		if b.Len()+len(name) > maxText {
			return b.String() + " …"
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(name)
	}
	return b.String()
}

func (s style) paint(a *alert.Transition, text string) string {
	if !s.color {
		return text
	}
	code := map[alert.Severity]string{alert.Critical: "31", alert.Warning: "33"}[a.Severity]
	switch {
	case a.Status == alert.StatusResolved:
		code = "32"
	case code == "":
		code = "36"
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// clean is text on one line that cannot drive a terminal: what does not print is escaped.
func clean(text string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(text), " ") {
		switch {
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// short is text of at most maxText characters.
func short(text string) string {
	if utf8.RuneCountInString(text) <= maxText {
		return text
	}
	return string([]rune(text)[:maxText]) + "…"
}
