package scheduler

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
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

// The words of python-cloudant, which programs and people know.
var (
	errNoSource = errors.New("You must specify either a source_db Database object or a manually composed 'source' string/dict.") //nolint:staticcheck,revive // these words
	errNoTarget = errors.New("You must specify either a target_db Database object or a manually composed 'target' string/dict.") //nolint:staticcheck,revive // these words
)

// complete fills in what a draft leaves open.
func (d *Draft) complete(c *Client) error {
	switch {
	case d.Source.empty():
		return errNoSource
	case d.Target.empty():
		return errNoTarget
	}
	d.ID = cmp.Or(d.ID, newID())
	for name, e := range map[string]*Endpoint{"source": &d.Source, "target": &d.Target} {
		if err := e.complete(c); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// mask keeps the credentials of a draft out of errors.
func (d *Draft) mask() *mask {
	return &mask{own: slices.Concat(d.Source.auth().secrets(), d.Target.auth().secrets())}
}

// fields are the document that a complete draft asks for.
func (r *Replicator) fields(ctx context.Context, d Draft) (map[string]any, error) {
	fields := map[string]any{}
	maps.Copy(fields, d.More)
	fields["_id"] = d.ID
	for name, e := range map[string]Endpoint{"source": d.Source, "target": d.Target} {
		written, err := r.client.written(ctx, e)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		fields[name] = written
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

// newID is like those that CouchDB makes.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
