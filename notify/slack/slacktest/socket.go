package slacktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// socket is one connection of the app.
type socket struct {
	conn *websocket.Conn
	mu   sync.Mutex // one writer at a time
}

func (s *socket) write(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn.WriteMessage(websocket.TextMessage, []byte(text))
}

// RefuseSockets makes it refuse to open connections with an error, "" to open them again.
func (w *Workspace) RefuseSockets(code string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.noSocket = code
}

// Opened is how often a connection was asked for.
func (w *Workspace) Opened() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.opened
}

// Drop cuts all connections of the app.
func (w *Workspace) Drop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.sockets {
		_ = s.conn.Close()
	}
	w.sockets = nil
}

// Refresh asks the app to connect anew, as Slack does every few hours.
func (w *Workspace) Refresh() {
	w.mu.Lock()
	sockets := w.sockets
	w.sockets = nil // what is pressed from now on comes by the next one
	w.mu.Unlock()
	for _, s := range sockets {
		_ = s.write(`{"type":"disconnect","reason":"refresh_requested"}`)
	}
}

func (w *Workspace) open(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.opened++
	refused := w.noSocket
	w.news()
	w.mu.Unlock()
	if refused == "" && !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer xapp-") {
		refused = "not_allowed_token_type"
	}
	if refused != "" {
		fmt.Fprintf(rw, `{"ok":false,"error":%q}`, refused)
		return
	}
	fmt.Fprintf(rw, `{"ok":true,"url":%q}`, strings.Replace(w.server.URL, "http", "ws", 1)+"/socket?ticket=secret-ticket")
}

// connect keeps one connection, and reads what the app confirms.
func (w *Workspace) connect(rw http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := up.Upgrade(rw, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	s := &socket{conn: conn}
	if err := s.write(`{"type":"hello","num_connections":1,"connection_info":{"app_id":"A1"}}`); err != nil {
		return
	}
	w.mu.Lock()
	w.sockets = append(w.sockets, s)
	w.news()
	w.mu.Unlock()
	for {
		var ack struct {
			EnvelopeID string `json:"envelope_id"`
		}
		if err := conn.ReadJSON(&ack); err != nil {
			w.forget(s)
			return
		}
		w.mu.Lock()
		if waits := w.acks[ack.EnvelopeID]; waits != nil {
			close(waits)
			delete(w.acks, ack.EnvelopeID)
		}
		w.mu.Unlock()
	}
}

func (w *Workspace) forget(gone *socket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, s := range w.sockets {
		if s == gone {
			w.sockets = append(w.sockets[:i:i], w.sockets[i+1:]...)
			return
		}
	}
}

// AwaitSocket waits until the app is connected.
func (w *Workspace) AwaitSocket() {
	w.t.Helper()
	w.Await("the app connects", func([]Post) bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.sockets) > 0
	})
}

// Press presses the button of an action in a message, waits until the app has confirmed it, and
// gives what only anna, who pressed, is told; "" for nothing.
func (w *Workspace) Press(ts, action string) string {
	w.t.Helper()
	w.AwaitSocket()
	value := ""
	for _, p := range w.Posts() {
		if v, ok := buttonsOf(p.Body)[action]; ok && p.TS == ts {
			value = v
		}
	}
	if value == "" {
		w.t.Fatalf("message %s has no button %s", ts, action)
	}
	return w.PressValue(ts, action, value)
}

// PressValue presses a button that a message may have no more.
func (w *Workspace) PressValue(ts, action, value string) string {
	w.t.Helper()
	w.mu.Lock()
	w.pressed++
	id, confirmed := fmt.Sprint("envelope-", w.pressed), make(chan struct{})
	w.acks[id] = confirmed
	s, before := w.sockets[len(w.sockets)-1], len(w.answers)
	w.mu.Unlock()
	envelope, err := json.Marshal(map[string]any{"type": "interactive", "envelope_id": id, "accepts_response_payload": false, "payload": map[string]any{
		"type": "block_actions", "user": map[string]any{"id": "U024BE7LH", "name": "anna"}, "response_url": w.server.URL + "/respond?secret=1",
		"container": map[string]any{"type": "message_attachment", "message_ts": ts, "channel_id": ChannelID, "attachment_id": 1},
		"actions":   []any{map[string]any{"type": "button", "action_id": action, "value": value, "block_id": "x"}},
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := s.write(string(envelope)); err != nil {
		w.t.Fatalf("press: %v", err)
	}
	select {
	case <-confirmed:
	case <-time.After(10 * time.Second):
		w.t.Fatal("the app did not confirm a press")
	}
	return w.answerAfter(before)
}

// Interact sends something as a press, which may be none, and waits for nothing.
func (w *Workspace) Interact(payload string) {
	w.t.Helper()
	w.mu.Lock()
	s := w.sockets[len(w.sockets)-1]
	w.mu.Unlock()
	if err := s.write(`{"type":"interactive","envelope_id":"odd","accepts_response_payload":false,"payload":` + payload + `}`); err != nil {
		w.t.Fatalf("interact: %v", err)
	}
}

// answerAfter is what was answered to the latest press. An answer follows its confirmation, so it
// waits a little for one; that there is none takes that long.
func (w *Workspace) answerAfter(before int) string {
	patience := time.After(300 * time.Millisecond)
	for {
		w.mu.Lock()
		changed, answers := w.changed, w.answers
		w.mu.Unlock()
		if len(answers) > before {
			return answers[len(answers)-1]
		}
		select {
		case <-changed:
		case <-patience:
			return ""
		}
	}
}

// respond takes what is told to the one who pressed.
func (w *Workspace) respond(_ http.ResponseWriter, r *http.Request) {
	var said struct {
		Type string `json:"response_type"`
		Text string `json:"text"`
	}
	err := json.NewDecoder(r.Body).Decode(&said)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil || said.Type != "ephemeral" {
		said.Text = fmt.Sprintf("told to everybody: %+v %v", said, err)
	}
	w.answers = append(w.answers, said.Text)
	w.news()
}

// buttonsOf are the values of a message's buttons, by their actions.
func buttonsOf(body []byte) map[string]string {
	var m struct {
		Attachments []struct {
			Blocks []struct {
				Elements []struct {
					ActionID string `json:"action_id"`
					Value    string
				}
			}
		}
	}
	_ = json.Unmarshal(body, &m) // what is no message has none
	values := map[string]string{}
	for _, a := range m.Attachments {
		for _, b := range a.Blocks {
			for _, e := range b.Elements {
				if e.ActionID != "" {
					values[e.ActionID] = e.Value
				}
			}
		}
	}
	return values
}
