package slack

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	slackapi "github.com/slack-go/slack"
)

// Slack measures a message by the length of its JSON and refuses one of some 13,000 characters
// with msg_blocks_too_long; how it counts is not documented. We count what is certainly no less:
// the JSON in ASCII, after Slack's own escaping. This length is called weight here. It is never
// less than the number of characters, so a weight that keeps to Slack's limit on characters keeps
// that limit too.

// weight is that of plain text, once it is escaped.
func weight(text string) int {
	total := 0
	for _, r := range text {
		total += runeWeight(r)
	}
	return total
}

func runeWeight(r rune) int {
	switch {
	case r == '&':
		return len(`\u0026amp;`)
	case r == '<', r == '>':
		return len(`\u0026lt;`)
	case r == '"', r == '\\', r == '\n', r == '\t':
		return len(`\n`)
	default:
		return asciiLength(r)
	}
}

// asciiLength is how much of JSON in ASCII a rune takes.
func asciiLength(r rune) int {
	switch {
	case r < 0x80:
		return 1
	case r < 0x10000:
		return len(`\u00e9`)
	default:
		return len(`\ud83d\ude00`)
	}
}

// weigh is the weight of a part of a message.
func weigh(part any) int {
	text, err := json.Marshal(part)
	if err != nil {
		return limit // cannot be: parts are made of strings
	}
	total := 0
	for _, r := range string(text) {
		total += asciiLength(r)
	}
	return total
}

var escapes = map[rune]string{'&': "&amp;", '<': "&lt;", '>': "&gt;"}

// clip escapes text, so that none of it is link or mention, and cuts it to a weight.
func clip(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return '\ufffd'
		}
		return r
	}, text) // which makes it valid UTF-8, too
	cut := weight(text) > most
	if cut {
		most -= runeWeight('…')
	}
	var b strings.Builder
	for _, r := range text {
		if most -= runeWeight(r); most < 0 {
			break
		}
		if escaped, ok := escapes[r]; ok {
			b.WriteString(escaped)
		} else {
			b.WriteRune(r)
		}
	}
	if cut {
		b.WriteRune('…')
	}
	return b.String()
}

// line is text on one line, without control characters.
func line(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// plain is text on one line without any code in it: a backtick cannot be escaped.
func plain(text string, most int) string {
	return clip(strings.ReplaceAll(line(text), "`", "'"), most)
}

// code is text as code in a line.
func code(text string, most int) string {
	if text = plain(text, most); text == "" {
		return ""
	}
	return "`" + text + "`"
}

// codeBlock is text as a block of code, its lines kept.
func codeBlock(text string, most int) string {
	return "```" + clip(strings.ReplaceAll(strings.TrimSpace(text), "```", "'''"), most) + "```"
}

// prose is text that a person wrote for people: its lines are kept, and its code, where it is
// closed.
func prose(text string, most int) string {
	text = clip(strings.TrimSpace(text), most)
	if strings.Count(text, "`")%2 != 0 {
		return strings.ReplaceAll(text, "`", "'")
	}
	return text
}

// date is a time, shown in the reader's own time zone.
func date(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{date_short_pretty} {time_secs}|%s>", t.Unix(), t.UTC().Format("2006-01-02 15:04:05 UTC"))
}

// clock is the time of day, shown in the reader's own time zone.
func clock(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{time}|%s>", t.Unix(), t.UTC().Format("15:04 UTC"))
}

const maxLink = 500 // weight of an address; a longer one is left out

// inLink encodes what ends a link early and is left by url.String in a query.
var inLink = strings.NewReplacer("|", "%7C", " ", "%20", "<", "%3C", ">", "%3E", "`", "%60", `"`, "%22")

// link is a link, or nothing when the address is none that a browser can open.
func link(address, text string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	address = inLink.Replace(u.String())
	if weight(address) > maxLink {
		return ""
	}
	return "<" + clip(address, maxLink) + "|" + text + ">"
}

// mrkdwn is text with markup, of which Slack makes no links or mentions of its own.
func mrkdwn(text string) *slackapi.TextBlockObject {
	return slackapi.NewTextBlockObject(slackapi.MarkdownType, text, false, true)
}
