package slack

import (
	"fmt"
	"strings"
	"time"

	slackapi "github.com/slack-go/slack"

	"watchdog/alert"
	"watchdog/notify"
)

const (
	limit     = 12_000 // weight of a whole message
	restLimit = 2_200  // weight of the names of alerts which are not shown
	restRoom  = 3_400  // weight of all that is said of those
	maxFull   = 10     // alerts that are shown: more is not read by anybody
)

// render is m as Slack shows it: a headline, an attachment in the colour of its severity for each
// of the first alerts, and one that names the others. It is never too large for Slack.
func render(m *notify.Message) *slackapi.WebhookMessage {
	post := &slackapi.WebhookMessage{
		Text:        fallback(m),
		Blocks:      &slackapi.Blocks{BlockSet: []slackapi.Block{headline(m)}},
		UnfurlLinks: new(bool), UnfurlMedia: new(bool),
	}
	room := limit - weigh(post)
	all := m.Shown()
	for i := range all {
		if i == maxFull {
			break
		}
		shown := attachment(&all[i], m.At)
		if room -= weigh(shown) + len(","); room < 0 || room < restRoom && i+1 < len(all) {
			break
		}
		post.Attachments = append(post.Attachments, shown)
	}
	if rest := all[len(post.Attachments):]; len(rest) > 0 {
		post.Attachments = append(post.Attachments, others(rest, m.URL))
	}
	return post
}

// headline names the message.
func headline(m *notify.Message) *slackapi.HeaderBlock {
	return header(m.ID, icon(m)+" "+line(m.Headline()))
}

// header is the first line of a post. Its block id is that of the delivery, by which two posts of
// one are known.
func header(delivery, text string) *slackapi.HeaderBlock {
	title := slackapi.NewTextBlockObject(slackapi.PlainTextType, cut(text, 150), true, false)
	return slackapi.NewHeaderBlock(title, slackapi.HeaderBlockOptionBlockID(delivery))
}

// cut is text of at most so many UTF-16 units, which is how Slack may count characters.
func cut(text string, most int) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	units := func(r rune) int {
		if r >= 0x10000 {
			return 2
		}
		return 1
	}
	total, keep := 0, 0
	for i, r := range text {
		if total += units(r); total > most {
			return text[:keep] + "…"
		}
		if total < most {
			keep = i + len(string(r))
		}
	}
	return text
}

// fallback is what notifications and screen readers say.
func fallback(m *notify.Message) string {
	text := m.Headline()
	if len(m.Alerts) == 1 && m.Alerts[0].Summary != "" {
		text += ": " + notify.SummaryOf(&m.Alerts[0])
	}
	return plain(text, 600)
}

func icon(m *notify.Message) string {
	for _, t := range m.Shown() {
		if t.Status != alert.StatusResolved {
			return severityIcon(m.Severity())
		}
	}
	if len(m.Alerts) > 0 {
		return "✅"
	}
	return "🔔"
}

func severityIcon(s alert.Severity) string {
	return [...]string{alert.Info: "🔵", alert.Warning: "🟠", alert.Critical: "🔴"}[clamp(s)]
}

func color(a *alert.Transition) string {
	if a.Status == alert.StatusResolved {
		return "#2eb67d"
	}
	return [...]string{alert.Info: "#36a2eb", alert.Warning: "#ecb22e", alert.Critical: "#e01e5a"}[clamp(a.Severity)]
}

// clamp keeps a severity of a later version within those that have a colour.
func clamp(s alert.Severity) alert.Severity { return min(max(s, alert.Info), alert.Critical) }

// attachment is one alert in full. At its worst it weighs half of a message.
func attachment(a *alert.Transition, now time.Time) slackapi.Attachment {
	blocks := []slackapi.Block{slackapi.NewSectionBlock(mrkdwn(body(a)), nil, nil)}
	if facts := facts(a, now); len(facts) > 0 {
		blocks = append(blocks, slackapi.NewSectionBlock(nil, facts, nil))
	}
	if footer := footer(a); footer != "" {
		blocks = append(blocks, slackapi.NewContextBlock("", mrkdwn(footer)))
	}
	return slackapi.Attachment{
		Color:    color(a),
		Fallback: plain(notify.Told(a)+": "+a.Rule+", "+a.Subject().String(), 300),
		Blocks:   slackapi.Blocks{BlockSet: blocks},
	}
}

// body is what happened, in words.
func body(a *alert.Transition) string {
	mark := severityIcon(a.Severity)
	if a.Status == alert.StatusResolved {
		mark = "✅"
	}
	lines := []string{
		fmt.Sprintf("%s *%s* · %s · %s", mark, plain(a.Rule, 200), a.Severity, plain(notify.Told(a), 100)),
		code(a.Subject().String(), 400),
	}
	for _, text := range []string{notify.SummaryOf(a), a.Description} {
		if text = prose(text, 500); text != "" {
			lines = append(lines, text)
		}
	}
	if strings.TrimSpace(a.Error) != "" {
		lines = append(lines, codeBlock(a.Error, 900))
	}
	return strings.Join(lines, "\n")
}

// facts are the small fields in two columns.
func facts(a *alert.Transition, now time.Time) []*slackapi.TextBlockObject {
	var all []*slackapi.TextBlockObject
	add := func(name, value string) {
		if value != "" {
			all = append(all, mrkdwn("*"+name+"*\n"+value))
		}
	}
	state := code(a.State, 100)
	if before := code(a.PreviousState, 100); before != "" && state != "" && a.PreviousState != a.State {
		state += " (was " + before + ")"
	}
	add("State", state)
	if a.ErrorCount != nil {
		add("Error count", fmt.Sprint(*a.ErrorCount))
	}
	switch {
	case a.Status == alert.StatusResolved && a.EndsAt != nil:
		add("Lasted", notify.Lasted(a.EndsAt.Sub(a.StartsAt)))
		add("Ended", date(*a.EndsAt))
	case a.Status == alert.StatusEvent:
		add("At", date(a.At))
	case !a.StartsAt.IsZero():
		since := date(a.StartsAt)
		if lasts := now.Sub(a.StartsAt); lasts >= time.Second {
			since += " (" + notify.Lasted(lasts) + ")"
		}
		add("Since", since)
	}
	source, target := code(a.Source, 300), code(a.Target, 300)
	if source != "" || target != "" {
		add("Source → target", source+" → "+target)
	}
	return all
}

// footer is where to go on, and whose it is.
func footer(a *alert.Transition) string {
	var parts []string
	for _, part := range []string{link(a.RunbookURL, "Runbook"), link(a.URL, "Open in Watchdog"), labels(a.Labels)} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "  ·  ")
}
