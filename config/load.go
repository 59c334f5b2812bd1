package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"watchdog/diag"
	"watchdog/notify"
	"watchdog/rules"
	"watchdog/scheduler"
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
	c, _, list := LoadInputs(o)
	return c, list
}

// LoadInputs is Load, and says what was read even where the config is bad: a change of it may
// mend that.
func LoadInputs(o Options) (*Config, Inputs, diag.List) {
	l := newLoader(o)
	l.load()
	list := l.diagnostics()
	if list.Failed() {
		return nil, l.config.Inputs, list
	}
	return &l.config, l.config.Inputs, list
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
	l.config.Path, l.config.Places = o.Path, map[string]diag.Diagnostic{}
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
		hint := "name another: --config FILE"
		if errors.Is(err, fs.ErrNotExist) {
			hint += ", or begin with the demo's: watchdog demo --print > watchdog.yaml"
		}
		l.unplaced(diag.Diagnostic{Message: notRead(err), Hint: hint})
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
	l.config.Understood.Include = nil // merged

	l.buildSettings(main)
	l.buildServers()
	l.buildRules()
	l.buildSinks()
	l.buildRoutes(main)
	l.buildChecks()
	l.config.Vocabulary = l.vocabulary()
	l.lint()
	l.lintMatches(main)
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
	root, wrong := doc.parse(reflect.TypeOf(into))
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

// notRead says why a file cannot be read.
func notRead(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no such file"
	}
	return "the file cannot be read: " + cause(err).Error()
}
