package slack

import (
	"encoding/json"
	"fmt"
	"strings"

	slackapi "github.com/slack-go/slack"

	"watchdog/alert"
	"watchdog/notify"
)

// The actions of the buttons, by which a press names them.
const (
	actionAck         = "watchdog_ack"
	actionSilenceHour = "watchdog_silence_1h"
	actionSilenceOver = "watchdog_silence_resolved"
)

// origin is what a button says of where it stands: its value.
type origin struct {
	Sink   string `json:"sink"`
	Thread string `json:"thread"`
}

// draw is the card as Slack shows it after a message: a headline, the first alerts in full, the
// names of the others, and buttons where they are heard and there is something to press them for.
func (c card) draw(m *notify.Message, buttons bool) *slackapi.WebhookMessage {
	shown := notify.Message{ID: m.ID, Group: m.Group, At: m.At, URL: m.URL, Test: m.Test}
	for i := range c.Entries {
		shown.Alerts = append(shown.Alerts, c.Entries[i].transition())
	}
	post := &slackapi.WebhookMessage{
		Text:        plain(c.title(&shown), 600),
		Blocks:      &slackapi.Blocks{BlockSet: []slackapi.Block{header(m.ID, icon(&shown)+" "+line(c.title(&shown)))}},
		UnfurlLinks: new(bool), UnfurlMedia: new(bool),
	}
	tail := c.tail(m, buttons)
	room := limit - weigh(post) - weigh(tail)
	for i := range c.Entries {
		if i == maxFull {
			break
		}
		one := c.Entries[i].attachment(&shown.Alerts[i])
		if room -= weigh(one) + len(","); room < 0 || room < restRoom && i+1 < len(c.Entries) {
			break
		}
		post.Attachments = append(post.Attachments, one)
	}
	if rest := shown.Alerts[len(post.Attachments):]; len(rest) > 0 {
		post.Attachments = append(post.Attachments, others(rest, m.URL))
	}
	post.Attachments = append(post.Attachments, tail...)
	return post
}

// title is the whole card in one line.
func (c card) title(shown *notify.Message) string {
	if len(shown.Alerts) <= 1 && c.Gone == 0 {
		return shown.Headline()
	}
	count := map[alert.Status]int{alert.StatusResolved: c.Gone}
	for i := range c.Entries {
		count[c.Entries[i].Status]++
	}
	var parts []string
	for _, status := range []alert.Status{alert.StatusFiring, alert.StatusEvent, alert.StatusResolved} {
		if n := count[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	text := strings.Join(parts, ", ")
	if what := shown.GroupName(); what != "" {
		text += ": " + what
	}
	return text
}

// attachment is one alert of a card: in full while it fires, struck through when it has resolved.
func (e *entry) attachment(t *alert.Transition) slackapi.Attachment {
	if e.Status == alert.StatusResolved {
		return slackapi.Attachment{
			Color:    color(t),
			Fallback: plain(notify.Told(t)+": "+t.Rule+", "+t.Subject().String(), 300),
			Blocks:   slackapi.Blocks{BlockSet: []slackapi.Block{slackapi.NewSectionBlock(mrkdwn(e.struck(t)), nil, nil)}},
		}
	}
	one := attachment(t, t.StartsAt) // how long it fires would soon be wrong
	if said := saying(e.Said); said != "" {
		one.Blocks.BlockSet = append(one.Blocks.BlockSet, slackapi.NewContextBlock("", mrkdwn(said)))
	}
	return one
}

// struck is an alert that is over.
func (e *entry) struck(t *alert.Transition) string {
	name := strings.ReplaceAll(plain(t.Rule, 200)+" · "+plain(t.Subject().String(), 400), "~", "∼")
	text := "✅ ~" + name + "~ · " + plain(notify.Told(t), 100)
	if e.EndsAt != nil && !e.StartsAt.IsZero() {
		text += " after " + notify.Lasted(e.EndsAt.Sub(e.StartsAt)) + ", " + date(*e.EndsAt)
	}
	return text
}

// saying is what people have said of an alert, "" when they have not.
func saying(s notify.Said) string {
	var parts []string
	if s.AckedBy != "" {
		parts = append(parts, "👤 acknowledged by "+plain(s.AckedBy, 100)+" "+clock(s.AckedAt))
	}
	switch {
	case s.SilencedBy != "" && s.SilencedUntil.IsZero():
		parts = append(parts, "🔕 silenced by "+plain(s.SilencedBy, 100)+" until it resolves")
	case s.SilencedBy != "":
		parts = append(parts, "🔕 silenced by "+plain(s.SilencedBy, 100)+" until "+date(s.SilencedUntil))
	}
	return strings.Join(parts, "  ·  ")
}

// tail is what stands below the alerts: how many are not listed any more, and the buttons.
func (c card) tail(m *notify.Message, buttons bool) []slackapi.Attachment {
	var blocks []slackapi.Block
	if c.Gone > 0 {
		blocks = append(blocks, slackapi.NewContextBlock("", mrkdwn(fmt.Sprintf("and %d that were over before", c.Gone))))
	}
	if buttons && !c.over() {
		blocks = append(blocks, c.buttons(m))
	}
	if len(blocks) == 0 {
		return nil
	}
	return []slackapi.Attachment{{Color: "#868686", Fallback: "what can be done", Blocks: slackapi.Blocks{BlockSet: blocks}}}
}

func (c card) buttons(m *notify.Message) slackapi.Block {
	value, err := json.Marshal(origin{m.Sink, m.Thread()})
	if err != nil {
		panic(err) // strings always marshal
	}
	button := func(action, text string) *slackapi.ButtonBlockElement {
		return slackapi.NewButtonBlockElement(action, string(value), slackapi.NewTextBlockObject(slackapi.PlainTextType, text, true, false))
	}
	var all []slackapi.BlockElement
	if !c.each(func(e *entry) bool { return e.Said.AckedBy != "" }) {
		all = append(all, button(actionAck, "Acknowledge").WithStyle(slackapi.StylePrimary))
	}
	all = append(all, button(actionSilenceHour, "Silence 1 h"))
	if !c.each(func(e *entry) bool { return e.Said.SilencedBy != "" && e.Said.SilencedUntil.IsZero() }) {
		all = append(all, button(actionSilenceOver, "Silence until resolved"))
	}
	return slackapi.NewActionBlock("", all...)
}

// each reports whether something holds of every alert that fires.
func (c card) each(holds func(e *entry) bool) bool {
	for i := range c.Entries {
		if c.Entries[i].Status == alert.StatusFiring && !holds(&c.Entries[i]) {
			return false
		}
	}
	return true
}
