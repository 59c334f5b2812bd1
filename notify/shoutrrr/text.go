package shoutrrr

import (
	"fmt"
	"strings"

	"watchdog/notify"
)

const (
	maxShown = 5    // alerts in a text
	maxText  = 1500 // characters: the least that a service takes is about 2000
)

// text is m in a few lines. It ends in the message's id, by which a repeat can be told.
func text(m *notify.Message) string {
	var b strings.Builder
	b.WriteString(m.Headline() + "\n")
	for i := range m.Alerts {
		if i == maxShown {
			fmt.Fprintf(&b, "+%d more\n", len(m.Alerts)-i)
			break
		}
		a := &m.Alerts[i]
		fmt.Fprintf(&b, "- %s: %s %s, %s\n", notify.Told(a), a.Severity, a.Rule, a.Subject())
		for _, text := range []string{notify.SummaryOf(a), a.URL} {
			if text = notify.Excerpt(text); text != "" {
				b.WriteString("  " + text + "\n")
			}
		}
	}
	runes := []rune(strings.ToValidUTF8(b.String(), "\ufffd"))
	if len(runes) > maxText {
		runes = append(runes[:maxText], '…', '\n')
	}
	return string(runes) + "(" + m.ID + ")"
}

// Preview is the title and the text.
func (s *Sink) Preview(m *notify.Message) ([]byte, error) {
	return []byte("Title: " + m.Headline() + "\n\n" + text(m)), nil
}
