package cli

import (
	"bufio"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"watchdog/scheduler"
	"watchdog/snapshot"
)

type errorsCommand struct {
	where
	format
}

// Run lists every failing replication, grouped by cause, the most frequent first.
func (c *errorsCommand) Run(s *session) error {
	opened, err := c.open(s)
	if err != nil {
		return err
	}
	defer opened.close()
	o := scheduler.ListOptions{
		Database: c.Database,
		States:   []snapshot.State{snapshot.Crashing, snapshot.Failed, snapshot.ErrorState},
	}
	var failed error
	found := causes{}
	for _, client := range opened.all {
		for row, err := range client.Docs(s.ctx, o) {
			if err != nil {
				failed = s.trouble(err)
				continue
			}
			found.add(client.Name(), row.Replication)
		}
	}
	if len(found) == 0 && failed != nil {
		return failed // an empty list would say that nothing is failing
	}
	if len(found) == 0 && c.Output == "table" {
		fmt.Fprintln(s.Stderr, "nothing is failing")
	}
	out := bufio.NewWriter(s.Stdout)
	err = found.print(out, c.Output, len(opened.all) > 1)
	return cmp.Or(err, out.Flush(), failed)
}

// causes are groups of replications by what is wrong with them.
type causes map[string]*cause

// cause is one of them, and some replications that have it.
type cause struct {
	Cause    string                 `json:"cause"`
	Count    int                    `json:"count"`
	States   map[snapshot.State]int `json:"states"`
	Examples []example              `json:"examples"`
}

type example struct {
	Server   string         `json:"server"`
	Database string         `json:"database"`
	DocID    string         `json:"doc_id"`
	State    snapshot.State `json:"state"`
	Error    string         `json:"error"`
}

// maxExamples bounds what is remembered of a cause.
const maxExamples = 3

func (c causes) add(server string, r *snapshot.Replication) {
	text := fold(r.Error)
	group := c[text]
	if group == nil {
		group = &cause{Cause: text, States: map[snapshot.State]int{}}
		c[text] = group
	}
	group.Count++
	group.States[r.State]++
	if len(group.Examples) < maxExamples {
		group.Examples = append(group.Examples, example{server, r.Database, r.DocID, r.State, r.Error})
	}
}

// ordered are the causes, the most frequent first.
func (c causes) ordered() []*cause {
	all := []*cause{}
	for _, group := range c {
		all = append(all, group)
	}
	slices.SortFunc(all, func(a, b *cause) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Cause, b.Cause))
	})
	return all
}

func (c causes) print(w *bufio.Writer, output string, servers bool) error {
	if output == "table" {
		for _, group := range c.ordered() {
			if err := group.print(w, servers); err != nil {
				return err
			}
		}
		return nil
	}
	return printObjects(w, output, c.ordered())
}

// print prints how many and what, and below it which.
func (g *cause) print(w *bufio.Writer, servers bool) error {
	var states []string
	for _, state := range snapshot.States {
		if n := g.States[state]; n > 0 {
			states = append(states, fmt.Sprintf("%d %s", n, state))
		}
	}
	var names []string
	for _, e := range g.Examples {
		name := snapshot.Key{Database: e.Database, DocID: e.DocID}.Path()
		if servers {
			name = e.Server + "/" + name
		}
		names = append(names, oneLine(name))
	}
	if more := g.Count - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	_, err := fmt.Fprintf(w, "%s: %s\n    %s\n", strings.Join(states, ", "), g.Cause, list(names))
	return err
}
