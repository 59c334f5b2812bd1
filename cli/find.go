package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"watchdog/scheduler"
	"watchdog/snapshot"
)

// found is one replication, and the server it is on.
type found struct {
	client *scheduler.Client
	key    snapshot.Key
	row    scheduler.Row
}

func (f found) String() string { return oneLine(f.client.Name() + "/" + f.key.Path()) }

// find is the replication of that id: its document's, or the database's name and that, as
// team/_replicator/geo. It asks every server and database that where leaves open, and complains
// where more than one has it. A server that cannot be asked is no reason not to show what another
// one has; only a command that changes something must be certain.
func (w where) find(s *session, opened *servers, id string, certain bool) (found, error) {
	var all []found
	var asked []string
	var failed error
	for _, client := range opened.all {
		on, databases, err := w.findOn(s, client, id)
		asked = append(asked, databases...)
		if err != nil {
			failed = s.trouble(err)
		}
		all = append(all, on...)
	}
	switch {
	case failed != nil && (certain || len(all) == 0):
		return found{}, failed
	case len(all) == 0:
		return found{}, fmt.Errorf("%w asked: %s", &scheduler.NotFoundError{ID: id}, list(asked))
	case len(all) > 1:
		var names []string
		for _, f := range all {
			names = append(names, f.String())
		}
		return found{}, s.misuse("%s may be %s: say which by --server and --database", oneLine(id), list(names))
	}
	return all[0], nil
}

// findOn are those on one server, and the databases of it that were asked.
func (w where) findOn(s *session, client *scheduler.Client, id string) (all []found, asked []string, err error) {
	databases := []string{w.Database}
	var unknown error
	if w.Database == "" {
		databases, unknown = client.Databases(s.ctx)
	}
	for _, db := range databases {
		asked = append(asked, oneLine(client.Name()+"/"+db))
	}
	for _, key := range w.readings(databases, id) {
		row, err := client.Doc(s.ctx, key.Database, key.DocID)
		var none *scheduler.NotFoundError
		switch {
		case errors.As(err, &none):
		case err != nil:
			return all, asked, err
		default:
			all = append(all, found{client, key, row})
		}
	}
	return all, asked, unknown
}

// readings are what an id may mean: a document of each database, or a database and a document in
// it. Ids may hold slashes, so only --database says which.
func (w where) readings(databases []string, id string) []snapshot.Key {
	if w.Database != "" {
		return []snapshot.Key{{Database: w.Database, DocID: id}}
	}
	var keys []snapshot.Key
	for _, db := range databases {
		keys = append(keys, snapshot.Key{Database: db, DocID: id})
	}
	const replicator = "_replicator/" // the end of every such database's name, and a slash
	if i := strings.Index(id, replicator); i == 0 || i > 0 && id[i-1] == '/' {
		at := i + len(replicator)
		if key := (snapshot.Key{Database: id[:at-1], DocID: id[at:]}); key.DocID != "" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}
