package store

import "strings"

// maxRows is how many rows go in one statement at most: a power of two, so that any number of them
// takes few different ones.
const maxRows = 128

// inParts does something with the arguments of as many rows at a time as go in one statement. Each
// row has so many.
func inParts(args []any, width int, do func(part []any) error) error {
	for rows := maxRows; len(args) > 0; rows = max(rows/2, 1) {
		for len(args) >= rows*width {
			if err := do(args[:rows*width]); err != nil {
				return err
			}
			args = args[rows*width:]
		}
	}
	return nil
}

// putAll inserts rows, each of which has the placeholders of one.
func putAll(tx *transaction, insert, row, conflict string, args []any) error {
	return inParts(args, strings.Count(row, "?"), func(part []any) error {
		_, err := tx.exec(insert+tuples(row, len(part)/strings.Count(row, "?"))+conflict, part...)
		return err
	})
}

// tuples is a row of placeholders so many times.
func tuples(row string, n int) string { return strings.Repeat(row+", ", n-1) + row }
