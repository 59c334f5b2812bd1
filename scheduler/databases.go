package scheduler

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

const maxAllDBs = 64 << 20 // bytes of /_all_dbs: some two million names

// replicatorDBs are the databases to read, in the order of the spec: names as they are, globs
// as what they match on the server. The error says that the globs' are not known; the names
// are returned all the same.
func (c *Client) replicatorDBs(ctx context.Context) ([]string, error) {
	var dbs []string
	for _, db := range c.spec.ReplicatorDBs {
		if !isGlob(db) {
			dbs = append(dbs, db)
		}
	}
	if len(dbs) == len(c.spec.ReplicatorDBs) {
		return dbs, nil
	}
	if d := &c.databases; d.at.IsZero() || time.Since(d.at) >= c.spec.DiscoverEvery {
		found, err := c.discover(ctx)
		if err == nil {
			*d = cached[[]string]{found, time.Now()}
		} else if d.at.IsZero() {
			return dbs, err
		}
	}
	for _, db := range c.databases.value {
		if !slices.Contains(dbs, db) {
			dbs = append(dbs, db)
		}
	}
	return dbs, nil
}

// globs are those of the spec.
func (c *Client) globs() []string {
	return slices.DeleteFunc(slices.Clone(c.spec.ReplicatorDBs), func(db string) bool { return !isGlob(db) })
}

// discover lists the replicator databases of the server that the spec covers.
func (c *Client) discover(ctx context.Context) ([]string, error) {
	const all = "/_all_dbs"
	var found []string
	err := c.fetch(ctx, all, "", func(a *answer) (err error) {
		if found, err = c.coveredNames(io.LimitReader(a, maxAllDBs)); err != nil {
			return c.failed(http.MethodGet, all, fmt.Errorf("read the names of the databases: %w", err))
		}
		return nil
	})
	return found, err
}

// coveredNames are those in a JSON array of names which the spec covers.
func (c *Client) coveredNames(body io.Reader) ([]string, error) {
	var found []string
	dec := json.NewDecoder(body)
	if open, err := dec.Token(); err != nil {
		return nil, err
	} else if open != json.Delim('[') {
		return nil, errors.New("not an array")
	}
	for dec.More() {
		var db string
		if err := dec.Decode(&db); err != nil {
			return nil, err
		}
		if databaseSyntax.MatchString(db) && c.covers(db) {
			found = append(found, db)
		}
	}
	if _, err := dec.Token(); err != nil { // no closing bracket: there may be more
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, cmp.Or(err, errors.New("something follows the array"))
	}
	return found, nil
}

// covers reports whether the replications of a database are watched.
func (c *Client) covers(database string) bool {
	return slices.ContainsFunc(c.spec.ReplicatorDBs, func(pattern string) bool {
		return pattern == database || isGlob(pattern) && matches(pattern, database)
	})
}

func isGlob(pattern string) bool { return strings.ContainsAny(pattern, `*?[\`) }

// matches is path.Match, but that * and ? match a slash too: "*/_replicator" is every database
// that ends so, "a/b/_replicator" included.
func matches(glob, database string) bool {
	const slash, plain = "/", "\x00"
	ok, err := path.Match(strings.ReplaceAll(glob, slash, plain), strings.ReplaceAll(database, slash, plain))
	return ok && err == nil
}
