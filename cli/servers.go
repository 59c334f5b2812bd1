package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"watchdog/config"
	"watchdog/diag"
	"watchdog/scheduler"
)

// direct names a server that no config need know.
type direct struct {
	CouchDB string `name:"couchdb" placeholder:"URL" xor:"which" help:"This server, without a config, and every replicator database of it: http://USER:PASSWORD@HOST:5984."`
}

// where says which servers and which replicator database a command is about.
type where struct {
	direct
	Server   []string `complete:"server" xor:"which" placeholder:"NAME" help:"This server only; may be given more than once. Default: all."`
	Database string   `placeholder:"DB" help:"This replicator database only. Default: all that the server's config names, or every one of --couchdb."`
}

// servers are the clients of the servers that a command is about, in the config's order. close
// must be called.
type servers struct {
	all []*scheduler.Client
	*readers
}

// open contacts nobody yet.
func (w where) open(s *session) (*servers, error) {
	if err := s.oneDatabase(w.Database); err != nil {
		return nil, err
	}
	cfg, err := w.config(s)
	if err != nil {
		return nil, err
	}
	for _, name := range w.Server {
		if err := s.known(cfg, name); err != nil {
			return nil, err
		}
	}
	specs := slices.DeleteFunc(slices.Clone(cfg.Servers), func(spec scheduler.Spec) bool {
		return len(w.Server) > 0 && !slices.Contains(w.Server, spec.Name)
	})
	readers, err := openReaders(specs, cfg.Sources)
	if err != nil {
		return nil, err
	}
	opened := &servers{readers: readers}
	for _, spec := range specs {
		opened.all = append(opened.all, readers.byName[spec.Name])
	}
	return opened, nil
}

// config is the file's, or that of the one server that is named instead.
func (d direct) config(s *session) (*config.Config, error) {
	if d.CouchDB == "" {
		cfg, err := s.load(s.configPath)
		if _, there := os.Stat(s.configPath); errors.Is(there, fs.ErrNotExist) {
			fmt.Fprintln(s.Stderr, "or ask a server without a config: --couchdb http://USER:PASSWORD@HOST:5984")
		}
		return cfg, err
	}
	spec := scheduler.Spec{Name: "couchdb", URL: d.CouchDB, ReplicatorDBs: []string{"_replicator", "*/_replicator"}}
	if problems := spec.Problems(); len(problems) > 0 {
		p := problems[0]
		return nil, s.misuse("--couchdb: %s; %s", p.Message, p.Hint)
	}
	return &config.Config{Servers: []scheduler.Spec{spec.WithDefaults()}}, nil
}

// openOne is for a command that can only be about one server; its name may be left out where there
// is no other.
func (s *session) openOne(d direct, name string) (*scheduler.Client, *servers, error) {
	w := where{direct: d}
	if name != "" {
		w.Server = []string{name}
	}
	opened, err := w.open(s)
	if err != nil {
		return nil, nil, err
	}
	if n := len(opened.all); n != 1 {
		opened.close()
		return nil, nil, s.misuse("there are %d servers: say which by --server", n)
	}
	return opened.all[0], opened, nil
}

// oneDatabase refuses a pattern: CouchDB has no database of such a name, and would find nothing.
func (s *session) oneDatabase(name string) error {
	if strings.ContainsAny(name, `*?[\`) {
		return s.misuse("--database is one database, and %s a pattern: leave it out for all of them", oneLine(name))
	}
	return nil
}

// known says what is wrong with the name of a server.
func (s *session) known(cfg *config.Config, name string) error {
	var names []string
	for _, spec := range cfg.Servers {
		names = append(names, spec.Name)
	}
	if slices.Contains(names, name) {
		return nil
	}
	hint := diag.DidYouMean(name, names)
	if hint == "" {
		hint = fmt.Sprintf("there is %s", list(names))
	}
	return s.misuse("no server %q is in use; %s", name, hint)
}

// misuse says what is wrong with how a command was called.
func (s *session) misuse(format string, args ...any) error {
	fmt.Fprintf(s.Stderr, "watchdog: "+format+"\n", args...)
	return exit(exitUsage)
}

// trouble is what does not end a command at once, but makes it fail in the end.
func (s *session) trouble(err error) error {
	fmt.Fprintf(s.Stderr, "watchdog: %v\n", err)
	return exit(exitFailed)
}
