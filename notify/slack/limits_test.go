package slack_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
)

// post is a message as Slack reads it.
type post struct {
	Text        string
	Blocks      []block
	Attachments []struct {
		Color    string
		Fallback string
		Blocks   []block
	}
}

type block struct {
	Type     string
	BlockID  string `json:"block_id"`
	Text     *text
	Fields   []text
	Elements []element
}

// element is a text of a context, or a button of actions.
type element struct {
	Type     string
	Text     json.RawMessage
	Verbatim bool
	ActionID string `json:"action_id"`
	Value    string
	Style    string
}

type text struct {
	Type     string
	Text     string
	Verbatim bool
}

// validate reports where a message breaks a limit of Slack's, documented or met, or lets what a
// replication is called or says become markup.
func validate(t *testing.T, raw []byte) post {
	t.Helper()
	var p post
	if err := json.Unmarshal(raw, &p); err != nil {
		t.Fatalf("the message is not JSON: %v", err)
	}
	v := validator{t: t, blockIDs: map[string]bool{}}
	v.length("text", p.Text, 4000)
	v.markup("text", p.Text)
	v.blocks("blocks", p.Blocks)
	for i, a := range p.Attachments {
		at := fmt.Sprintf("attachments[%d]", i)
		if !regexp.MustCompile(`^#[0-9a-f]{6}$`).MatchString(a.Color) {
			t.Errorf("%s.color: got %q, want a colour", at, a.Color)
		}
		v.length(at+".fallback", a.Fallback, 1000)
		v.blocks(at, a.Blocks)
		if len(a.Blocks) > 20 {
			t.Errorf("%s: got %d blocks, want at most 20 in one attachment", at, len(a.Blocks))
		}
	}
	if v.total > 50 {
		t.Errorf("got %d blocks, want at most 50 in a message", v.total)
	}
	if len(p.Attachments) > 20 {
		t.Errorf("got %d attachments, want at most 20", len(p.Attachments))
	}
	if got := asciiLength(raw); got > 12_000 {
		t.Errorf("the message is %d characters of ASCII, want at most 12000 (msg_blocks_too_long)", got)
	}
	return p
}

type validator struct {
	t        *testing.T
	total    int
	blockIDs map[string]bool
}

func (v *validator) blocks(at string, blocks []block) {
	v.t.Helper()
	if len(blocks) == 0 {
		v.t.Errorf("%s: got no blocks", at)
	}
	for i, b := range blocks {
		v.total++
		at := fmt.Sprintf("%s[%d] %s", at, i, b.Type)
		if b.BlockID != "" && (len(b.BlockID) > 255 || v.blockIDs[b.BlockID]) {
			v.t.Errorf("%s: the block id %q is too long or used twice", at, b.BlockID)
		}
		v.blockIDs[b.BlockID] = true
		v.block(at, b)
	}
}

func (v *validator) block(at string, b block) {
	v.t.Helper()
	switch b.Type {
	case "header":
		if b.Text == nil || b.Text.Type != "plain_text" {
			v.t.Fatalf("%s: got %+v, want plain text", at, b.Text)
		}
		v.length(at, b.Text.Text, 150)
	case "section":
		if b.Text == nil && len(b.Fields) == 0 {
			v.t.Errorf("%s: got neither text nor fields", at)
		}
		if b.Text != nil {
			v.text(at, *b.Text, 3000)
		}
		if len(b.Fields) > 10 {
			v.t.Errorf("%s: got %d fields, want at most 10", at, len(b.Fields))
		}
		for _, f := range b.Fields {
			v.text(at, f, 2000)
		}
	case "context":
		if n := len(b.Elements); n == 0 || n > 10 {
			v.t.Errorf("%s: got %d elements, want 1 to 10", at, n)
		}
		for _, e := range b.Elements {
			var words string
			if err := json.Unmarshal(e.Text, &words); err != nil {
				v.t.Errorf("%s: got text %s, want a string", at, e.Text)
			}
			v.text(at, text{e.Type, words, e.Verbatim}, 3000)
		}
	case "actions":
		v.actions(at, b.Elements)
	default:
		v.t.Errorf("%s: the validator does not know this block", at)
	}
}

func (v *validator) actions(at string, buttons []element) {
	v.t.Helper()
	if n := len(buttons); n == 0 || n > 25 {
		v.t.Errorf("%s: got %d elements, want 1 to 25", at, n)
	}
	known := map[string]bool{}
	for _, b := range buttons {
		var label text
		if err := json.Unmarshal(b.Text, &label); err != nil || b.Type != "button" || label.Type != "plain_text" {
			v.t.Errorf("%s: got %s %s, want a button in plain text", at, b.Type, b.Text)
		}
		v.length(at, label.Text, 75)
		if b.ActionID == "" || len(b.ActionID) > 255 || known[b.ActionID] || len(b.Value) > 2000 {
			v.t.Errorf("%s: the button %q has a bad action_id, or a value of %d characters", at, b.ActionID, len(b.Value))
		}
		if b.Style != "" && b.Style != "primary" && b.Style != "danger" {
			v.t.Errorf("%s: got style %q", at, b.Style)
		}
		known[b.ActionID] = true
	}
}

func (v *validator) text(at string, x text, most int) {
	v.t.Helper()
	if x.Type != "mrkdwn" || !x.Verbatim {
		v.t.Errorf("%s: got %s, verbatim %v: want verbatim mrkdwn, in which Slack finds no mentions of its own", at, x.Type, x.Verbatim)
	}
	v.length(at, x.Text, most)
	v.markup(at, x.Text)
}

func (v *validator) length(at, text string, most int) {
	v.t.Helper()
	if n := len(utf16.Encode([]rune(text))); n == 0 || n > most {
		v.t.Errorf("%s: got %d characters, want 1 to %d", at, n, most)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
		v.t.Errorf("%s: a control character is in %q", at, text)
	}
}

var (
	ownMarkup = regexp.MustCompile(`<!date\^\d+\^[^<>|]*\|[^<>|]*>|<https?://[^<>| ]*\|(Runbook|Open in Watchdog)>`)
	entity    = regexp.MustCompile(`&(amp|lt|gt);`)
)

// markup wants no < > & but those of our own links and dates, and each code closed.
func (v *validator) markup(at, text string) {
	v.t.Helper()
	rest := entity.ReplaceAllString(ownMarkup.ReplaceAllString(text, ""), "")
	if strings.ContainsAny(rest, "<>&") {
		v.t.Errorf("%s: markup that is not ours is in %q", at, text)
	}
	if strings.Count(text, "`")%2 != 0 {
		v.t.Errorf("%s: code that is not closed is in %q", at, text)
	}
}

// asciiLength is how long JSON is when all but ASCII is escaped.
func asciiLength(raw []byte) int {
	n := 0
	for _, r := range string(raw) {
		switch {
		case r < 0x80:
			n++
		case r < 0x10000:
			n += 6
		default:
			n += 12
		}
	}
	return n
}
