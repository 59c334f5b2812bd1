package snapshot

import "fmt"

// maxRowErrors bounds how many row errors of one listing are kept one by one.
const maxRowErrors = 100

// listing is one part of the view as far as it could be read.
type listing struct {
	part     Part
	database string
	err      error   // nil: read to its end
	odd      []error // of rows that could not be read, the first maxRowErrors
	oddRows  int
	rows     int // of Docs; total is how many documents the server said there are
	total    int
}

func (l *listing) name() string {
	switch l.part {
	case Docs:
		return "docs of " + l.database
	case Tasks:
		return "active tasks"
	case Nodes:
		return "nodes of the cluster"
	}
	return string(l.part)
}

// end notes how reading the listing ended, and names it.
func (l *listing) end(err error) error {
	if err != nil {
		l.err = fmt.Errorf("read %s: %w", l.name(), err)
	}
	return l.err
}

// oddRow notes a row that could not be read.
func (l *listing) oddRow(row int, err error) {
	l.oddOne(fmt.Errorf("read row %d of %s: %w", row, l.name(), err))
}

func (l *listing) oddOne(err error) {
	if l.oddRows++; l.oddRows <= maxRowErrors {
		l.odd = append(l.odd, err)
	}
}

// rowErrors are the rows that could not be read, bounded in number.
func (l *listing) rowErrors() []error {
	if more := l.oddRows - len(l.odd); more > 0 {
		return append(l.odd, fmt.Errorf("read %s: %d more rows could not be read", l.name(), more))
	}
	return l.odd
}
