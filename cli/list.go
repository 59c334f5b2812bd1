package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// printList prints a list for programs, or for people: a table with one line of tab-separated
// cells for each.
func printList[T any](w io.Writer, output string, all []T, cells func(*T) string) error {
	if output != "table" {
		return printObjects(w, output, all)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := range all {
		fmt.Fprintln(table, cells(&all[i]))
	}
	return table.Flush()
}

// printObjects prints a list for programs: as one array (json, yaml) or an object a line (jsonl).
func printObjects[T any](w io.Writer, output string, all []T) error {
	list := objects{w: w, output: output}
	for i := range all {
		object, err := oneObject(&all[i])
		if err != nil {
			return err
		}
		if err := list.one(object); err != nil {
			return err
		}
	}
	return list.end()
}

// oneObject is v as JSON on one line, its text as people wrote it: no HTML will hold it.
func oneObject(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
