package slack_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"watchdog/notify"
	"watchdog/notify/slack"
	"watchdog/notify/slack/slacktest"
)

// workspace is a Slack, of which every message is validated, and the memory of one thread.
type workspace struct {
	*slacktest.Workspace
	t      *testing.T
	memory []byte
}

func newWorkspace(t *testing.T) *workspace {
	return &workspace{Workspace: slacktest.New(t), t: t}
}

func (w *workspace) config() slack.Config {
	return slack.Config{Token: botToken, AppToken: appToken, Channel: "#oncall", APIURL: w.URL()}
}

// send sends a message of the one thread, as the daemon does.
func (w *workspace) send(m *notify.Message) error {
	w.t.Helper()
	memory, err := newSink(w.t, w.config(), w.Client()).Resume(w.t.Context(), m, w.memory)
	if memory != nil {
		w.memory = memory
	}
	for _, p := range w.Posts() {
		validate(w.t, p.Body)
		if want := map[bool]string{true: "#oncall", false: slacktest.ChannelID}[p.Thread == ""]; p.Channel != want {
			w.t.Errorf("a message went to channel %q, want %q", p.Channel, want)
		}
	}
	return err
}

func (w *workspace) must(m *notify.Message) {
	w.t.Helper()
	if err := w.send(m); err != nil {
		w.t.Fatalf("Resume: got %v, want it to be taken", err)
	}
}

// seen is the channel as a person sees it: each post by its headline and its buttons, each reply
// below it, and what of the threads the channel shows too.
func (w *workspace) seen() string {
	var b strings.Builder
	posts := w.Posts()
	for _, p := range posts {
		if p.Thread != "" {
			continue
		}
		shown := validate(w.t, p.Body)
		fmt.Fprintf(&b, "%s%s\n", shown.Blocks[0].Text.Text, buttonsOf(shown))
		for _, a := range shown.Attachments {
			for _, block := range a.Blocks {
				if block.Text != nil && strings.Contains(block.Text.Text, "~") {
					fmt.Fprintf(&b, "  %s\n", plainDates(block.Text.Text))
				}
				for _, e := range block.Elements {
					if block.Type == "context" && !strings.Contains(string(e.Text), "Runbook") {
						fmt.Fprintf(&b, "  %s\n", plainDates(strings.Trim(string(e.Text), `"`)))
					}
				}
			}
		}
		for _, r := range posts {
			if r.Thread == p.TS {
				mark := "  | "
				if r.Broadcast {
					mark = "  ! "
				}
				b.WriteString(mark + strings.ReplaceAll(plainDates(validate(w.t, r.Body).Blocks[0].Text.Text), "\n", "\n"+mark) + "\n")
			}
		}
	}
	return b.String()
}

func buttonsOf(p post) string {
	var names []string
	for _, a := range p.Attachments {
		for _, b := range a.Blocks {
			for _, e := range b.Elements {
				if b.Type == "actions" {
					names = append(names, strings.TrimPrefix(e.ActionID, "watchdog_"))
				}
			}
		}
	}
	if names == nil {
		return ""
	}
	return " [" + strings.Join(names, " ") + "]"
}

var dates = regexp.MustCompile(`(?:<|\\u003c)!date\^\d+\^[^|]*\|([^>\\]*)(?:>|\\u003e)`)

func plainDates(text string) string { return dates.ReplaceAllString(text, "$1") }
