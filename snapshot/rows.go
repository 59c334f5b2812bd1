package snapshot

import "errors"

// docRow takes one row of /_scheduler/docs.
func (b *Builder) docRow(database string, data []byte) error {
	sum := sumOf(data)
	if i, ok := b.prev.docs[sum]; ok && b.prev.entries[i].doc.Database == database {
		doc := b.prev.entries[i].doc
		e := b.seen(doc.Key, i)
		e.doc, e.docSum = doc, sum
		return nil
	}
	row := &b.decoder.row
	if err := row.read(data); err != nil {
		return err
	}
	if len(row.docID) == 0 {
		return errors.New("it has no doc_id")
	}
	b.learn(row.database, database)
	doc, e := b.decoded(database, row.docID)
	e.doc, e.docSum = document(doc), sum
	return nil
}

// learn notes under which name a database was asked for whose rows name it otherwise, as those
// of Cloudant do, which put the account before it. Jobs name it in the same way.
func (b *Builder) learn(rowDatabase []byte, asked string) {
	name := databaseName(rowDatabase)
	if len(name) == 0 || string(name) == asked || b.look.aliases[string(name)] == asked {
		return
	}
	b.look.aliases[string(name)] = asked
	b.learned = true
}

// jobRow takes one row of /_scheduler/jobs.
func (b *Builder) jobRow(data []byte) error {
	sum := sumOf(data)
	if i, ok := b.prev.jobs[sum]; ok && !b.learned {
		if job := b.prev.entries[i].job; b.wanted(job.Database) {
			b.seen(job.Key, i).setJob(job, sum)
		}
		return nil
	}
	row := &b.decoder.row
	if err := row.read(data); err != nil {
		return err
	}
	database, name := TransientDatabase, row.id
	if row.database != nil {
		database, name = b.jobDatabase(row.database), row.docID
	}
	if len(name) == 0 {
		return errors.New("it has neither a doc_id nor, as the job of no document, an id")
	}
	if !b.wanted(database) {
		return nil
	}
	job, e := b.decoded(database, name)
	deriveFromJob(job)
	e.setJob(job, sum)
	return nil
}

// jobDatabase is the name that the database of a job was asked for by.
func (b *Builder) jobDatabase(rowDatabase []byte) string {
	name := databaseName(rowDatabase)
	if asked, ok := b.look.aliases[string(name)]; ok {
		return asked
	}
	return b.decoder.names.get(name)
}

func (b *Builder) wanted(database string) bool {
	if b.want == nil || database == TransientDatabase {
		return true
	}
	wanted, ok := b.wants[database]
	if !ok {
		wanted = b.want(database)
		b.wants[database] = wanted
	}
	return wanted
}
