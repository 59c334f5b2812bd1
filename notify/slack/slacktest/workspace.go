// Package slacktest is a Slack for tests: one channel that keeps what it is sent and changed, and
// an app whose buttons can be pressed over Socket Mode.
//
// slack-go has a test server too, which knows no chat.update, forgets what it was posted, and does
// not acknowledge presses.
package slacktest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// ChannelID is what the channel is called by the API, whatever name it is posted to by.
const ChannelID = "C024BE91L"

// Workspace is the server. Its methods may be called at any time.
type Workspace struct {
	t      testing.TB
	server *httptest.Server

	mu       sync.Mutex // guards what follows
	changed  chan struct{}
	posts    []Post
	calls    []string
	fail     []string
	answers  []string
	sockets  []*socket
	opened   int
	noSocket string
	acks     map[string]chan struct{} // by envelope: closed when the app has confirmed it
	pressed  int
}

// Post is one message of the channel, or of a thread.
type Post struct {
	TS        string
	Channel   string // as it was named
	Thread    string // TS of the post that it replies to; "" for a post
	Broadcast bool   // the channel shows the reply too
	Body      []byte // JSON with text, blocks and attachments, as changed last
	Edits     int
}

// New opens a workspace, which closes with the test.
func New(t testing.TB) *Workspace {
	w := &Workspace{t: t, changed: make(chan struct{}), acks: map[string]chan struct{}{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/chat.postMessage", w.call)
	mux.HandleFunc("/api/chat.update", w.call)
	mux.HandleFunc("/api/apps.connections.open", w.open)
	mux.HandleFunc("/api/auth.test", func(rw http.ResponseWriter, _ *http.Request) {
		io.WriteString(rw, `{"ok":true,"user":"watchdog","team":"Example"}`)
	})
	mux.HandleFunc("/socket", w.connect)
	mux.HandleFunc("/respond", w.respond)
	w.server = httptest.NewServer(mux)
	t.Cleanup(func() {
		w.Drop()
		w.server.CloseClientConnections()
		w.server.Close()
	})
	return w
}

// URL is of its API.
func (w *Workspace) URL() string { return w.server.URL + "/api/" }

// Client speaks to it.
func (w *Workspace) Client() *http.Client { return w.server.Client() }

// Fail makes the calls that come answer so, one after the other: "" is yes, a number that status,
// "half" a yes that is cut off, "hang" none, and any other text the error of that name.
func (w *Workspace) Fail(answers ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail = answers
}

// Posts are all messages so far.
func (w *Workspace) Posts() []Post {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Post(nil), w.posts...)
}

// Calls are the calls since it was asked last: "post", "update" or "reply".
func (w *Workspace) Calls() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.calls
	w.calls = nil
	return calls
}

// Remove deletes a message by its number, from 0, as a person does.
func (w *Workspace) Remove(i int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.posts[i].TS = "gone"
}

// Await waits until something holds of the messages.
func (w *Workspace) Await(what string, holds func(posts []Post) bool) {
	w.t.Helper()
	patience := time.After(30 * time.Second)
	for {
		w.mu.Lock()
		changed := w.changed
		w.mu.Unlock()
		if holds(w.Posts()) {
			return
		}
		select {
		case <-changed:
		case <-patience:
			w.t.Fatalf("not within half a minute: %s", what)
		}
	}
}

// news wakes those who wait. The lock is held.
func (w *Workspace) news() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// call answers chat.postMessage and chat.update.
func (w *Workspace) call(rw http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	w.mu.Lock()
	defer w.mu.Unlock()
	method := "post"
	switch {
	case strings.HasSuffix(r.URL.Path, "update"):
		method = "update"
	case r.PostForm.Get("thread_ts") != "":
		method = "reply"
	}
	w.calls = append(w.calls, method)
	if len(w.fail) > 0 {
		answer := w.fail[0]
		w.fail = w.fail[1:]
		if answer != "" {
			w.refuse(rw, r, answer)
			return
		}
	}
	rw.Header().Set("Content-Type", "application/json")
	ts := r.PostForm.Get("ts")
	if method != "update" {
		ts = fmt.Sprintf("17673230%02d.000100", len(w.posts))
		w.posts = append(w.posts, Post{
			TS: ts, Channel: r.PostForm.Get("channel"), Thread: r.PostForm.Get("thread_ts"),
			Broadcast: r.PostForm.Get("reply_broadcast") == "true", Body: body(r.PostForm),
		})
	} else if !w.update(r.PostForm.Get("channel"), ts, body(r.PostForm)) {
		io.WriteString(rw, `{"ok":false,"error":"message_not_found"}`)
		return
	}
	w.news()
	fmt.Fprintf(rw, `{"ok":true,"channel":%q,"ts":%q}`, ChannelID, ts)
}

func (w *Workspace) update(channel, ts string, body []byte) bool {
	for i := range w.posts {
		if p := &w.posts[i]; p.TS == ts && channel == ChannelID {
			p.Body = body
			p.Edits++
			return true
		}
	}
	return false
}

// refuse answers otherwise than by yes. The lock is held.
func (w *Workspace) refuse(rw http.ResponseWriter, r *http.Request, answer string) {
	status, err := strconv.Atoi(answer)
	switch {
	case err == nil:
		rw.WriteHeader(status)
	case answer == "half":
		rw.Header().Set("Content-Length", "100")
		io.WriteString(rw, `{"ok":`)
	case answer == "hang":
		w.mu.Unlock()
		<-r.Context().Done()
		w.mu.Lock()
	default:
		fmt.Fprintf(rw, `{"ok":false,"error":%q}`, answer)
	}
}

// body is what a call says, as JSON.
func body(form url.Values) []byte {
	list := func(name string) json.RawMessage {
		if form.Get(name) == "" {
			return json.RawMessage("[]")
		}
		return json.RawMessage(form.Get(name))
	}
	raw, err := json.Marshal(map[string]any{"text": form.Get("text"), "blocks": list("blocks"), "attachments": list("attachments")})
	if err != nil {
		return []byte(err.Error()) // no JSON: whoever reads it finds out
	}
	return raw
}
