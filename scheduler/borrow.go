package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"watchdog/secret"
	"watchdog/snapshot"
)

// askAsReplication asks a source with the credentials that the replication's document holds. The
// document is fetched for it each time: they are neither kept nor told, and no word of the
// source's answer is, which could quote them.
func (c *Client) askAsReplication(ctx context.Context, r *snapshot.Replication) (int64, error) {
	if r.Database == snapshot.TransientDatabase {
		return 0, errNoCredentials // it has no document
	}
	var doc struct{ Source json.RawMessage }
	if err := c.fetch(ctx, "/"+escape(r.Database)+"/"+escape(r.DocID), "", func(a *answer) error {
		body, err := a.small()
		if err == nil && json.Unmarshal(body, &doc) != nil {
			err = c.failed(a.method, a.path, errors.New("the document cannot be read"))
		}
		return err
	}); err != nil {
		return 0, fmt.Errorf("ask for the document that holds the credentials of the source: %w", err)
	}
	asker, path, err := c.sources.Load().borrow(doc.Source)
	if err != nil {
		return 0, err
	}
	defer asker.Close()
	pending, err := asker.pendingAfter(ctx, path, r.ThroughSeq)
	return pending, withoutWords(err)
}

// withoutWords is an error of asking with credentials that are not ours, less what others said.
func withoutWords(err error) error {
	var e *Error
	switch {
	case !errors.As(err, &e):
		return err
	case e.Status == 0:
		return &Error{Method: e.Method, Path: e.Path, Server: e.Server, Err: e.Err}
	}
	return &Error{
		Method: e.Method, Path: e.Path, Server: e.Server, Status: e.Status,
		Hint: "signed in with the credentials of the replication",
	}
}

// endpoint is a source as an object in a replication document.
type endpoint struct {
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Auth    struct {
		Basic struct {
			Username string        `json:"username"`
			Password secret.String `json:"password"`
		} `json:"basic"`
	} `json:"auth"`
}

// borrow is a client for one request with the credentials of a replication document, and the path
// of the database. What is known of credentials that were refused is kept by name of the user,
// so that they are not tried again and again.
func (s *sources) borrow(source json.RawMessage) (*Client, string, error) {
	var from endpoint
	if json.Unmarshal(source, &from.URL) != nil && json.Unmarshal(source, &from) != nil {
		return nil, "", errors.New("the document's source cannot be read")
	}
	u, err := url.Parse(from.URL)
	if err != nil {
		return nil, "", errors.New("the document's source is no URL")
	}
	auth := Auth{Username: from.Auth.Basic.Username, Password: from.Auth.Basic.Password, Basic: true}
	if auth.Username == "" && u.User != nil {
		password, _ := u.User.Password()
		auth.Username, auth.Password = u.User.Username(), secret.String(password)
	}
	at, err := parseSource(from.URL)
	if err != nil {
		return nil, "", err
	}
	options := Options{Spec: sourceServer(at, auth)}
	switch {
	case len(from.Headers) > 0:
		options.Spec.Auth, options.Auth = Auth{}, headers(from.Headers)
	case auth.Username == "":
		options.Spec.Auth = Auth{}
	}
	c, err := New(options)
	if err != nil {
		return nil, "", errors.New("the credentials in the document are not such as can be used")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := c.base + " " + auth.Username
	if s.guards[key] == nil {
		s.guards[key] = c.guard
	}
	c.guard = s.guards[key]
	return c, at.EscapedPath(), nil
}

// headers are credentials in the form of the headers that carry them.
type headers map[string]string

func (h headers) Authenticate(req *http.Request) error {
	for name, value := range h {
		req.Header.Set(name, value)
	}
	return nil
}
