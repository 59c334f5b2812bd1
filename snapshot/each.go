package snapshot

import (
	"errors"
	"io"
)

// EachRow reads one answer that is a listing, of /_scheduler/docs, /_scheduler/jobs or
// /{db}/_all_docs, and calls each with every row as CouchDB wrote it, until it says that it wants
// no more. A row is valid during the call; one that is too long to be read is nil, for which
// Decoder has the error. An answer that is not whole, or no listing, is an error.
func EachRow(body io.Reader, each func(row []byte) (more bool)) error {
	var f framer
	source := &leavable{body: body}
	f.reset(source)
	err := f.list([]string{"docs", "jobs", "rows"}, func(_ int, row []byte) {
		source.left = source.left || !each(row)
	})
	if source.left {
		return nil
	}
	return err
}

// leavable is a body that can be left before its end.
type leavable struct {
	body io.Reader
	left bool
}

func (l *leavable) Read(p []byte) (int, error) {
	if l.left {
		return 0, io.EOF
	}
	return l.body.Read(p)
}

// Decoder decodes rows one by one, each on its own: without what another listing says of the
// same replication. The zero value is ready; it is for one goroutine.
type Decoder struct{ decoder decoder }

// Doc is what a row of /_scheduler/docs says; database is the name by which it was asked for.
func (d *Decoder) Doc(database string, row []byte) (*Replication, error) {
	if err := d.read(row); err != nil {
		return nil, err
	}
	if len(d.decoder.row.docID) == 0 {
		return nil, errNoDocID
	}
	return document(d.decoder.replication(database, d.decoder.row.docID, nil, nil)), nil
}

// Job is what a row of /_scheduler/jobs says, with what CouchDB derives from its history. A
// transient job is in TransientDatabase, under its id.
func (d *Decoder) Job(row []byte) (*Replication, error) {
	if err := d.read(row); err != nil {
		return nil, err
	}
	database, name := TransientDatabase, d.decoder.row.id
	if d.decoder.row.database != nil {
		database, name = string(databaseName(d.decoder.row.database)), d.decoder.row.docID
	}
	if len(name) == 0 {
		return nil, errNoName
	}
	r := d.decoder.replication(database, name, nil, nil)
	deriveFromJob(r)
	return r, nil
}

func (d *Decoder) read(row []byte) error {
	if d.decoder.names == nil {
		d.decoder.names = names{}
	}
	return d.decoder.row.read(row)
}

var (
	errNoDocID = errors.New("it has no doc_id")
	errNoName  = errors.New("it has neither a doc_id nor, as the job of no document, an id")
)
