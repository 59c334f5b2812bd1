package slack

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	slackapi "github.com/slack-go/slack"

	"watchdog/alert"
	"watchdog/notify"
)

const (
	maxAlike = 3     // changes of one kind that get a line each; more share one
	maxStory = 2_600 // weight of the lines of one message
)

// tell is the news as a message in the thread of the card: a line for each change, or for many
// that are alike.
func (n *news) tell(m *notify.Message) *slackapi.WebhookMessage {
	lines := n.story()
	if m.Digest {
		lines = slices.Insert(lines, 0, "*"+plain(m.Headline(), 200)+"*")
	}
	section := slackapi.NewSectionBlock(mrkdwn(strings.Join(lines, "\n")), nil, nil)
	section.BlockID = m.ID
	return &slackapi.WebhookMessage{
		Text:        fallback(m),
		Blocks:      &slackapi.Blocks{BlockSet: []slackapi.Block{section}},
		UnfurlLinks: new(bool), UnfurlMedia: new(bool),
	}
}

// story are the lines, as many as there is room for.
func (n *news) story() []string {
	var lines []string
	if n.over && len(n.lines) > 1 {
		lines = append(lines, "✅ *all resolved*")
	}
	room, left := maxStory, len(n.lines)
	add := func(text string, changes int) bool {
		if room -= weigh(text); room < 0 {
			lines = append(lines, fmt.Sprintf("… and %d more", left))
			return false
		}
		lines, left = append(lines, text), left-changes
		return true
	}
	for _, alike := range n.kinds() {
		if len(alike) > maxAlike {
			if !add(together(alike), len(alike)) {
				return lines
			}
			continue
		}
		for _, l := range alike {
			if !add(l.tell(), 1) {
				return lines
			}
		}
	}
	return lines
}

// kinds are the changes, those of one kind together, in the order of the first of each.
func (n *news) kinds() [][]change {
	at := map[string]int{}
	var all [][]change
	for _, l := range n.lines {
		kind := fmt.Sprint(l.Status, l.Reason, l.Severity, l.by(), l.late)
		i, known := at[kind]
		if !known {
			i = len(all)
			at[kind], all = i, append(all, nil)
		}
		all[i] = append(all[i], l)
	}
	return all
}

// together is one line for many changes of one kind.
func together(alike []change) string {
	first := alike[0]
	all := make([]string, len(alike))
	for i, l := range alike {
		all[i] = notify.ShortName(l.Subject())
	}
	return fmt.Sprintf("%s *%d %s*%s: %s · %s", first.mark(), len(alike), first.what(), first.by(), names(all, 1_000), clock(first.At))
}

// tell is one change: who, what, when.
func (l *change) tell() string {
	text := fmt.Sprintf("%s *%s* %s · %s%s%s", l.mark(), plain(l.Rule, 100), code(l.Subject().String(), 200), l.what(), l.lasted(), l.by())
	if why := cmp.Or(l.Summary, l.Error); calls(l.Transition) && strings.TrimSpace(why) != "" {
		text += ": " + plain(why, 250)
	}
	text += " · " + clock(l.At)
	if l.late {
		text += " (told late)"
	}
	return text
}

func (l *change) mark() string {
	switch {
	case l.Status == alert.StatusResolved:
		return "✅"
	case l.Reason == alert.ReasonAcknowledged:
		return "👤"
	case l.Reason == alert.ReasonSilenced:
		return "🔕"
	case l.Reason == alert.ReasonReleased:
		return "🔔"
	default:
		return severityIcon(l.Severity)
	}
}

// what is what happened, in words.
func (l *change) what() string {
	switch l.Reason {
	case alert.ReasonSeverity:
		return "is " + l.Severity.String() + " now"
	case alert.ReasonRepeat:
		return "still firing"
	case alert.ReasonUnmuted:
		return "firing, and no longer muted"
	case alert.ReasonEscalated:
		return "still firing, and nobody has it"
	case alert.ReasonAcknowledged:
		return "acknowledged"
	case alert.ReasonSilenced:
		return "silenced"
	case alert.ReasonReleased:
		if l.said.AckedBy != "" {
			return "no longer silenced"
		}
		return "neither acknowledged nor silenced any more"
	default:
		return plain(notify.Told(l.Transition), 100)
	}
}

// lasted is for how long it has been so, where that is news.
func (l *change) lasted() string {
	switch {
	case l.StartsAt.IsZero():
		return ""
	case l.Status == alert.StatusResolved && l.EndsAt != nil:
		return " after " + notify.Lasted(l.EndsAt.Sub(l.StartsAt))
	case l.Reason == alert.ReasonRepeat || l.Reason == alert.ReasonEscalated:
		return ", for " + notify.Lasted(l.At.Sub(l.StartsAt))
	default:
		return ""
	}
}

// by is whose doing it was, and for how long.
func (l *change) by() string {
	switch {
	case l.Reason == alert.ReasonAcknowledged && l.said.AckedBy != "":
		return " by " + plain(l.said.AckedBy, 100)
	case l.Reason != alert.ReasonSilenced || l.said.SilencedBy == "":
		return ""
	case l.said.SilencedUntil.IsZero():
		return " by " + plain(l.said.SilencedBy, 100) + " until resolved"
	default:
		return " by " + plain(l.said.SilencedBy, 100) + " until " + date(l.said.SilencedUntil)
	}
}
