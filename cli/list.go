package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// printList prints a list for programs, as one array (json) or an object a line (jsonl), or for
// people, as a table with one line of tab-separated cells for each.
func printList[T any](w io.Writer, output string, all []T, cells func(*T) string) error {
	enc := json.NewEncoder(w)
	switch output {
	case "json":
		return enc.Encode(all)
	case "jsonl":
		for i := range all {
			if err := enc.Encode(&all[i]); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := range all {
		fmt.Fprintln(table, cells(&all[i]))
	}
	return table.Flush()
}
