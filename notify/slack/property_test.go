package slack_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"watchdog/notify/slack/slacktest"
)

// Whatever Slack answers, and whoever deletes posts: each message that calls people is a post or a
// line that the channel shows, and the last post says what fires in the end.
func TestNothingThatFiresGoesUnseen(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorkspace(t)
		fires := map[string]bool{}
		for minute := range rapid.IntRange(1, 12).Draw(rt, "messages") {
			doc := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "doc")
			what, loud := "new "+doc, true
			if fires[doc] {
				what, loud = "resolved "+doc, false
			}
			fires[doc] = !fires[doc]
			if posts := w.Posts(); len(posts) > 0 && rapid.IntRange(0, 4).Draw(rt, "somebody") == 0 {
				w.Remove(rapid.IntRange(0, len(posts)-1).Draw(rt, "deletes"))
			}
			w.Fail(rapid.SliceOfN(rapid.SampledFrom([]string{
				"", "500", "429", "internal_error", "message_not_found", "half", "new_in_2027", "403",
			}), 0, 4).Draw(rt, "answers")...)
			m := told(minute, what)
			for attempt := 0; w.send(m) != nil; attempt++ {
				if attempt > 5 {
					rt.Fatalf("%s is not taken by a Slack that works", what)
				}
			}
			if seen := shown(w.Posts(), m.ID); seen == 0 || loud && seen == 1 {
				rt.Fatalf("%s at minute %d: got %d of nothing, a line, what the channel shows; calls %v", what, minute, seen, w.Calls())
			}
		}
		last, firing := "", 0
		for _, p := range w.Posts() {
			if p.Thread == "" && p.TS != "gone" {
				last = validate(t, p.Body).Blocks[0].Text.Text
			}
		}
		for _, yes := range fires {
			if yes {
				firing++
			}
		}
		switch {
		case last == "": // somebody deleted it
		case firing == 0 && !strings.HasPrefix(last, "✅"),
			firing == 1 && !strings.Contains(last, "firing: failed") && !strings.Contains(last, "1 firing"),
			firing > 1 && !strings.Contains(last, fmt.Sprintf("%d firing", firing)):
			rt.Fatalf("%d fire, and the last post says %q", firing, last)
		}
	})
}

// shown is how a delivery is seen: 0 not at all, 1 in a thread, 2 in the channel.
func shown(posts []slacktest.Post, delivery string) int {
	seen := 0
	for _, p := range posts {
		switch {
		case !strings.Contains(string(p.Body), `"block_id":"`+delivery+`"`):
		case p.Thread == "" && p.Edits == 0 || p.Broadcast:
			seen = 2
		case p.Thread != "":
			seen = max(seen, 1)
		}
	}
	return seen
}

func TestASlackThatHangsIsLeftAndAskedAgain(t *testing.T) {
	w := newWorkspace(t)
	w.must(told(0, "new a"))
	w.Calls()
	w.Fail("", "hang")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	memory, err := newSink(t, w.config(), w.Client()).Resume(ctx, told(1, "new b"), w.memory)
	if err == nil || memory == nil {
		t.Fatalf("Resume: got error %v and memory %q, want how far it came", err, memory)
	}
	w.memory = memory
	w.must(told(1, "new b"))
	if got, want := strings.Join(w.Calls(), " "), "update reply reply"; got != want {
		t.Errorf("calls: got %s, want %s", got, want)
	}
}
