package snapshot

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// errNotRead is the reason of a gap that nobody gave one for.
var errNotRead = errors.New("not read")

// Builder makes a Snapshot of what a server answered: the bodies of its listings, documents
// before jobs. Reading a listing again replaces what the first try left, so a caller may try
// again after an error. A Builder is used by one goroutine and makes one snapshot.
type Builder struct {
	snap     Snapshot
	look     *look
	prev     previous
	want     func(database string) bool
	wants    map[string]bool // what want said
	learned  bool            // an alias of a database that was not known before
	listings []*listing
	index    map[Key]int // of those that the look before did not show: their place in entries, and 1
	last     Key         // of them, while there is no index
	docRows  int         // that count
	jobRows  int
	tasks    map[string]*task // by replication id; nil when they were not read
	answers  map[Key]Answer
	merged   bool // the entries are joined

	framer  framer
	beside  func(func()) // starts what cuts rows ahead; nil: nothing does
	decoder decoder
}

// NewBuilder begins a snapshot of a server; at is when the look at it began.
func NewBuilder(server string, at time.Time) *Builder {
	return &Builder{
		snap:    Snapshot{Server: server, At: at.UTC()},
		look:    &look{aliases: map[string]string{}},
		decoder: decoder{names: names{}},
	}
}

// Keep drops the jobs of replicator databases that want refuses. It is called before Jobs.
// Transient jobs are always kept.
func (b *Builder) Keep(want func(database string) bool) {
	b.want, b.wants = want, map[string]bool{}
}

// Version sets the version of the server.
func (b *Builder) Version(v string) { b.snap.Version = v }

// Usage sets what the look cost.
func (b *Builder) Usage(u Usage) { b.snap.Usage = u }

// Latency sets how long the look took.
func (b *Builder) Latency(d time.Duration) { b.snap.Latency = d }

// Docs reads a whole answer of /_scheduler/docs about one replicator database, under the name
// by which it was asked for. An error is a Gap of the snapshot too; the rows before it count.
func (b *Builder) Docs(database string, body io.Reader) error {
	l := b.begin(Docs, database)
	err := b.rows(l, body, []string{"docs", "rows"}, func(data []byte, sum uint64) error {
		return b.docRow(database, data, sum)
	})
	l.rows, l.total = b.framer.rows, b.framer.said
	return l.end(err)
}

// Jobs reads a whole answer of /_scheduler/jobs. An error is a Gap of the snapshot too; the
// rows before it count.
func (b *Builder) Jobs(body io.Reader) error {
	l := b.begin(Jobs, "")
	return l.end(b.rows(l, body, []string{"jobs", "rows"}, b.jobRow))
}

// rows reads a listing; a row that cannot be read is noted and the others stand.
func (b *Builder) rows(l *listing, body io.Reader, names []string, read func(data []byte, sum uint64) error) error {
	b.framer.reset(body)
	take := func(n int, data []byte, sum uint64) {
		if err := read(data, sum); err != nil {
			l.oddRow(n, err)
		}
	}
	if b.beside != nil {
		return b.framer.listBeside(b.beside, names, take)
	}
	return b.framer.list(names, func(n int, data []byte) { take(n, data, sumOf(data)) })
}

// Tasks reads an answer of /_active_tasks. An error is a Gap of the snapshot too, and then it
// is unknown of every replication whether it has a task. Where a running replication has one, its
// numbers are those of the task: it is read after the jobs.
func (b *Builder) Tasks(body io.Reader) error {
	l := b.begin(Tasks, "")
	b.framer.reset(body)
	tasks, err := b.framer.tasks(&b.decoder, b.prev.tasks)
	b.tasks = tasks
	return l.end(err)
}

// Fail notes that a part could not be read; database is that of Docs. What was read of it stays.
func (b *Builder) Fail(part Part, database string, err error) {
	l := b.listing(part, database)
	if l.err == nil {
		l.err = err
	}
}

// Answer takes the answer to asking for one document, /_scheduler/docs/{database}/{id}, or for
// one transient job, /_scheduler/jobs/{id}. An answer that cannot be read tells nothing.
func (b *Builder) Answer(key Key, row []byte) error {
	answer, err := DecodeAnswer(key, row)
	b.answer(key, answer)
	return err
}

// Missing notes that asking for one document was answered by 404.
func (b *Builder) Missing(key Key) { b.answer(key, Answer{Missing: true}) }

func (b *Builder) answer(key Key, answer Answer) {
	if b.answers == nil {
		b.answers = map[Key]Answer{}
	}
	b.answers[key] = answer
}

// SourcePending takes what the source said is waiting. It is told where the server, which does
// not always know, gave no number itself.
func (b *Builder) SourcePending(key Key, pending int64) {
	if b.look.pending == nil {
		b.look.pending = map[Key]int64{}
	}
	b.look.pending[key] = pending
}

// begin starts a listing over, and forgets what an earlier try to read it left.
func (b *Builder) begin(part Part, database string) *listing {
	before := len(b.listings)
	l := b.listing(part, database)
	if len(b.listings) == before {
		b.forget(l)
		*l = listing{part: part, database: database}
	}
	return l
}

func (b *Builder) listing(part Part, database string) *listing {
	for _, l := range b.listings {
		if l.part == part && l.database == database {
			return l
		}
	}
	l := &listing{part: part, database: database}
	b.listings = append(b.listings, l)
	return l
}

// forget drops the rows of a listing.
func (b *Builder) forget(l *listing) {
	if l.part == Tasks {
		b.tasks = nil
		return
	}
	if l.part == Jobs {
		b.jobRows, b.prev.nextJob = 0, 0
	}
	if b.index == nil {
		b.makeIndex() // while the entries have their keys
	}
	for i := range b.look.entries {
		e := &b.look.entries[i]
		switch {
		case l.part == Docs && e.doc != nil && e.doc.Database == l.database:
			e.doc, e.docSum = nil, 0
		case l.part == Jobs:
			e.job, e.jobSum = nil, 0
		}
	}
}

// Snapshot joins what was read. The builder is done.
func (b *Builder) Snapshot() *Snapshot {
	if !slices.ContainsFunc(b.listings, func(l *listing) bool { return l.part == Jobs }) {
		b.Fail(Jobs, "", fmt.Errorf("read jobs: %w", errNotRead))
	}
	if !slices.ContainsFunc(b.listings, func(l *listing) bool { return l.part == Tasks }) {
		b.Fail(Tasks, "", fmt.Errorf("read active tasks: %w", errNotRead))
	}
	s := b.snap
	s.Replications = b.joined()
	s.look = b.look
	s.Whole = []string{}
	jobsWhole, nodesWhole := false, true
	for _, l := range b.listings {
		s.RowErrors = append(s.RowErrors, l.rowErrors()...)
		if l.part == Docs {
			b.look.listed = append(b.look.listed, l.database)
		}
		if l.err != nil {
			s.Gaps = append(s.Gaps, Gap{Part: l.part, Database: l.database, Err: l.err})
			nodesWhole = nodesWhole && l.part != Nodes
			continue
		}
		switch {
		case l.oddRows > 0:
		case l.part == Docs:
			s.Whole = append(s.Whole, l.database)
		case l.part == Jobs:
			s.Whole = append(s.Whole, TransientDatabase)
			jobsWhole = true
		}
	}
	if !jobsWhole || !nodesWhole {
		s.Whole = []string{}
	}
	slices.Sort(s.Whole)
	return s.WithAnswers(b.answers)
}
