package snapshot

import (
	"bytes"
	"fmt"
)

// Rows are the rows of an answer, as far as it can be read.
func Rows(body []byte) (rows [][]byte) {
	var f framer
	f.reset(bytes.NewReader(body))
	f.list([]string{"docs", "jobs", "rows"}, func(_ int, data []byte) {
		rows = append(rows, bytes.Clone(data))
	})
	return rows
}

// FastRow is what the fast reader says of a row, "" where it does not understand it.
func FastRow(data []byte) string {
	var d decoder
	if !d.row.fast(data) {
		return ""
	}
	return d.tell()
}

// TolerantRow is what the tolerant reader says of a row, or its error.
func TolerantRow(data []byte) string {
	var d decoder
	if err := d.row.tolerant(data); err != nil {
		return "error: " + err.Error()
	}
	return d.tell()
}

func (d *decoder) tell() string {
	d.names = names{}
	row := &d.row
	r := d.replication("", nil, nil, nil)
	job := *r
	deriveFromJob(&job)
	return fmt.Sprintf("%q %t %q %t\n%+v\n%+v", row.database, row.database == nil, row.docID, row.docID == nil, *r, job)
}
