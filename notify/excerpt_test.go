package notify_test

import (
	"strings"
	"testing"

	"watchdog/notify"
)

func TestExcerpt(t *testing.T) {
	for _, c := range []struct{ name, answer, want string }{
		{"nothing", " \r\n", ""},
		{"a line", "no such hook\n", "no such hook"},
		{"more lines become one", "bad:\n\t{\"a\":\r\n 1}", `bad: {"a": 1}`},
		{"control characters are left out", "a\x1b[2Jb\x00c\u0085d", "a [2Jb c d"},
		{"what is no text is marked", "a\xffb", "a\ufffdb"},
		{"a web page is just named", "\n<!DOCTYPE html><html>…", "a web page"},
		{"a long one is cut between characters", strings.Repeat("é", 301), strings.Repeat("é", 300) + "…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := notify.Excerpt(c.answer); got != c.want {
				t.Errorf("Excerpt(%q): got %q, want %q", c.answer, got, c.want)
			}
		})
	}
}
