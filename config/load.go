package config

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"watchdog/diag"
	"watchdog/notify"
	"watchdog/rules"
	"watchdog/scheduler"
	"watchdog/secret"
)

// Options say what to load, and through what; but for Path the zero value is the real world.
type Options struct {
	Path     string                                 // relative paths in the file count from its folder
	Env      func(name string) (string, bool)       // default os.LookupEnv
	ReadFile func(path string) ([]byte, error)      // default os.ReadFile
	Glob     func(pattern string) ([]string, error) // default filepath.Glob
}

// Load reads a config with all that it includes. The config is nil when the list, which is in
// the order of the files, holds an error; lints come beside a good config.
func Load(o Options) (*Config, diag.List) {
	l := newLoader(o)
	l.load()
	list := l.diagnostics()
	if list.Failed() {
		return nil, list
	}
	return &l.config, list
}

// loader is one Load under way.
type loader struct {
	options  Options
	expands  expander
	docs     []*document
	findings []finding
	wrong    []origin // where a problem was found that is no lint
	secrets  []string // values that must not appear in a message
	// torn says that a file could not be read: a name that nobody defines may stand there.
	torn bool

	servers []item[scheduler.Spec]
	checks  []item[CheckSpec]
	rules   []item[rules.Spec]
	sinks   []item[SinkSpec]
	routes  []item[notify.RouteSpec]

	serverNames, ruleNames, sinkNames names

	planned    []plannedCheck     // all checks, in use or not
	keptRoutes []notify.RouteSpec // those that lead to a sink in use

	config Config
}

// origin is where something was written.
type origin struct {
	doc  *document
	path string
}

// item is one element of a list of the config.
type item[T any] struct {
	origin
	spec T
}

func newLoader(o Options) *loader {
	if o.Env == nil {
		o.Env = os.LookupEnv
	}
	if o.ReadFile == nil {
		o.ReadFile = os.ReadFile
	}
	if o.Glob == nil {
		o.Glob = filepath.Glob
	}
	l := &loader{options: o}
	l.config.Path = o.Path
	l.expands = expander{env: o.Env, readFile: o.ReadFile, read: l.readsFile, used: func(value string) {
		if len(value) >= minForeign {
			l.secrets = append(l.secrets, value)
		}
	}}
	return l
}

func (l *loader) readsFile(path string) {
	if !slices.Contains(l.config.Files, path) {
		l.config.Files = append(l.config.Files, path)
	}
}

func (l *loader) load() {
	var file File
	main := l.open(l.options.Path, func(err error) {
		l.unplaced(diag.Diagnostic{Message: notRead(err), Hint: "name another: watchdog check --config FILE"})
	}, &file)
	if main == nil {
		return
	}
	l.config.Understood = file
	l.collect(main, file.Part)
	own := l.routes // come last: among them is the default
	l.routes = nil
	l.include(main, file.Include)
	l.routes = append(l.routes, own...)

	l.buildSettings(main)
	l.buildServers()
	l.buildRules()
	l.buildSinks()
	l.buildRoutes()
	l.buildChecks()
	l.lint()
}

// open reads, parses and decodes one file; nil where that came to nothing, which is reported.
func (l *loader) open(path string, unreadable func(error), into any) *document {
	l.readsFile(path)
	text, err := l.options.ReadFile(path)
	if err != nil {
		unreadable(err)
		l.torn = true
		return nil
	}
	doc := newDocument(newSource(path, text))
	root, wrong := doc.parse()
	if wrong != nil {
		l.unplaced(*wrong)
		l.torn = true
		return nil
	}
	l.docs = append(l.docs, doc)
	if root == nil {
		return doc
	}
	d := decoder{doc: doc, expands: &l.expands, keepSecret: l.keepSecret, report: func(at span, d diag.Diagnostic) {
		l.findings = append(l.findings, finding{doc: doc, at: at, diag: d})
	}}
	d.decode(nil, root, "", reflect.ValueOf(into).Elem())
	return doc
}

// The lengths from which on a value is kept out of messages: shorter ones would tear holes into
// words, and are no secrets.
const (
	minSecret  = 4  // of what is a secret by its place in the config
	minWord    = 8  // of a word of a value that came from outside, in messages about it
	minForeign = 12 // of any other value that came from outside: it may be in the wrong place
)

// keepSecret keeps a value out of all messages.
func (l *loader) keepSecret(value string) {
	if len(value) >= minSecret {
		l.secrets = append(l.secrets, value)
	}
}

// notRead says why a file cannot be read.
func notRead(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no such file"
	}
	return "the file cannot be read: " + cause(err).Error()
}

// unplaced reports what needs no document to be shown.
func (l *loader) unplaced(d diag.Diagnostic) {
	if d.File == "" {
		d.File, d.Line, d.Column = l.options.Path, 1, 1
	}
	l.findings = append(l.findings, finding{diag: d})
}

// problem reports what the owner of a part found in it, at its place. What follows from a
// mistake in decoding is not told again.
func (l *loader) problem(o origin, p diag.Problem) {
	path := join(o.path, p.Field)
	f, exact := o.doc.nearest(path)
	if o.doc.troubled(o.path) && (!exact || p.Field == "" || p.Level == diag.Lint || o.doc.troubled(path)) {
		return
	}
	if p.Level != diag.Lint {
		l.wrong = append(l.wrong, origin{o.doc, path})
	}
	found := finding{doc: o.doc, diag: diag.Diagnostic{
		Level: p.Level, ID: p.ID,
		Message: o.doc.withoutValue(p.Message, f), Hint: o.doc.withoutValue(p.Hint, f),
	}}
	if exact {
		found.at = o.doc.part(f, p.Offset, p.Length)
	} else {
		found.at = o.doc.mark(f)
	}
	if f.key != nil {
		found.keyAt = o.doc.offset(f.key.Line, f.key.Column)
	}
	l.findings = append(l.findings, found)
}

// clean reports whether nothing is wrong with a list of any file, or with one item.
func (l *loader) clean(list string) bool {
	return !l.torn && !slices.ContainsFunc(l.docs, func(d *document) bool { return d.troubled(list) }) &&
		!slices.ContainsFunc(l.wrong, func(o origin) bool { return within(o.path, list) })
}

func (l *loader) cleanItem(at origin) bool {
	return !at.doc.troubled(at.path) &&
		!slices.ContainsFunc(l.wrong, func(o origin) bool { return o.doc == at.doc && within(o.path, at.path) })
}

// diagnostics are all findings as they are shown.
func (l *loader) diagnostics() diag.List {
	for _, doc := range l.docs {
		doc.sealSecrets()
	}
	slices.SortFunc(l.secrets, func(a, b string) int { return len(b) - len(a) }) // one may hold another
	var list diag.List
	for _, f := range l.findings {
		d := f.diag
		d.Level = cmp.Or(d.Level, diag.Error)
		d.Message, d.Hint = l.harmless(d.Message), l.harmless(d.Hint)
		if f.doc != nil {
			d = f.doc.diagnose(f.at, d)
			if d.Level == diag.Lint && f.doc.disabled(d.ID, d.Line, f.doc.line(f.keyAt)) {
				continue
			}
		}
		if !slices.Contains(list, d) { // an anchor is decoded wherever it is used
			list = append(list, d)
		}
	}
	list.Sort()
	return list
}

// harmless is a message without secrets.
func (l *loader) harmless(message string) string {
	for _, s := range l.secrets {
		message = strings.ReplaceAll(message, s, secret.Mask)
	}
	return secret.MaskURLs(message)
}
