package slack_test

import (
	"errors"
	"strings"
	"testing"

	"watchdog/notify"
)

// A delivery that fails midway goes on where it stopped, and calls nobody twice.
func TestWhatSlackAnswersToAChange(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers []string // of the calls for the change, attempt by attempt
		calls   string   // of all attempts, "/" between them
	}{
		{"yes", nil, "update reply"},
		{"the post cannot be changed now", []string{"503"}, "update / update reply"},
		{"too many requests", []string{"429"}, "update / update reply"},
		{"an error that passes", []string{"internal_error"}, "update / update reply"},
		{"half an answer", []string{"half"}, "update / update reply"},
		{"the post is gone", []string{"message_not_found"}, "update post"},
		{"it may not be changed", []string{"cant_update_message"}, "update post"},
		{"it is too old", []string{"edit_window_closed"}, "update post"},
		{"an error that nobody knows", []string{"new_in_2027"}, "update post"},
		{"no authority, whatever is said", []string{"403"}, "update post"},
		{"the reply fails: the change is not made again", []string{"", "503"}, "update reply / reply"},
		{"the reply fails twice", []string{"", "503", "ratelimited"}, "update reply / reply / reply"},
		{"there are no threads there", []string{"", "restricted_action_non_threadable_channel"}, "update reply post"},
		{"the new post fails: the old one is not tried again", []string{"message_not_found", "500"}, "update post / post"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorkspace(t)
			w.must(told(0, "new a"))
			w.Calls()
			w.Fail(tt.answers...)
			var attempts []string
			for range 5 {
				err := w.send(told(1, "new b"))
				attempts = append(attempts, strings.Join(w.Calls(), " "))
				if err == nil {
					break
				}
				if _, refused := errors.AsType[*notify.Refused](err); refused {
					t.Errorf("Resume: got %v, want no refusal", err)
				}
			}
			if got := strings.Join(attempts, " / "); got != tt.calls {
				t.Errorf("calls: got %s, want %s", got, tt.calls)
			}
			w.must(told(2, "resolved a"))
			if got := strings.Join(w.Calls(), " "); got != "update reply" {
				t.Errorf("calls for the next change: got %s, want update reply", got)
			}
		})
	}
}

func TestAPostThatIsRefusedIsRefused(t *testing.T) {
	w := newWorkspace(t)
	w.Fail("not_in_channel")
	var refused *notify.Refused
	if err := w.send(told(0, "new a")); !errors.As(err, &refused) || w.memory != nil {
		t.Errorf("Resume: got %v and memory %q, want a refusal and none", err, w.memory)
	}
}

func TestAPostOfWhichSlackSaysNoNameIsNotChanged(t *testing.T) {
	w := newWorkspace(t)
	w.must(told(0, "new a"))
	w.memory = []byte(strings.Replace(string(w.memory), w.Posts()[0].TS, "", 1))
	w.must(told(1, "new b"))
	if got := strings.Join(w.Calls(), " "); got != "post post" {
		t.Errorf("calls: got %s, want two posts", got)
	}
}

func TestATestMessageIsAPostOfItsOwn(t *testing.T) {
	w := newWorkspace(t)
	w.must(told(0, "new a"))
	m := told(1, "new b")
	m.Test = true
	before := string(w.memory)
	w.must(m)
	if got := strings.Join(w.Calls(), " "); got != "post post" || string(w.memory) != before {
		t.Errorf("got calls %s and memory %s, want two posts and %s", got, w.memory, before)
	}
	if got, want := validate(t, w.Posts()[1].Body).Blocks[0].Text.Text, "🟠 test message: firing: failed, prod/_replicator/b"; got != want {
		t.Errorf("headline: got %q, want %q", got, want)
	}
}
