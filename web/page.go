package web

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"watchdog/alert"
	"watchdog/board"
	"watchdog/lease"
	"watchdog/notify"
	"watchdog/web/gate"
)

//go:embed assets
var assets embed.FS

const (
	rowsOfPage   = 100
	alertsOfPage = 200
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
		"ago":   ago, "next": next, "stamp": stamp, "count": grouped, "host": shortAddress, "took": took, "unsaid": unsaid, "plural": plural,
		"exactly": alert.Exactly, "join": strings.Join, "match": alert.MatchWords,
		"story": storyPath, "historyOf": historyPath,
		"acting": func(user string, a *Listed) acting { return acting{a, user} },
	}).ParseFS(assets, "assets/page.html", "assets/problem.html", "assets/story.html"))
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

// showProblem tells somebody whose browser runs no script what did not work.
func (s *Server) showProblem(w http.ResponseWriter, r *http.Request, p problem) {
	var b bytes.Buffer
	if err := s.page.template.ExecuteTemplate(&b, "problem.html", struct {
		problem
		Back string
	}{p, origin(r)}); err != nil {
		s.fail(w, r, fmt.Errorf("render a problem: %w", err))
		return
	}
	write(w, r, p.Status, "text/html; charset=utf-8", b.Bytes())
}

// view is everything that the page shows.
type view struct {
	Now        time.Time
	Build      Build
	Verdict    verdict
	User       string         // who looks, "" where nobody had to say
	Firing     []Listed       // at most alertsOfPage, those that are muted last
	Worst      alert.Severity // of those that fire
	MoreFiring int
	Pending    int
	Rows       rowsView
	Servers    []serverView
	Deliveries deliveriesView
	Silences   []notify.Silence
	Windows    []notify.WindowState
	Replicas   []replicaView // none where this process has the store to itself
	NoStore    bool          // it cannot be read
	Config     configInfo
}

// acting is an alert, and who may act on it.
type acting struct {
	*Listed
	User string
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
	Watched lease.Tenure // who watches it, where replicas share the store
}

func (s *Server) view(r *http.Request, now time.Time) (*view, error) {
	q, err := readRowQuery(r.URL.Query())
	if err != nil {
		return nil, err
	}
	s.Replicas.Show(r.Context(), true)
	views := s.Board.Views()
	alerts := s.Board.Alerts()
	v := &view{
		Now: now, Build: s.Build, User: gate.User(r.Context()), Rows: newRowsView(q, views, alerts, s.Replicas.Name()),
		Windows: s.windows(now), Config: s.configInfo(),
	}
	v.showAlerts(s.listed(alerts))
	for _, b := range views {
		one := serverView{View: b}
		if b.Looked != nil {
			one.Up, one.Error = !b.Looked.Failed(), message(b.Looked.Err())
		}
		if b.Seen != nil {
			one.Counted, one.Total = true, total(b.States)
		}
		v.Servers = append(v.Servers, one)
	}
	v.Verdict = judge(v)
	for i := range v.Rows.Rows {
		row := &v.Rows.Rows[i]
		row.Spark = s.sparks.of(r.Context(), s.Histories, alert.Subject{Server: row.Server, Database: row.Database, DocID: row.DocID}, now)
	}
	if err := s.readStore(r, v); err != nil { // the rest is from memory, and is needed all the more
		v.NoStore = true
		s.log.Warn("the page goes without the store", "err", err)
	}
	return v, nil
}

func (v *view) showAlerts(all []Listed) {
	slices.SortStableFunc(all, func(a, b Listed) int { return cmp.Compare(len(a.MutedBy), len(b.MutedBy)) })
	for i := range all {
		if all[i].Status == alert.StatusFiring {
			v.Worst = max(v.Worst, all[i].Severity)
		}
		switch {
		case all[i].Status != alert.StatusFiring:
			v.Pending++
		case len(v.Firing) == alertsOfPage:
			v.MoreFiring++
		default:
			v.Firing = append(v.Firing, all[i])
		}
	}
}

// readStore adds what only the store knows.
func (s *Server) readStore(r *http.Request, v *view) error {
	standing, err := s.Said.Standing(r.Context(), v.Now)
	if err != nil {
		return err
	}
	v.Silences = standing.Silences
	roster, err := s.Replicas.Roster(r.Context())
	if err != nil {
		return err
	}
	var watched map[string]lease.Tenure
	v.Replicas, watched = showReplicas(s.Replicas.Name(), roster)
	for i := range v.Servers {
		v.Servers[i].Watched = watched[v.Servers[i].Server]
	}
	v.Deliveries, err = s.showDeliveries(r)
	return err
}

// judge says what fires, and what may fire unseen: silence is not health.
func judge(v *view) verdict {
	var unread, unseen, late int
	for i := range v.Servers {
		switch one := &v.Servers[i]; {
		case one.Looked == nil && len(one.Checks) > 0 && !one.Elsewhere:
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
		out.Level, out.Title = v.Worst.String(), fmt.Sprintf("(%d) Watchdog", firing)
		parts = append([]string{plural(firing, "alert") + " firing"}, parts...)
	case len(parts) > 0:
		out.Level = unknownState
	default:
		parts = []string{"Nothing is firing"}
	}
	out.Text = strings.Join(parts, ", ")
	return out
}
