package scheduler

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"

	"watchdog/secret"
)

// Draft is a replication to be made.
type Draft struct {
	ID             string // "": one is made up
	Source, Target Endpoint
	Continuous     bool
	CreateTarget   bool
	Filter         string          // "design/filter"
	Selector       json.RawMessage // a Mango selector
	DocIDs         []string        // these documents only
	// UserCtx is on whose behalf it replicates; without it, whoever the server says that we are.
	UserCtx json.RawMessage
	// More are further fields of the document, by CouchDB's names.
	More map[string]any
}

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

// The words of python-cloudant, which programs and people know.
var (
	errNoSource = errors.New("You must specify either a source_db Database object or a manually composed 'source' string/dict.") //nolint:staticcheck,revive // these words
	errNoTarget = errors.New("You must specify either a target_db Database object or a manually composed 'target' string/dict.") //nolint:staticcheck,revive // these words
)

// fields are the document that a draft asks for.
func (r *Replicator) fields(ctx context.Context, d Draft) (map[string]any, error) {
	switch {
	case d.Source.empty():
		return nil, errNoSource
	case d.Target.empty():
		return nil, errNoTarget
	}
	fields := map[string]any{}
	maps.Copy(fields, d.More)
	fields["_id"] = cmp.Or(d.ID, newID())
	for name, e := range map[string]Endpoint{"source": d.Source, "target": d.Target} {
		endpoint, err := r.endpoint(ctx, e)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		fields[name] = endpoint
	}
	for name, set := range map[string]bool{"continuous": d.Continuous, "create_target": d.CreateTarget} {
		if set {
			fields[name] = true
		}
	}
	if d.Filter != "" {
		fields["filter"] = d.Filter
	}
	if d.Selector != nil {
		fields["selector"] = d.Selector
	}
	if d.DocIDs != nil {
		fields["doc_ids"] = d.DocIDs
	}
	if userCtx := r.userCtx(ctx, d); userCtx != nil {
		fields["user_ctx"] = userCtx
	}
	return fields, nil
}

// userCtx is on whose behalf a draft replicates; nil where that need not be said, or the server
// does not tell who we are.
func (r *Replicator) userCtx(ctx context.Context, d Draft) any {
	if d.UserCtx != nil {
		return d.UserCtx
	}
	var session struct {
		UserCtx struct {
			Name  *string  `json:"name"`
			Roles []string `json:"roles"`
		}
	}
	if err := r.client.getJSON(ctx, sessionPath, &session); err != nil || session.UserCtx.Name == nil {
		return nil
	}
	return session.UserCtx
}

func (e Endpoint) empty() bool { return e.URL == "" && e.Object == nil }

// endpoint is an endpoint as it is written into a document.
func (r *Replicator) endpoint(ctx context.Context, e Endpoint) (any, error) {
	if e.Object != nil {
		return e.Object, nil
	}
	c := r.client
	if !strings.Contains(e.URL, "://") {
		e.URL = c.base + "/" + escape(e.URL)
		if e.Username == "" && e.APIKey == "" {
			e.Username, e.Password = c.spec.Auth.Username, c.spec.Auth.Password
		}
	}
	u, err := url.Parse(e.URL)
	if err != nil || u.Host == "" {
		return nil, errors.New("not a valid URL") // err may quote a password
	}
	if u.User != nil {
		if e.Username == "" && e.APIKey == "" {
			password, _ := u.User.Password()
			e.Username, e.Password = u.User.Username(), secret.String(password)
		}
		u.User = nil
	}
	written := map[string]any{"url": u.String()}
	switch {
	case e.APIKey != "":
		written["auth"] = map[string]any{"iam": map[string]string{"api_key": e.APIKey.Reveal()}}
	case e.Username == "":
	default:
		readsAuth, err := c.since(ctx, 3, 2)
		if err != nil {
			return nil, err
		}
		if !readsAuth {
			token := base64.StdEncoding.EncodeToString([]byte(e.Username + ":" + e.Password.Reveal()))
			written["headers"] = map[string]string{"Authorization": "Basic " + token}
			break
		}
		written["auth"] = map[string]any{"basic": map[string]string{"username": e.Username, "password": e.Password.Reveal()}}
	}
	return written, nil
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

// newID is like those that CouchDB makes.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
