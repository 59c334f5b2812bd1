package slack

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// heard is what was answered. We listen for ourselves because slack-go takes {} and {"ok":false}
// for success, drops the text of a refusal, and knows a Retry-After only as a number.
type heard struct {
	status     int // 0: there was no answer
	retryAfter string
	location   string // scheme and host of a redirect
	body       bytes.Buffer
}

const (
	maxAnswer = 1 << 20 // of a 200, which repeats the message
	maxReason = 4 << 10 // of anything else
)

// listen is c for one request, and what it will hear.
func listen(c *http.Client) (*http.Client, *heard) {
	h := &heard{}
	own := *c
	own.Transport = &listener{next: c.Transport, heard: h}
	return &own, h
}

type listener struct {
	next  http.RoundTripper
	heard *heard
}

func (l *listener) RoundTrip(request *http.Request) (*http.Response, error) {
	next := l.next
	if next == nil {
		next = http.DefaultTransport
	}
	response, err := next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	h := l.heard
	h.status, h.retryAfter = response.StatusCode, response.Header.Get("Retry-After")
	if to, err := response.Location(); err == nil {
		h.location = to.Scheme + "://" + to.Host
	}
	response.Header.Del("Location") // or http.Client would follow: a GET would look like a success
	most := int64(maxAnswer)
	if h.status != http.StatusOK {
		most = maxReason
	}
	body := io.TeeReader(io.LimitReader(response.Body, most), &h.body)
	if h.status != http.StatusOK { // slack-go does not read it
		_, _ = io.Copy(io.Discard, body) // cut off or not: the status counts
	}
	response.Body = readCloser{body, response.Body}
	return response, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}

// answer is what the API says; an incoming webhook just says its error.
type answer struct {
	OK               bool   `json:"ok"`
	Channel          string `json:"channel"` // the id of the one that was posted to
	TS               string `json:"ts"`      // of the post
	Error            string `json:"error"`
	Needed           string `json:"needed"` // the scope that is missing
	ResponseMetadata struct {
		Messages []string `json:"messages"` // what is wrong with the blocks
	} `json:"response_metadata"`
}

// answer reads the body; false when it is no answer of Slack.
func (h *heard) answer() (answer, bool) {
	var a answer
	err := json.NewDecoder(bytes.NewReader(h.body.Bytes())).Decode(&a)
	var odd *json.UnmarshalTypeError // one field is not as expected; the others are read
	return a, err == nil || errors.As(err, &odd)
}

// statusText is "404 Not Found".
func (h *heard) statusText() string {
	return strings.TrimSpace(strconv.Itoa(h.status) + " " + http.StatusText(h.status))
}
