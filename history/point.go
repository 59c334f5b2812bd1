package history

import (
	"encoding/binary"
	"errors"
	"time"

	"watchdog/snapshot"
)

// Counter is one of the numbers whose past is kept.
type Counter uint8

// The counters. Their order is part of the stored form.
const (
	DocsWritten Counter = iota
	DocsRead
	RevisionsChecked
	DocWriteFailures
	ChangesPending // may go down: it says how much waits, and not how much was done

	counters
)

// Counters are all of them.
var Counters = [counters]Counter{DocsWritten, DocsRead, RevisionsChecked, DocWriteFailures, ChangesPending}

// String is CouchDB's name of the counter.
func (c Counter) String() string { return c.field().String() }

func (c Counter) field() snapshot.Field {
	return [counters]snapshot.Field{
		snapshot.FieldDocsWritten, snapshot.FieldDocsRead, snapshot.FieldRevisionsChecked,
		snapshot.FieldDocWriteFailures, snapshot.FieldChangesPending,
	}[c]
}

// Point is what the counters of one replication were at one moment. They stay so until the next
// point, or change steadily towards it.
type Point struct {
	second int64           // since 1970-01-01 UTC
	values [counters]int64 // 0 of those that are not known
	known  uint8           // a bit for each counter
}

// NewPoint is what a look at a replication shows.
func NewPoint(at time.Time, r *snapshot.Replication) Point {
	p := Point{second: at.Unix()}
	for i, value := range [counters]int64{r.DocsWritten, r.DocsRead, r.RevisionsChecked, r.DocWriteFailures, r.ChangesPending} {
		if c := Counter(i); r.Has(c.field()) {
			p.known |= 1 << c
			p.values[c] = value
		}
	}
	return p
}

// At is the moment, in whole seconds.
func (p *Point) At() time.Time { return time.Unix(p.second, 0).UTC() }

// Value is a counter; false when the server did not give it, or the replication was not seen.
func (p *Point) Value(c Counter) (int64, bool) { return p.values[c], p.known&(1<<c) != 0 }

// same reports whether both say the same of every counter.
func (p *Point) same(o *Point) bool { return p.known == o.known && p.values == o.values }

// packedKnown says that the set of known counters changed, and follows.
const packedKnown = 1 << counters

// pack appends a point to a row: how many seconds after the one before, and what changed. A row
// begins after the zero point.
func pack(row []byte, before, p Point) []byte {
	if len(row) == 0 {
		before = Point{}
	}
	head := byte(0)
	if p.known != before.known {
		head |= packedKnown
	}
	for c := range counters {
		if p.values[c] != before.values[c] {
			head |= 1 << c
		}
	}
	row = append(binary.AppendVarint(row, p.second-before.second), head)
	if head&packedKnown != 0 {
		row = append(row, p.known)
	}
	for c := range counters {
		if head&(1<<c) != 0 {
			row = binary.AppendVarint(row, p.values[c]-before.values[c])
		}
	}
	return row
}

// Pack makes one row of points, which are in the order of their times.
func Pack(points []Point) []byte {
	var row []byte
	var before Point
	for _, p := range points {
		row = pack(row, before, p)
		before = p
	}
	return row
}

var errDamaged = errors.New("the points of a replication are damaged")

// Unpack appends the points of a row.
func Unpack(to []Point, row []byte) ([]Point, error) {
	var p Point
	for len(row) > 0 {
		seconds, n := binary.Varint(row)
		if n <= 0 || len(row) == n {
			return nil, errDamaged
		}
		head := row[n]
		row = row[n+1:]
		p.second += seconds
		if head&packedKnown != 0 {
			if len(row) == 0 {
				return nil, errDamaged
			}
			p.known, row = row[0], row[1:]
		}
		for c := range counters {
			if head&(1<<c) == 0 {
				continue
			}
			delta, n := binary.Varint(row)
			if n <= 0 {
				return nil, errDamaged
			}
			p.values[c] += delta
			row = row[n:]
		}
		to = append(to, p)
	}
	return to, nil
}
