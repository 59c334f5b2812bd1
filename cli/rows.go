package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"watchdog/scheduler"
	"watchdog/snapshot"
)

// format is how a command prints what it lists.
type format struct {
	Output string `short:"o" enum:"table,json,jsonl,yaml" default:"table" help:"table, json, jsonl (one object a line) or yaml."`
}

// objects prints a list of JSON objects, each as it comes.
type objects struct {
	w       io.Writer
	output  string
	printed int
}

// one prints an object of the list.
func (o *objects) one(object []byte) error {
	o.printed++
	var err error
	switch o.output {
	case "jsonl":
		_, err = fmt.Fprintf(o.w, "%s\n", object)
	case "yaml":
		err = writeYAML(o.w, bytes.Join([][]byte{[]byte("["), object, []byte("]")}, nil))
	default:
		lead := ",\n"
		if o.printed == 1 {
			lead = "["
		}
		_, err = fmt.Fprintf(o.w, "%s%s", lead, object)
	}
	return err
}

// end ends the list, which is empty where nothing came.
func (o *objects) end() error {
	var err error
	switch {
	case o.output == "json" && o.printed == 0, o.output == "yaml" && o.printed == 0:
		_, err = io.WriteString(o.w, "[]\n")
	case o.output == "json":
		_, err = io.WriteString(o.w, "]\n")
	}
	return err
}

// printObject prints a single thing.
func printObject(w io.Writer, output string, object []byte) error {
	if output == "yaml" {
		return writeYAML(w, object)
	}
	_, err := fmt.Fprintf(w, "%s\n", object)
	return err
}

// object is a row of CouchDB's on one line, its own keys untouched, with the server before them.
// Passwords in URLs are masked: old servers show them.
func object(server string, row scheduler.Row) ([]byte, error) {
	name, err := json.Marshal(server)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Compact(&b, snapshot.MaskJSON(row.JSON)); err != nil {
		return nil, fmt.Errorf("read a row of %s: %w", server, err)
	}
	members := bytes.TrimPrefix(b.Bytes(), []byte("{"))
	all := append([]byte(`{"server":`), name...)
	if string(members) != "}" {
		all = append(all, ',')
	}
	return append(all, members...), nil
}

// paced is stdout for long lists: what is printed is seen at once at first, and then within a
// moment.
type paced struct {
	*bufio.Writer
	lines int
	last  time.Time
}

func newPaced(w io.Writer) *paced { return &paced{Writer: bufio.NewWriterSize(w, 32<<10)} }

// soon is called after each row.
func (p *paced) soon() error {
	const first, moment = 100, 100 * time.Millisecond
	if p.lines++; p.lines > first && time.Since(p.last) < moment {
		return nil
	}
	p.last = time.Now()
	return p.Flush()
}
