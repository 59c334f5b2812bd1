package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchdog/alert"
	"watchdog/board"
	"watchdog/snapshot"
	"watchdog/store"
)

//go:embed assets
var assets embed.FS

const (
	rowsOfPage       = 100
	alertsOfPage     = 200
	deliveriesOfPage = 20
)

// page renders what people see. The first HTML says everything without script; the script fetches
// it anew when something happened, and changes what differs.
type page struct {
	template *template.Template
	files    map[string]file
}

// file is one of the assets.
type file struct {
	kind string
	body []byte
	tag  string // of its content
}

func newPage() *page {
	p := &page{files: map[string]file{}}
	for name, kind := range map[string]string{
		"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml",
	} {
		body, err := assets.ReadFile("assets/" + name)
		if err != nil {
			panic(err) // it is embedded
		}
		sum := sha256.Sum256(body)
		p.files[name] = file{kind, body, hex.EncodeToString(sum[:6])}
	}
	p.template = template.Must(template.New("page.html").Funcs(template.FuncMap{
		"asset": func(name string) string { return "/assets/" + name + "?" + p.files[name].tag },
		"ago":   ago, "next": next, "stamp": stamp, "count": grouped, "host": shortAddress, "took": took, "unsaid": unsaid,
	}).ParseFS(assets, "assets/page.html"))
	return p
}

// serveAsset serves a file whose address holds its content's sum, for ever.
func (p *page) serveAsset(w http.ResponseWriter, r *http.Request) {
	f, found := p.files[r.PathValue("name")]
	if !found {
		refuse(w, r, http.StatusNotFound, "there is no such file")
		return
	}
	if r.URL.RawQuery == f.tag {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	write(w, r, http.StatusOK, f.kind, f.body)
}

func (s *Server) serveIndex(w http.ResponseWriter, r *http.Request) {
	v, err := s.view(r, time.Now())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var b bytes.Buffer
	if err := s.page.template.Execute(&b, v); err != nil {
		s.fail(w, r, fmt.Errorf("render the page: %w", err))
		return
	}
	write(w, r, http.StatusOK, "text/html; charset=utf-8", b.Bytes())
}

// view is everything that the page shows.
type view struct {
	Now        time.Time
	Build      Build
	Verdict    verdict
	Firing     []alert.Alert // at most alertsOfPage
	MoreFiring int
	Pending    int
	Rows       rowsView
	Servers    []serverView
	Deliveries []store.Delivery // unsent ones first
	NoStore    bool             // deliveries cannot be read
	ConfigErr  string
}

// verdict is the page in one line.
type verdict struct {
	Level string // critical, warning, info, unknown or ok: the worst there is
	Text  string
	Title string // of the window
}

type serverView struct {
	*board.View
	Up      bool
	Counted bool // something has been seen
	Total   int
	Error   string
}

func (s *Server) view(r *http.Request, now time.Time) (*view, error) {
	q, err := readRowQuery(r.URL.Query())
	if err != nil {
		return nil, err
	}
	views := s.Board.Views()
	v := &view{Now: now, Build: s.Build, Rows: newRowsView(q, views, s.Board.Alerts())}
	for _, a := range s.Board.Alerts() {
		switch {
		case a.Status != alert.StatusFiring:
			v.Pending++
		case len(v.Firing) == alertsOfPage:
			v.MoreFiring++
		default:
			v.Firing = append(v.Firing, a)
		}
	}
	for _, b := range views {
		one := serverView{View: b}
		if b.Looked != nil {
			one.Up, one.Error = !b.Looked.Failed(), message(b.Looked.Err())
		}
		if b.Seen != nil {
			one.Counted, one.Total = true, len(b.Seen.Replications)
		}
		v.Servers = append(v.Servers, one)
	}
	v.Verdict = judge(v)
	if c := s.config.Load(); c != nil {
		v.ConfigErr = message(c.err)
	}
	v.Deliveries, err = s.latestDeliveries(r)
	v.NoStore = err != nil // the rest of the page is from memory, and is needed all the more
	return v, nil
}

// latestDeliveries are those that need attention, and then the others.
func (s *Server) latestDeliveries(r *http.Request) ([]store.Delivery, error) {
	unsent, err := s.Archive.Deliveries(r.Context(), store.DeliveryFilter{
		Statuses: []store.Status{store.Queued, store.Retrying, store.Dead}, Limit: deliveriesOfPage,
	})
	if err != nil || len(unsent) == deliveriesOfPage {
		return unsent, err
	}
	sent, err := s.Archive.Deliveries(r.Context(), store.DeliveryFilter{Statuses: []store.Status{store.Sent}, Limit: deliveriesOfPage - len(unsent)})
	return append(unsent, sent...), err
}

// judge says what fires, and what may fire unseen: silence is not health.
func judge(v *view) verdict {
	var unread, unseen, late int
	for i := range v.Servers {
		switch one := &v.Servers[i]; {
		case one.Looked == nil && len(one.Checks) > 0:
			unseen++
		case one.Looked != nil && !one.Up:
			unread++
		}
		for _, c := range v.Servers[i].Checks {
			if c.Runs > 0 && (c.Undecided || v.Now.After(c.Overdue)) {
				late++
			}
		}
	}
	var parts []string
	for _, doubt := range []struct {
		n          int
		noun, what string
	}{
		{unread, "server", " cannot be read"}, {unseen, "server", " not seen yet"}, {late, "check", " late"},
	} {
		if doubt.n > 0 {
			parts = append(parts, plural(doubt.n, doubt.noun)+doubt.what)
		}
	}
	out := verdict{Level: "ok", Title: "Watchdog"}
	firing := len(v.Firing) + v.MoreFiring
	switch {
	case firing > 0:
		out.Level, out.Title = v.Firing[0].Severity.String(), fmt.Sprintf("(%d) Watchdog", firing)
		parts = append([]string{plural(firing, "alert") + " firing"}, parts...)
	case len(parts) > 0:
		out.Level = unknownState
	default:
		parts = []string{"Nothing is firing"}
	}
	out.Text = strings.Join(parts, ", ")
	return out
}

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
}

func newRowsView(q rowQuery, views []*board.View, alerts []alert.Alert) rowsView {
	v := rowsView{Text: q.text, Server: q.server, State: q.state, Sort: q.sortText()}
	if len(views) > 1 {
		for _, b := range views {
			v.Servers = append(v.Servers, b.Server)
		}
	}
	every := q.rowFilter
	every.state = ""
	rows := every.rows(views)
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

// unsaid is an error that a summary does not quote already.
func unsaid(summary, err string) string {
	if strings.Contains(summary, err) {
		return ""
	}
	return err
}

// plural is "1 alert" or "3 alerts".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(int64(n)) + " " + noun + "s"
}

// grouped is a number whose digits stand in groups of three.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	digits := strings.TrimPrefix(text, "-")
	var b strings.Builder
	b.WriteString(text[:len(text)-len(digits)])
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteRune('\u202f') // a narrow space, which does not break
		}
		b.WriteRune(d)
	}
	return b.String()
}

// ago is a time as people say it: "12 s ago", "in 3 min".
func ago(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := now.Sub(t)
	format := "%s ago"
	if d < 0 {
		d, format = -d, "in %s"
	}
	switch {
	case d < time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf(format, fmt.Sprintf("%d s", int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf(format, fmt.Sprintf("%d min", int(d.Minutes())))
	case d < 48*time.Hour:
		return fmt.Sprintf(format, fmt.Sprintf("%d h", int(d.Hours())))
	default:
		return fmt.Sprintf(format, fmt.Sprintf("%d days", int(d.Hours()/24)))
	}
}

// next is a time that is ahead; one that has passed is due now.
func next(now, t time.Time) string {
	if t.Before(now) {
		t = now
	}
	return ago(now, t)
}

// stamp is a time as programs read it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// took is a duration in a few letters.
func took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "<1 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	default:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
}

// shortAddress is the database of a URL and its host, which is what tells replications apart.
func shortAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address
	}
	if name := path.Clean(u.Path); name != "/" && name != "." {
		return strings.TrimPrefix(name, "/") + " on " + u.Host
	}
	return u.Host
}
