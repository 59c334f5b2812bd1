package snapshot

// docRow takes one row of /_scheduler/docs; sum is that of its data.
func (b *Builder) docRow(database string, data []byte, sum uint64) error {
	place := expect(b.prev.docs, &b.prev.nextDoc)
	if p := b.prev.at(place); p.doc != nil && p.docSum == sum && p.doc.Database == database {
		b.setDoc(b.seen(database, nil, place), p.doc, sum, place)
		return nil
	}
	row := &b.decoder.row
	if err := row.read(data); err != nil {
		return err
	}
	if len(row.docID) == 0 {
		return errNoDocID
	}
	b.learn(row.database, database)
	place = b.prev.find(database, row.docID, place)
	p := b.prev.at(place)
	doc := p.doc
	if doc == nil || p.docSum != sum {
		doc = document(b.decoder.replication(database, row.docID, p.doc, p.rep))
	}
	b.setDoc(b.seen(database, row.docID, place), doc, sum, place)
	return nil
}

// setDoc takes a document that was at place in the look before into its entry, nil when it has
// none yet. Of two rows of one document the last counts.
func (b *Builder) setDoc(e *entry, doc *Replication, sum uint64, place int) {
	if p := b.prev.at(place); p.doc != nil {
		b.prev.nextDoc = int(p.docAt) + 1
	}
	if e == nil {
		e = b.add(doc.Key, place)
	}
	e.doc, e.docSum, e.docAt = doc, sum, int32(b.docRows)
	b.docRows++
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

// jobRow takes one row of /_scheduler/jobs; sum is that of its data.
func (b *Builder) jobRow(data []byte, sum uint64) error {
	place := expect(b.prev.jobs, &b.prev.nextJob)
	if p := b.prev.at(place); p.job != nil && p.jobSum == sum && !b.learned {
		if b.wanted(p.job.Database) {
			b.setJob(b.seen(p.job.Database, nil, place), p.job, sum, place)
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
		return errNoName
	}
	if !b.wanted(database) {
		return nil
	}
	place = b.prev.find(database, name, place)
	p, e := b.prev.at(place), b.seen(database, name, place)
	job := p.job
	if job == nil || p.jobSum != sum {
		before := p.job
		if e != nil && e.doc != nil {
			before = e.doc
		}
		job = b.decoder.replication(database, name, before, p.rep)
		deriveFromJob(job)
	}
	b.setJob(e, job, sum, place)
	return nil
}

// setJob takes a job that was at place in the look before into its entry, nil when it has none
// yet. During a change of the document two jobs may be listed for it: the one with the newer
// event counts.
func (b *Builder) setJob(e *entry, job *Replication, sum uint64, place int) {
	if p := b.prev.at(place); p.job != nil {
		b.prev.nextJob = int(p.jobAt) + 1
	}
	if e == nil {
		e = b.add(job.Key, place)
	}
	if e.job == nil || !newerJob(e.job, job) {
		e.job, e.jobSum, e.jobAt = job, sum, int32(b.jobRows)
		b.jobRows++
	}
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
