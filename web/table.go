package web

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchdog/alert"
	"watchdog/board"
	"watchdog/snapshot"
)

// rowQuery is what the address of the page says about its table.
type rowQuery struct {
	rowFilter
	order
	page int // from 1
}

func readRowQuery(q url.Values) (rowQuery, error) {
	out := rowQuery{
		rowFilter: rowFilter{server: q.Get("server"), state: q.Get("state"), text: strings.TrimSpace(q.Get("q"))},
		order:     order{column: byState}, page: 1,
	}
	if sort := q.Get("sort"); sort != "" {
		out.column, out.falls = strings.TrimPrefix(sort, "-"), strings.HasPrefix(sort, "-")
		switch out.column {
		case byState, byName, byWritten, byPending, byErrors:
		default:
			return out, &failure{http.StatusBadRequest, "the table cannot be sorted by that"}
		}
	}
	if n := q.Get("page"); n != "" {
		page, err := strconv.Atoi(n)
		if err != nil || page < 1 {
			return out, &failure{http.StatusBadRequest, "that is not the number of a page"}
		}
		out.page = page
	}
	return out, nil
}

// link is the address of the table with something else in it.
func (q rowQuery) link(change func(*rowQuery)) string {
	q.page = 1
	change(&q)
	values := url.Values{}
	set := func(name, value string) {
		if value != "" {
			values.Set(name, value)
		}
	}
	set("q", q.text)
	set("server", q.server)
	set("state", q.state)
	if sort := q.sortText(); sort != byState {
		set("sort", sort)
	}
	if q.page > 1 {
		set("page", strconv.Itoa(q.page))
	}
	return "/?" + values.Encode()
}

func (q rowQuery) sortText() string {
	if q.falls {
		return "-" + q.column
	}
	return q.column
}

// rowsView is the table of replications.
type rowsView struct {
	Text, Server, State, Sort string
	Servers                   []string // to choose from, where there are several
	Orders                    []column // to sort by, where there is no head of a table to do it
	States                    []choice
	Columns                   []column
	Rows                      []rowView
	First, Last, Total        int // of the rows that fit, from 1
	Previous, Next            string
}

// choice is one state to filter by.
type choice struct {
	State   string // empty: all
	Count   int
	Link    string
	Current bool
}

// column is the head of one column.
type column struct {
	Title, Key, Link string
	Sorted           string // ascending, descending or none, as ARIA says it
	Number           bool
}

type rowView struct {
	Key                     string
	Server, Database, DocID string
	State                   string
	Severity                string // of the worst alert that fires for it
	Alert                   string // its fingerprint
	Source, Target, Error   string
	Continuous              bool
	Written, Pending        *int64
	Errors                  *int64
	Since                   *time.Time // CouchDB's last_updated
	Spark                   sparkline
}

func newRowsView(q rowQuery, views []*board.View, alerts []alert.Alert, this string) rowsView {
	v := rowsView{Text: q.text, Server: q.server, State: q.state, Sort: q.sortText()}
	if len(views) > 1 {
		for _, b := range views {
			v.Servers = append(v.Servers, b.Server)
		}
	}
	every := q.rowFilter
	every.state = ""
	rows := every.rows(views, this)
	rows = v.chooseStates(q, rows)
	q.sort(rows)
	v.Columns = q.columns()
	v.Orders = orders(v.Sort)

	v.Total = len(rows)
	begin := min((q.page-1)*rowsOfPage, max(len(rows)-1, 0)/rowsOfPage*rowsOfPage)
	end := min(begin+rowsOfPage, len(rows))
	v.First, v.Last = min(begin+1, end), end
	if at := begin / rowsOfPage; at > 0 {
		v.Previous = q.link(func(q *rowQuery) { q.page = at })
	}
	if end < len(rows) {
		next := begin/rowsOfPage + 2
		v.Next = q.link(func(q *rowQuery) { q.page = next })
	}
	firing := worstOf(alerts)
	for i := range rows[begin:end] {
		r := newRowView(rows[begin+i])
		if a := firing[alert.Subject{Server: r.Server, Database: r.Database, DocID: r.DocID}]; a != nil {
			r.Severity, r.Alert = a.Severity.String(), a.Fingerprint
		}
		v.Rows = append(v.Rows, r)
	}
	return v
}

// chooseStates counts rows by state, and gives those of the state that is asked for.
func (v *rowsView) chooseStates(q rowQuery, rows []row) []row {
	counts := map[string]int{}
	var chosen []row
	for i := range rows {
		state := rows[i].state()
		counts[state]++
		if q.state == state {
			chosen = append(chosen, rows[i])
		}
	}
	v.States = []choice{{Count: len(rows), Link: q.link(func(q *rowQuery) { q.state = "" }), Current: q.state == ""}}
	for _, state := range urgencies {
		if counts[state] > 0 || state == q.state {
			v.States = append(v.States, choice{state, counts[state], q.link(func(q *rowQuery) { q.state = state }), q.state == state})
		}
	}
	if q.state == "" {
		return rows
	}
	return chosen
}

func (q rowQuery) columns() []column {
	all := []column{
		{Title: "State", Key: byState},
		{Title: "Replication", Key: byName},
		{Title: "Source and target"},
		{Title: "Written", Key: byWritten, Number: true},
		{Title: "Pending", Key: byPending, Number: true},
		{Title: "Errors", Key: byErrors, Number: true},
	}
	for i := range all {
		c := &all[i]
		if c.Key == "" {
			continue
		}
		falls := c.Number // the largest first
		c.Sorted = "none"
		if q.column == c.Key {
			c.Sorted, falls = "ascending", !q.falls
			if q.falls {
				c.Sorted = "descending"
			}
		}
		c.Link = q.link(func(q *rowQuery) { q.order = order{c.Key, falls} })
	}
	return all
}

// orders are the ways to sort that can be chosen by name: the usual one of each column, and the one
// that is in use.
func orders(current string) []column {
	all := []column{
		{Key: byState, Title: "state"},
		{Key: byName, Title: "name"},
		{Key: "-" + byWritten, Title: "documents written"},
		{Key: "-" + byPending, Title: "changes pending"},
		{Key: "-" + byErrors, Title: "errors"},
	}
	if !slices.ContainsFunc(all, func(c column) bool { return c.Key == current }) {
		all = append(all, column{Key: current, Title: strings.TrimPrefix(current, "-") + ", reversed"})
	}
	return all
}

// worstOf is the most severe alert that fires for each subject.
func worstOf(alerts []alert.Alert) map[alert.Subject]*alert.Alert {
	worst := map[alert.Subject]*alert.Alert{}
	for i := range alerts {
		a := &alerts[i]
		if a.Status != alert.StatusFiring {
			continue
		}
		if before := worst[a.Subject()]; before == nil || before.Severity < a.Severity {
			worst[a.Subject()] = a
		}
	}
	return worst
}

func newRowView(at row) rowView {
	r := at.Replication
	v := rowView{
		Server: at.server, Database: r.Database, DocID: r.DocID, State: at.state(),
		Source: r.Source, Target: r.Target, Error: r.Error, Continuous: r.Has(snapshot.FieldContinuous) && r.Continuous,
		Written: given(r, snapshot.FieldDocsWritten, r.DocsWritten), Pending: given(r, snapshot.FieldChangesPending, r.ChangesPending),
		Errors: given(r, snapshot.FieldErrorCount, r.ErrorCount), Since: given(r, snapshot.FieldLastUpdated, r.LastUpdated),
	}
	sum := sha256.Sum256([]byte(v.Server + "\xff" + v.Database + "\xff" + v.DocID))
	v.Key = "r" + hex.EncodeToString(sum[:6])
	return v
}
