package archtest

import (
	"path"
	"slices"
	"strings"
)

// Map says which package may import what. Keys are paths below the module: "notify", "main"
// for the top, and "notify/*" for all directly below that have no entry of their own.
//
// Every package may import the standard library, but for what Entry.Pure says, and the two
// leaves diag and secret. A package whose name ends in "test" and that has no entry is a helper
// of tests: it may import anything, and only tests and other helpers may import it.
type Map map[string]Entry

// Entry is what one package may import.
type Entry struct {
	// Ours are packages of this module, or "notify/*" for all directly below, or "..." for all
	// that are not helpers of tests.
	Ours []string
	// Others are packages of others, each with all that is below it.
	Others []string
	// Pure is for packages that only decide: no clock, no I/O, no dice, no goroutine.
	Pure bool
	// Flags is for commands: they may import flag.
	Flags bool
	// helper is a helper of tests.
	helper bool
}

// Watchdog is the map of this module.
func Watchdog() Map {
	return Map{
		"main": {Ours: []string{"cli"}},
		"cli":  {Ours: []string{"..."}, Others: []string{kong, tint, term, compress}, Flags: true},

		"alert":          {Pure: true},
		"snapshot":       {Pure: true},
		"rules":          {Ours: []string{"snapshot", "alert"}, Others: []string{expr}, Pure: true},
		"notify":         {Ours: []string{"alert"}, Pure: true},
		"cycle":          {Ours: []string{"rules", "notify", "snapshot", "alert"}, Pure: true},
		"rules/ruletest": {Ours: []string{"cycle", "rules", "notify", "snapshot", "alert"}, Others: []string{yaml}, Pure: true},

		"notify/*":        {Ours: []string{"notify", "notify/post", "alert"}, Others: []string{rate}},
		"notify/post":     {Ours: []string{"notify"}},
		"notify/slack":    {Ours: []string{"notify", "notify/post", "alert"}, Others: []string{slack, rate}},
		"notify/email":    {Ours: []string{"notify", "alert"}, Others: []string{gomail}},
		"notify/shoutrrr": {Ours: []string{"notify", "alert"}, Others: []string{shoutrrr}},
		"notify/webhook":  {Ours: []string{"notify", "notify/post", "alert"}, Others: []string{webhooks, rate}},

		"scheduler":           {Ours: []string{"snapshot"}, Others: []string{rate}},
		"scheduler/couchtest": {},
		"watch":               {Ours: []string{"cycle", "snapshot", "alert"}, Others: []string{cron}},
		"lease":               {},
		"outbox":              {Others: []string{rate}},
		"store":               {Ours: []string{"cycle", "outbox", "notify", "history", "lease", "alert"}, Others: []string{sqlite, flock, pgx, unix}},
		"store/pgtest":        {Others: []string{pgx}},
		"config": {
			Ours:   []string{"scheduler", "notify", "notify/*", "rules", "cycle", "snapshot", "alert", "web/gate", "heartbeat"},
			Others: []string{yaml, cron},
		},

		"history":  {Ours: []string{"snapshot", "alert"}},
		"board":    {Ours: []string{"watch", "snapshot", "alert"}},
		"web":      {Ours: []string{"web/gate", "board", "store", "history", "lease", "rules", "notify", "snapshot", "alert"}, Others: []string{prometheus}},
		"web/gate": {Others: []string{bcrypt}},

		"bench":           {Ours: []string{"scheduler/couchtest", "store/pgtest"}, Flags: true},
		"bench/*":         {Ours: []string{"scheduler"}},
		"docs/examples/*": {Flags: true}, // programs to copy, on their own

		"trail":             {Others: []string{fsnotify}},
		"heartbeat":         {},
		"systemd":           {Others: []string{unix}},
		"diag":              {},
		"secret":            {},
		"internal/archtest": {},
		"internal/chaos":    {Ours: []string{"scheduler/couchtest", "store", "alert"}},
		"internal/fleet":    {Ours: []string{"internal/chaos", "scheduler/couchtest", "store", "store/pgtest", "alert"}},
		"internal/hygiene":  {},
		"internal/itself":   {Ours: []string{"cli"}},
		"internal/soak":     {Ours: []string{"scheduler/couchtest"}, Others: []string{sqlite}},
	}
}

// leaves may be imported by all packages, and import none of ours.
var leaves = []string{"diag", "secret"}

const (
	bcrypt     = "golang.org/x/crypto/bcrypt"
	compress   = "github.com/klauspost/compress"
	cron       = "github.com/robfig/cron/v3"
	expr       = "github.com/expr-lang/expr"
	flock      = "github.com/gofrs/flock"
	fsnotify   = "github.com/fsnotify/fsnotify"
	gomail     = "github.com/wneessen/go-mail"
	kong       = "github.com/alecthomas/kong"
	prometheus = "github.com/prometheus"
	pgx        = "github.com/jackc/pgx/v5"
	rate       = "golang.org/x/time/rate"
	shoutrrr   = "github.com/nicholas-fedor/shoutrrr/pkg"
	slack      = "github.com/slack-go/slack"
	sqlite     = "modernc.org/sqlite"
	term       = "golang.org/x/term"
	tint       = "github.com/lmittmann/tint"
	unix       = "golang.org/x/sys/unix"
	webhooks   = "github.com/standard-webhooks/standard-webhooks/libraries"
	yaml       = "gopkg.in/yaml.v3"
)

// entry finds the entry of a package.
func (m Map) entry(pkg string) (Entry, bool) {
	if e, found := m[pkg]; found {
		return e, true
	}
	if strings.HasSuffix(pkg, "test") {
		return Entry{helper: true}, true
	}
	e, found := m[path.Dir(pkg)+"/*"]
	return e, found
}

// forbids says why a package may not import something; "" when it may.
func (e Entry) forbids(m Map, pkg, imported, module string) string {
	domain, _, _ := strings.Cut(imported, "/")
	below, ours := strings.CutPrefix(imported+"/", module+"/")
	others := strings.Contains(domain, ".")
	switch {
	case e.helper:
		return ""
	case ours && !e.allowsOurs(m, pkg, path.Clean(below)):
		return "the map allows it of this module: " + list(e.ourNames(pkg))
	case others && !e.allowsOthers(imported):
		return "the map allows it of others: " + list(e.Others)
	case imported == "flag" && !e.Flags:
		return "which only commands may"
	case e.Pure && impure(imported):
		return "but it is pure: no clock, no I/O, no dice"
	}
	return ""
}

func (e Entry) allowsOurs(m Map, pkg, imported string) bool {
	if slices.Contains(leaves, imported) {
		return !slices.Contains(leaves, pkg)
	}
	target, _ := m.entry(imported)
	return slices.ContainsFunc(e.Ours, func(allowed string) bool {
		return allowed == imported || !target.helper && (allowed == "..." || allowed == path.Dir(imported)+"/*")
	})
}

func (e Entry) allowsOthers(imported string) bool {
	return slices.ContainsFunc(e.Others, func(allowed string) bool { return within(imported, allowed) })
}

// ourNames are Ours and what all may import.
func (e Entry) ourNames(pkg string) []string {
	if slices.Contains(leaves, pkg) {
		return nil
	}
	return append(slices.Clone(e.Ours), leaves...)
}

func list(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// within reports whether an import path is a package or below it.
func within(imported, pkg string) bool {
	return imported == pkg || strings.HasPrefix(imported, pkg+"/")
}
