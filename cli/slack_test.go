package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"watchdog/notify/slack/slacktest"
	"watchdog/scheduler/couchtest"
)

const slackConfig = `
store: %s
servers: [{name: prod, url: %q}]
checks: [{name: all, schedule: "@every 1s", jitter: 0s}]
rules: [{name: failed, severity: critical, when: state == "failed"}]
sinks: [{name: oncall, slack: {token: xoxb-1, app_token: xapp-1, channel: "#oncall", api_url: %q}}]
routes: [{to: [oncall]}]
`

// A replication fails, anna presses a button, it recovers and fails again: what the channel shows
// meanwhile, of a whole daemon that is restarted in between.
func TestAnAlertInSlackFromItsPostToItsEnd(t *testing.T) {
	couch, workspace := couchtest.New(couchtest.Options{}), slacktest.New(t)
	orders := couch.Put("_replicator", "orders", couchtest.Spec{})
	d := &daemon{t: t, config: filepath.Join(t.TempDir(), "watchdog.yaml"), store: filepath.Join(t.TempDir(), "watchdog.db")}
	text := fmt.Sprintf(slackConfig, d.store, serve(t, couch), workspace.URL())
	if err := os.WriteFile(d.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	stop := func() {}
	start := func() {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- d.start(ctx, syscall.SIGTERM) }()
		stop = func() { cancel(); <-ended }
	}
	defer func() { stop() }()
	shows := func(i int, headline string, words ...string) {
		t.Helper()
		workspace.Await(fmt.Sprintf("message %d says %q and %q", i, headline, words), func(posts []slacktest.Post) bool {
			if len(posts) <= i || !strings.Contains(headlineOf(posts[i]), headline) {
				return false
			}
			for _, word := range words {
				if !strings.Contains(string(posts[i].Body), word) {
					return false
				}
			}
			return true
		})
	}

	start()
	orders.Fail("no such database")
	shows(0, "firing: failed, prod/_replicator/orders", "no such database", "Acknowledge")
	post := workspace.Posts()[0].TS
	if got := workspace.Press(post, "watchdog_ack"); got != "" {
		t.Errorf("the press was answered by %q, want the post to say it", got)
	}
	shows(0, "firing", "acknowledged by @anna")
	shows(1, "acknowledged by @anna")
	button := fmt.Sprintf(`{"sink":"oncall","thread":%q}`, threadOf(t, workspace.Posts()[0]))
	if got := workspace.PressValue(post, "watchdog_ack", button); !strings.HasPrefix(got, "Already acknowledged by @anna") {
		t.Errorf("the second press was answered by %q, want that she has it already", got)
	}
	if got := workspace.Press(post, "watchdog_silence_1h"); got != "" {
		t.Errorf("the press was answered by %q, want the post to say it", got)
	}
	shows(0, "firing", "acknowledged by @anna", "silenced by @anna until")
	stop()

	start()
	orders.Rewrite()
	shows(0, "✅ resolved: failed, prod/_replicator/orders", "#2eb67d", "~failed")
	shows(3, "resolved")
	workspace.AwaitSocket()
	if got := workspace.PressValue(post, "watchdog_silence_1h", button); got != "Nothing of this message fires any more." {
		t.Errorf("the press on what is over was answered by %q", got)
	}
	for i, want := range []struct{ thread, broadcast bool }{{false, false}, {true, false}, {true, false}, {true, true}} {
		p := workspace.Posts()[i]
		if (p.Thread == post) != want.thread || p.Broadcast != want.broadcast {
			t.Errorf("message %d: got thread %q, shown to the channel %v; want %+v", i, p.Thread, p.Broadcast, want)
		}
	}
	if t.Failed() {
		t.Log(d.log.String())
	}
}

// headlineOf is the first block of a message.
func headlineOf(p slacktest.Post) string {
	var m struct {
		Blocks []struct{ Text struct{ Text string } }
	}
	if err := json.Unmarshal(p.Body, &m); err != nil || len(m.Blocks) == 0 {
		return ""
	}
	return m.Blocks[0].Text.Text
}

// threadOf is what the buttons of a message say that they are about.
func threadOf(t *testing.T, p slacktest.Post) string {
	t.Helper()
	_, rest, found := strings.Cut(string(p.Body), `\"thread\":\"`)
	thread, _, _ := strings.Cut(rest, `\"`)
	if !found {
		t.Fatalf("the message has no buttons: %s", p.Body)
	}
	return thread
}
