package couchtest

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// document is what a replicator database holds of a replication.
type document struct {
	rev       int
	seq       int64
	deleted   bool
	design    bool
	byHand    bool    // its end was written by somebody, without a time
	malformed bool    // its endpoints cannot be read any more
	fields    []field // as a client wrote them; nil for a document that was put by a test
}

func (d *document) revise() { d.rev++ }

// revision is the text of a revision.
func (r *Replication) revision() string {
	sum := md5.Sum(fmt.Appendf(nil, "%s\x00%s\x00%d", r.db.name, r.id, r.rev))
	return strconv.Itoa(r.rev) + "-" + hex.EncodeToString(sum[:])
}

// appendBody writes the document itself, with what CouchDB has written into it. As in a real
// one, credentials are in the clear.
func (r *Replication) appendBody(b []byte, now time.Time) []byte {
	b = appendString(append(b, `{"_id":`...), r.id)
	b = appendString(append(b, `,"_rev":`...), r.revision())
	if r.deleted {
		return append(b, `,"_deleted":true}`...)
	}
	if r.fields != nil || r.design {
		for _, f := range r.fields {
			b = appendString(append(b, ','), f.name)
			b = append(append(b, ':'), f.value...)
		}
	} else {
		b = r.appendFields(b)
	}
	if !r.design {
		b = appendString(append(b, `,"owner":`...), r.owner())
	}
	switch {
	case r.byHand:
	case r.phase == completed:
		b = appendTime(append(b, `,"_replication_state":"completed","_replication_state_time":`...), r.updated)
		b = r.appendStats(append(b, `,"_replication_stats":{`...), now)
		b = append(appendTime(append(b, `,"start_time":`...), r.created), '}')
	case r.phase == failed:
		b = appendTime(append(b, `,"_replication_state":"failed","_replication_state_time":`...), r.updated)
		b = appendString(append(b, `,"_replication_state_reason":`...), r.reason)
	}
	return append(b, '}')
}

// appendFields writes what a person would have written to ask for this replication.
func (r *Replication) appendFields(b []byte) []byte {
	b = appendString(append(b, `,"source":`...), r.written(r.spec.Source))
	b = appendString(append(b, `,"target":`...), r.written(r.spec.Target))
	if r.spec.CreateTarget {
		b = append(b, `,"create_target":true`...)
	}
	if !r.spec.OneShot {
		b = append(b, `,"continuous":true`...)
	}
	if r.spec.Filter != "" {
		b = appendString(append(b, `,"filter":`...), r.spec.Filter)
	}
	return b
}

// written is an endpoint as it stands in a document, with the admin's credentials if it is a
// database of this server.
func (r *Replication) written(endpoint string) string {
	if !local(endpoint) {
		return endpoint
	}
	url := strings.TrimSuffix(string(appendEndpoint(nil, r.s.base, endpoint)), "/")
	if o := r.s.opts; o.Username != "" {
		url = strings.Replace(url, "://", "://"+o.Username+":"+o.Password+"@", 1)
	}
	return url
}

func (r *Replication) owner() string {
	if r.spec.Owner != "" {
		return r.spec.Owner
	}
	if r.s.opts.Username != "" {
		return r.s.opts.Username
	}
	return "admin"
}

// appendShard writes the name of the shard that holds a document, as /_active_tasks shows it.
func (r *Replication) appendShard(b []byte) []byte {
	ranges := [2]string{"00000000-7fffffff", "80000000-ffffffff"}
	b = append(append(b, `"shards/`...), ranges[r.shard]...)
	return append(append(append(b, '/'), r.db.name...), `.1795504031"`...)
}
