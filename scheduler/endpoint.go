package scheduler

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"watchdog/secret"
)

// Endpoint is a database that is replicated from or to.
type Endpoint struct {
	// URL is where it is. The name of a database alone is one of the same server, which is then
	// asked with our own credentials. Credentials in the URL count where there are no others.
	URL      string
	Username string
	Password secret.String
	APIKey   secret.String // IBM Cloud IAM's, in place of the two above
	// Object stands in place of all above, as it is.
	Object json.RawMessage
}

func (e Endpoint) empty() bool { return e.URL == "" && e.Object == nil }

// complete makes a URL without credentials of a name or of a URL with them, which it keeps beside.
func (e *Endpoint) complete(c *Client) error {
	if e.Object != nil {
		return nil
	}
	given := e.Username != "" || e.APIKey != ""
	if !strings.Contains(e.URL, "://") {
		e.URL = c.base + "/" + escape(e.URL)
		if !given {
			return e.borrow(c.spec.Auth)
		}
	}
	u, err := url.Parse(e.URL)
	if err != nil || u.Host == "" {
		return errors.New("not a valid URL") // err may quote a password
	}
	if u.User != nil && !given {
		password, _ := u.User.Password()
		e.Username, e.Password = u.User.Username(), secret.String(password)
	}
	u.User = nil
	e.URL = u.String()
	return nil
}

// borrow takes our own credentials for an endpoint on the same server.
func (e *Endpoint) borrow(a Auth) error {
	switch {
	case a.IAMAPIKey != "":
		e.APIKey = a.IAMAPIKey
	case a.Bearer != "" || a.BearerFile != "" || a.Proxy.written():
		return errors.New("our own credentials are not of a kind that a replication can use: give the URL of the database, with others")
	default:
		e.Username, e.Password = a.Username, a.Password
	}
	return nil
}

// auth are the credentials of an endpoint, as those of a server.
func (e *Endpoint) auth() Auth {
	return Auth{Username: e.Username, Password: e.Password, IAMAPIKey: e.APIKey}
}

// written is a complete endpoint as it is written into a document.
func (c *Client) written(ctx context.Context, e Endpoint) (any, error) {
	if e.Object != nil {
		return e.Object, nil
	}
	object := map[string]any{"url": e.URL}
	if e.APIKey != "" {
		object["auth"] = map[string]any{"iam": map[string]string{"api_key": e.APIKey.Reveal()}}
		return object, nil
	}
	if e.Username == "" {
		return object, nil
	}
	readsAuth, err := c.since(ctx, 3, 2)
	if err != nil {
		return nil, err
	}
	if readsAuth {
		object["auth"] = map[string]any{"basic": map[string]string{"username": e.Username, "password": e.Password.Reveal()}}
	} else {
		token := base64.StdEncoding.EncodeToString([]byte(e.Username + ":" + e.Password.Reveal()))
		object["headers"] = map[string]string{"Authorization": "Basic " + token}
	}
	return object, nil
}

// since reports whether the server is of that version or a newer one. One that does not say its
// version counts as new.
func (c *Client) since(ctx context.Context, major, minor int) (bool, error) {
	var welcome struct{ Version string }
	if err := c.getJSON(ctx, "/", &welcome); err != nil {
		return false, err
	}
	var hasMajor, hasMinor int
	if n, _ := fmt.Sscanf(welcome.Version, "%d.%d", &hasMajor, &hasMinor); n < 2 {
		return true, nil
	}
	return hasMajor > major || hasMajor == major && hasMinor >= minor, nil
}
