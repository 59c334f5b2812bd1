//go:build unix

// Package pgtest runs a PostgreSQL server for tests, in a temporary directory and as a user
// without rights. It needs the programs of a PostgreSQL of version 15 or later on the machine.
package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Server is one PostgreSQL server with a directory of its own. The zero value is one that keeps
// nothing when the machine fails, which is faster; it starts when it is first asked for something,
// and ends with Close, or with the process.
type Server struct {
	// Durable makes a commit wait until it is on the disk.
	Durable bool

	once    sync.Once
	err     error
	dir     string
	port    int
	owner   *syscall.Credential // nil: this user
	running *process
	schemas atomic.Int64
}

// ErrMissing says that this machine has no PostgreSQL.
var ErrMissing = errors.New("there is no PostgreSQL on this machine: install the package postgresql")

// Schema gives the URL of an empty schema of its own. Without PostgreSQL on the machine it skips
// the test, or fails it where CI is set.
func (s *Server) Schema(t testing.TB) string {
	t.Helper()
	s.start(t)
	name := fmt.Sprintf("t%d", s.schemas.Add(1))
	s.Exec(t, "CREATE SCHEMA "+name)
	return s.URL() + "&search_path=" + name
}

// URL is that of the server's one database, by its socket.
func (s *Server) URL() string {
	q := url.Values{"host": {s.dir}, "port": {strconv.Itoa(s.port)}, "user": {"watchdog"}}
	return "postgres:///postgres?" + q.Encode()
}

// Address is where it listens on the loopback interface, as host:port.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Exec runs SQL that gives nothing, as the owner of everything.
func (s *Server) Exec(t testing.TB, text string) {
	t.Helper()
	s.start(t)
	db, err := sql.Open("pgx", s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // nothing was left in it
	if _, err := db.ExecContext(context.WithoutCancel(t.Context()), text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func (s *Server) start(t testing.TB) {
	t.Helper()
	err := s.Create()
	if errors.Is(err, ErrMissing) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
}

// Create makes and starts the server, where that was not done yet: for what is no test.
func (s *Server) Create() error {
	s.once.Do(func() { s.err = s.create() })
	return s.err
}

// create makes the directory of a new server and starts it.
func (s *Server) create() (err error) {
	if s.dir, s.owner, err = room(); err != nil {
		return err
	}
	// A language whose order of words is not that of their bytes.
	if err := s.program("initdb", "-D", s.data(), "-U", "watchdog", "-A", "trust", "-E", "UTF8", "--no-sync",
		"--locale=C", "--locale-provider=icu", "--icu-locale=en-US"); err != nil {
		return err
	}
	if s.port, err = freePort(); err != nil {
		return err
	}
	return s.Start()
}

// PID is the process that all others of the running server descend from.
func (s *Server) PID() (int, error) {
	said, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(said), "\n")
	return strconv.Atoi(strings.TrimSpace(first))
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Start starts a server that was ended, and waits until it answers.
func (s *Server) Start() error {
	args := []string{
		"-D", s.data(), "-k", s.dir, "-p", strconv.Itoa(s.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200", "-c", "wal_level=replica",
	}
	if !s.Durable {
		args = append(args, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
	}
	path, err := find("postgres")
	if err != nil {
		return err
	}
	if s.running, err = begin(s.owner, filepath.Join(s.dir, "log"), append([]string{path}, args...)); err != nil {
		return err
	}
	return s.await()
}

// await waits until the server answers.
func (s *Server) await() error {
	db, err := sql.Open("pgx", s.URL())
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // nothing was left in it
	ctx, done := context.WithTimeout(context.Background(), time.Minute)
	defer done()
	tries := time.NewTicker(20 * time.Millisecond)
	defer tries.Stop()
	for {
		if err = db.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case <-tries.C:
		case <-s.running.ended:
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("the server ended: %s", log)
		case <-ctx.Done():
			return err
		}
	}
}

// Stop ends the server without a word to those who are connected, as when its machine fails.
func (s *Server) Stop() {
	if s.running != nil {
		s.running.end()
		s.running = nil
	}
}

// Close ends the server and removes all that it kept.
func (s *Server) Close() {
	s.Stop()
	if s.dir != "" {
		os.RemoveAll(s.dir) //nolint:errcheck // it is a temporary directory
	}
}

// Standby makes a copy of the server that follows it, and that every commit waits for.
func (s *Server) Standby(t testing.TB) *Server {
	t.Helper()
	s.start(t)
	copied := &Server{Durable: s.Durable}
	copied.once.Do(func() { copied.err = s.copyTo(copied) })
	if copied.err != nil {
		t.Fatalf("start a standby of PostgreSQL: %v", copied.err)
	}
	s.Exec(t, "ALTER SYSTEM SET synchronous_standby_names = '*'")
	s.Exec(t, "ALTER SYSTEM SET synchronous_commit = 'remote_apply'")
	s.Exec(t, "SELECT pg_reload_conf()")
	return copied
}

func (s *Server) copyTo(to *Server) (err error) {
	if to.dir, to.owner, err = room(); err != nil {
		return err
	}
	if to.port, err = freePort(); err != nil {
		return err
	}
	if err := s.program("pg_basebackup", "-h", s.dir, "-p", strconv.Itoa(s.port), "-U", "watchdog",
		"-D", to.data(), "-R", "--no-sync", "-c", "fast"); err != nil {
		return err
	}
	return to.Start()
}

// Promote makes a standby a server that can be written to, and that waits for no other.
func (s *Server) Promote(t testing.TB) {
	t.Helper()
	s.Exec(t, "SELECT pg_promote()")
	s.Exec(t, "ALTER SYSTEM RESET synchronous_standby_names")
	s.Exec(t, "SELECT pg_reload_conf()")
}

// program runs one of PostgreSQL's programs.
func (s *Server) program(name string, args ...string) error {
	path, err := find(name)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(context.Background(), path, args...)
	cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Credential: s.owner}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// find gives the path of one of PostgreSQL's programs, of the latest version that is there.
func find(name string) (string, error) {
	versions, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil {
		return "", err
	}
	if len(versions) > 0 {
		return slices.MaxFunc(versions, func(a, b string) int { return version(a) - version(b) }), nil
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", ErrMissing
	}
	return path, nil
}

func version(path string) int {
	n, _ := strconv.Atoi(strings.Split(path, "/")[4])
	return n
}

// room makes a directory for a user whom PostgreSQL runs for: not root.
func room() (dir string, owner *syscall.Credential, err error) {
	if dir, err = os.MkdirTemp("", "pg"); err != nil || os.Geteuid() != 0 {
		return dir, nil, err
	}
	var who *user.User
	for _, name := range [...]string{"postgres", "nobody"} {
		if who, err = user.Lookup(name); err == nil {
			break
		}
	}
	if err != nil {
		return dir, nil, err
	}
	uid, err := strconv.ParseUint(who.Uid, 10, 32)
	if err != nil {
		return dir, nil, err
	}
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	if err != nil {
		return dir, nil, err
	}
	return dir, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, int(uid), int(gid))
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it waits for nothing
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
