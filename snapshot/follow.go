package snapshot

import (
	"fmt"
	"sort"
)

// Follow takes the documents of a database from the look before instead of from a listing: what
// had ended and was not written since stands as it was. Of the others their jobs tell, which are
// to be read as ever, and those that have none are asked for: see Row and Loose. written are the
// documents that were written, or deleted, since the look before.
func (b *Builder) Follow(database string, written map[string]bool) {
	b.begin(Docs, database)
	for place := range b.before(database) {
		if doc := b.prev.at(place).doc; doc != nil && doc.Has(FieldState) && doc.State.Terminal() && !written[doc.DocID] {
			b.setDoc(b.seen(database, nil, place), doc, b.prev.at(place).docSum, place)
		}
	}
}

// before are the places of a database's replications in the look before.
func (b *Builder) before(database string) func(yield func(place int) bool) {
	entries := b.prev.entries
	first := sort.Search(len(entries), func(i int) bool { return entries[i].key().Database >= database })
	return func(yield func(place int) bool) {
		for i := first; i < len(entries) && entries[i].key().Database == database; i++ {
			if !yield(i) {
				return
			}
		}
	}
}

// Row takes the row of one document of a database that is followed, as asking for it answered.
// Claimed is false where no node works on the document yet: the row tells nothing then. An error
// is a row error of the snapshot too.
func (b *Builder) Row(key Key, data []byte) (claimed bool, err error) {
	row := &b.decoder.row
	switch err = row.read(data); {
	case err != nil:
	case string(row.docID) != key.DocID:
		err = fmt.Errorf("it is about %q", row.docID)
	case row.state == nil:
		return false, nil
	default:
		err = b.docRow(key.Database, data, sumOf(data))
	}
	if err != nil {
		err = fmt.Errorf("read the answer about %s: %w", key.Path(), err)
		b.Unread(key, err)
	}
	return true, err
}

// Unread notes that one document of a database that is followed could not be read. It is a row
// error: the others stand, and the database is not complete.
func (b *Builder) Unread(key Key, err error) {
	b.listing(Docs, key.Database).oddOne(err)
}

// Loose are the documents of a database that the look before showed, that are not among asked,
// and of which this look shows neither a row nor a job. Each must be asked for: it may have
// ended, or be gone, or wait for what it needs to become a job. It is called after Jobs.
func (b *Builder) Loose(database string, asked map[string]bool) []string {
	var ids []string
	for place := range b.before(database) {
		id := b.prev.at(place).key().DocID
		if i := b.prev.now[place]; i > 0 {
			if e := &b.look.entries[i-1]; e.doc != nil || e.job != nil {
				continue
			}
		}
		if !asked[id] {
			ids = append(ids, id)
		}
	}
	return ids
}

// Listed is how many rows the listing of a database had, and how many documents the server said
// that there are, design documents and those that no node works on included.
func (b *Builder) Listed(database string) (rows, total int) {
	l := b.listing(Docs, database)
	return l.rows, l.total
}

// Odd reports whether a row of a database could not be read.
func (b *Builder) Odd(database string) bool { return b.listing(Docs, database).oddRows > 0 }

// JobsTell reports whether the jobs tell as much of the replications of a database as their
// documents' rows do, so that the rows can be left out. Those of the oldest servers tell less. It
// is called after a listing and Jobs; a few that tell less may have changed in between.
func (b *Builder) JobsTell(database string) bool {
	both, less := 0, 0
	for i := range b.look.entries {
		e := &b.look.entries[i]
		if e.doc == nil || e.job == nil || e.doc.Database != database || e.doc.State != e.job.State {
			continue
		}
		both++
		if !e.job.Known.Contains(e.doc.Known) {
			less++
		}
	}
	return less*10 <= both
}
