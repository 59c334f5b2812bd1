package trail_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"watchdog/trail"
)

// folder is where one test's files are.
type folder struct {
	*testing.T
	dir string
}

func (f folder) path(name string) string { return filepath.Join(f.dir, name) }

func (f folder) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f folder) write(name, content string) {
	f.Helper()
	f.must(os.WriteFile(f.path(name), []byte(content), 0o600))
}

// over writes a file as most editors do: beside the old one, and then over it.
func (f folder) over(name, content string) {
	f.Helper()
	f.write(name+"~", content)
	f.must(os.Rename(f.path(name+"~"), f.path(name)))
}

// link makes a symbolic link, over what is there, as Kubernetes does.
func (f folder) link(target, name string) {
	f.Helper()
	f.must(os.Symlink(target, f.path(name+".new")))
	f.must(os.Rename(f.path(name+".new"), f.path(name)))
}

func TestWait(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(f folder)
		notices bool
	}{
		{"a file is written", func(f folder) { f.write("a.yaml", "2") }, true},
		{"a file is renamed over another", func(f folder) { f.over("a.yaml", "2") }, true},
		{"a file goes away", func(f folder) { f.must(os.Remove(f.path("a.yaml"))) }, true},
		{"a file that was missing appears", func(f folder) { f.write("missing", "1") }, true},
		{"a file begins to match a pattern", func(f folder) { f.write("conf.d/b.yaml", "1") }, true},
		{"a file ceases to match a pattern", func(f folder) { f.must(os.Remove(f.path("conf.d/a.yaml"))) }, true},
		{"a link to the folder of a file is replaced", func(f folder) {
			f.must(os.Mkdir(f.path("..2"), 0o700))
			f.write("..2/mounted.yaml", "2")
			f.link("..2", "..data")
		}, true},
		{"the target of a link is written", func(f folder) { f.write("..1/mounted.yaml", "2") }, true},
		{"a file is touched", func(f folder) {
			f.must(os.Chtimes(f.path("a.yaml"), time.Now(), time.Now().Add(time.Hour)))
		}, false},
		{"a file is written with what it holds", func(f folder) { f.over("a.yaml", "1") }, false},
		{"another file of the folder is written", func(f folder) { f.write("watchdog.db-wal", "…") }, false},
		{"a file that is not followed is written", func(f folder) { f.write("token", "2") }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := folder{t, t.TempDir()}
			f.must(os.Mkdir(f.path("conf.d"), 0o700))
			f.must(os.Mkdir(f.path("..1"), 0o700))
			for _, name := range []string{"a.yaml", "token", "conf.d/a.yaml", "..1/mounted.yaml"} {
				f.write(name, "1")
			}
			f.link("..1", "..data")
			f.link("..data/mounted.yaml", "mounted.yaml")

			tr := trail.New()
			for _, name := range []string{"a.yaml", "missing", "mounted.yaml", "token"} {
				tr.ReadFile(f.path(name)) // one is missing
				if name != "token" {
					tr.Follow([]string{f.path(name)})
				}
			}
			_, err := tr.Glob(f.path("conf.d/*.yaml"))
			f.must(err)
			patience := 10 * time.Second
			if !tt.notices {
				patience = time.Second
			}
			ctx, done := context.WithTimeout(t.Context(), patience)
			defer done()
			noticed := make(chan error)
			go func() { noticed <- tr.Wait(ctx, func(err error) { t.Error(err) }) }()
			tt.change(f)
			switch err := <-noticed; {
			case tt.notices && err != nil:
				t.Errorf("Wait: got %v, want that it is noticed", err)
			case !tt.notices && !errors.Is(err, context.DeadlineExceeded):
				t.Errorf("Wait: got %v, want that nothing is noticed", err)
			}
		})
	}
}

// What changes between reading and waiting is a change too.
func TestWaitForWhatHasChangedAlready(t *testing.T) {
	f := folder{t, t.TempDir()}
	f.write("a.yaml", "1")
	tr := trail.New()
	if _, err := tr.ReadFile(f.path("a.yaml")); err != nil {
		t.Fatal(err)
	}
	tr.Follow([]string{f.path("a.yaml")})
	f.write("a.yaml", "2")
	if err := tr.Wait(t.Context(), func(err error) { t.Error(err) }); err != nil {
		t.Errorf("Wait: got %v, want that it is noticed", err)
	}
}
