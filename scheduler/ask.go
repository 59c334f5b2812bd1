package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"watchdog/snapshot"
)

// maxSmall bounds an answer about one thing. A row takes half a kilobyte, and ten times that
// with a long history of long errors.
const maxSmall = 1 << 20

// Ask asks for the one document of key, or for the one job where it is transient. Missing means
// that CouchDB itself answered that it does not exist; every other trouble is an error.
func (c *Client) Ask(ctx context.Context, key snapshot.Key) (snapshot.Answer, error) {
	path := docsPath + escape(key.Database) + "/" + escape(key.DocID)
	if key.Database == snapshot.TransientDatabase {
		path = jobsPath + "/" + escape(key.DocID)
	}
	row, err := c.getSmall(ctx, path)
	var e *Error
	if errors.As(err, &e) && e.missing() {
		return snapshot.Answer{Missing: true}, nil
	}
	if err != nil {
		return snapshot.Answer{}, err
	}
	answer, err := snapshot.DecodeAnswer(key, row)
	if err != nil {
		return snapshot.Answer{}, c.failed(http.MethodGet, path, err)
	}
	return answer, nil
}

// getSmall is the whole answer, where it is a small one.
func (c *Client) getSmall(ctx context.Context, path string) (body []byte, err error) {
	err = c.fetch(ctx, path, "", func(a *answer) error {
		body, err = a.small()
		return err
	})
	return body, err
}

func (c *Client) getJSON(ctx context.Context, path string, into any) error {
	return c.fetch(ctx, path, "", func(a *answer) error { return a.decode(into) })
}

// small is the whole body, where it is a small one.
func (a *answer) small() ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(a, maxSmall+1))
	if err == nil && len(body) > maxSmall {
		err = a.client.failed(a.method, a.path, fmt.Errorf("the answer is longer than %d bytes", maxSmall))
	}
	return body, err
}

// decode decodes the body, a small one.
func (a *answer) decode(into any) error {
	body, err := a.small()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return a.client.failed(a.method, a.path, fmt.Errorf("decode: %w", err))
	}
	return nil
}
