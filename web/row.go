package web

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"watchdog/board"
	"watchdog/snapshot"
)

// row is one replication in a list.
type row struct {
	*snapshot.Replication
	server  string
	seen    time.Time
	watcher string // the replica that saw it
}

// state is CouchDB's word, or unknown.
func (r *row) state() string {
	if !r.Has(snapshot.FieldState) || r.State == "" {
		return unknownState
	}
	return string(r.State)
}

// compare orders rows by server, database and document.
func (r *row) compare(o *row) int {
	return cmp.Or(cmp.Compare(r.server, o.server), r.Key.Compare(o.Key))
}

// rowFilter narrows a list of replications. The zero value takes all.
type rowFilter struct {
	server, database, docID, state string
	text                           string // part of a name, an address or an error, whatever its case
}

// rows are the replications of all servers that fit, by server, database and document, as replicas
// see them of which this one has a name.
func (f rowFilter) rows(views []*board.View, this string) []row {
	var all []row
	text := strings.ToLower(f.text)
	for _, v := range views {
		if v.Seen == nil || f.server != "" && f.server != v.Server {
			continue
		}
		for _, rep := range v.Seen.Replications {
			r := row{rep, v.Server, v.Seen.At, watcher(v, this)}
			if f.database != "" && f.database != rep.Database || f.docID != "" && f.docID != rep.DocID || f.state != "" && f.state != r.state() || !r.mentions(text) {
				continue
			}
			all = append(all, r)
		}
	}
	return all
}

// watcher is the replica that watches a server.
func watcher(v *board.View, this string) string {
	if v.Elsewhere {
		return v.Replica
	}
	return this
}

func (s *Server) watcher(v *board.View) string { return watcher(v, s.Replicas.Name()) }

// mentions reports whether a text in lower case is part of what people look for.
func (r *row) mentions(text string) bool {
	if text == "" {
		return true
	}
	for _, where := range [...]string{r.DocID, r.Database, r.Source, r.Target, r.Error, string(r.State)} {
		if strings.Contains(strings.ToLower(where), text) {
			return true
		}
	}
	return false
}

// The columns that a list can be sorted by.
const (
	byState   = "state"
	byName    = "name"
	byWritten = "written"
	byPending = "pending"
	byErrors  = "errors"
)

// order is how a list is sorted: by a column, and by name among equals.
type order struct {
	column string
	falls  bool
}

// sort sorts rows that are sorted by name. What is unknown comes last either way.
func (o order) sort(rows []row) {
	value := func(r *row) (int64, bool) { return 0, true }
	switch o.column {
	case byState:
		value = func(r *row) (int64, bool) { return int64(urgency(r.state())), true }
	case byWritten:
		value = func(r *row) (int64, bool) { return r.DocsWritten, r.Has(snapshot.FieldDocsWritten) }
	case byPending:
		value = func(r *row) (int64, bool) { return r.ChangesPending, r.Has(snapshot.FieldChangesPending) }
	case byErrors:
		value = func(r *row) (int64, bool) { return r.ErrorCount, r.Has(snapshot.FieldErrorCount) }
	case byName:
		if o.falls {
			slices.Reverse(rows)
		}
		return
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		x, xKnown := value(&a)
		y, yKnown := value(&b)
		switch {
		case xKnown != yKnown && xKnown:
			return -1
		case xKnown != yKnown:
			return 1
		case o.falls:
			return cmp.Compare(y, x)
		default:
			return cmp.Compare(x, y)
		}
	})
}

// urgencies are the states from the one that matters most to the one that matters least.
var urgencies = []string{
	string(snapshot.Failed), string(snapshot.Crashing), string(snapshot.ErrorState), unknownState, string(snapshot.Pending),
	string(snapshot.Initializing), string(snapshot.Running), string(snapshot.Completed),
}

// urgency is the place of a state among them; one of a CouchDB to come is as unknown.
func urgency(state string) int {
	if i := slices.Index(urgencies, state); i >= 0 {
		return i
	}
	return slices.Index(urgencies, unknownState)
}
