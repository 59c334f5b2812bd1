package scheduler

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	membershipPath = "/_membership"
	// membershipEvery is how often a server is asked whose cluster has one node, or that does not
	// tell its nodes.
	membershipEvery = time.Hour
)

// cluster is what is known of the nodes of a server.
type cluster struct {
	asked  time.Time // zero: never
	single bool      // one node, or none that it tells of
	many   bool      // more than one
}

// awayNodes is an error that names the nodes of the cluster which the server does not reach, nil
// when there are none, or when it does not tell. While a node is away CouchDB answers for jobs
// and documents with status 200 and without those of that node.
//
// A server of one node is asked once an hour: it can lose none, but it can grow. One that is known
// to have several, and does not tell now which of them answer, may have lost any.
func (c *Client) awayNodes(ctx context.Context) error {
	known := &c.cluster
	if known.single && time.Since(known.asked) < membershipEvery {
		return nil
	}
	members, err := c.members(ctx)
	var e *Error
	switch {
	case err == nil:
		*known = cluster{asked: time.Now(), single: len(members.Cluster) <= 1, many: len(members.Cluster) > 1}
	case known.many:
		return fmt.Errorf("whether all nodes answer: %w", err)
	case errors.As(err, &e) && (e.missing() || e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden):
		*known = cluster{asked: time.Now(), single: true}
		return nil
	default: // asked again at the next look
		return nil
	}
	away := slices.DeleteFunc(members.Cluster, func(node string) bool { return slices.Contains(members.All, node) })
	if len(away) == 0 {
		return nil
	}
	return fmt.Errorf("not reached by %s, so what they hold is not shown: %s", c.Name(), c.clean(strings.Join(away, ", ")))
}

// members are the nodes of a server.
type members struct {
	All     []string `json:"all_nodes"` // those that it reaches
	Cluster []string `json:"cluster_nodes"`
}

func (c *Client) members(ctx context.Context) (m members, err error) {
	err = c.optional(ctx, get(membershipPath, ""), func(a *answer) error { return a.decode(&m) })
	return m, err
}

// optional asks once for what the look can do without, and only with credentials that the server
// has taken already. A refusal of it is a refusal of this one thing: it does not make the client
// back off from the others, as that of what a look needs does.
func (c *Client) optional(ctx context.Context, r call, take func(*answer) error) error {
	if err := c.guard.check(r.method, r.path); err != nil {
		return err
	}
	if !c.guard.isAccepted() {
		return errNotAccepted
	}
	if !r.waits {
		select {
		case c.places <- struct{}{}:
			defer func() { <-c.places }()
		case <-ctx.Done():
			return c.failed(r.method, r.path, context.Cause(ctx))
		}
	}
	a, err := c.exchange(ctx, r)
	if err != nil {
		return err
	}
	defer a.Close()
	return take(a)
}

func get(path, query string) call { return call{method: http.MethodGet, path: path, query: query} }

// errNotAccepted says that credentials are not spent on what can be done without.
var errNotAccepted = errors.New("the server has not taken the credentials yet")
