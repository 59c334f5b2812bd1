package archtest_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"watchdog/internal/archtest"
)

func TestWatchdogKeepsItsMap(t *testing.T) {
	findings, err := archtest.Check(os.DirFS("../.."), archtest.Watchdog())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		t.Error(f)
	}
}

// house is a small module that breaks no rule: main may import cli; cli all and one of others;
// core is pure and may import alert; sinks are below sink.
var house = archtest.Map{
	"main":   {Ours: []string{"cli"}},
	"cli":    {Ours: []string{"..."}, Others: []string{"github.com/alecthomas/kong"}, Flags: true},
	"core":   {Ours: []string{"alert"}, Pure: true},
	"alert":  {Pure: true},
	"diag":   {},
	"secret": {},
	"sink":   {Ours: []string{"alert"}},
	"sink/*": {Ours: []string{"sink"}, Others: []string{"golang.org/x/time/rate"}},
	"top":    {Ours: []string{"sink/*"}},
}

func TestCheck(t *testing.T) {
	const changes = "sink/a.go:2: sink changes the package variable v: state has one owner, which is a value"

	for _, tt := range []struct {
		name string
		file string // "core/a.go", with the body below
		body string
		want string // "" for nothing
	}{
		{"a package may import what its entry lists", "core/a.go", `import "house/alert"`, ""},
		{
			"a package may not import what its entry does not list", "alert/a.go", `import "house/core"`,
			"alert/a.go:2: alert imports house/core, the map allows it of this module: diag, secret",
		},
		{
			"the message names all that the map allows", "core/a.go", `import "house/sink"`,
			"core/a.go:2: core imports house/sink, the map allows it of this module: alert, diag, secret",
		},
		{"every package may import the leaves", "alert/a.go", `import ("house/diag"; "house/secret")`, ""},
		{
			"a leaf imports none of ours, not even a leaf", "diag/a.go", `import "house/secret"`,
			"diag/a.go:2: diag imports house/secret, the map allows it of this module: nothing",
		},
		{
			"main may import cli and nothing else", "main.go", `import ("house/cli"; "house/core")`,
			"main.go:2: main imports house/core, the map allows it of this module: cli, diag, secret",
		},
		{"three dots are all packages", "cli/a.go", `import ("house/core"; "house/sink/slack")`, ""},
		{
			"three dots are no helpers of tests", "cli/a.go", `import "house/coretest"`,
			"cli/a.go:2: cli imports house/coretest, the map allows it of this module: ..., diag, secret",
		},
		{"a star is an entry for all directly below", "sink/slack/a.go", `import ("house/sink"; "golang.org/x/time/rate")`, ""},
		{"a star allows all directly below", "top/a.go", `import "house/sink/slack"`, ""},
		{
			"a star does not allow what it is below", "top/a.go", `import "house/sink"`,
			"top/a.go:2: top imports house/sink, the map allows it of this module: sink/*, diag, secret",
		},
		{
			"one sink may not import another", "sink/slack/a.go", `import "house/sink/mail"`,
			"sink/slack/a.go:2: sink/slack imports house/sink/mail, the map allows it of this module: sink, diag, secret",
		},
		{
			"a package that is not on the map is told to go there", "new/a.go", ``,
			"new/a.go:1: package new is not on the map: put it there, with what it may import (internal/archtest/map.go)",
		},
		{"a helper of tests may import anything", "coretest/a.go", `import ("house/cli"; "os"; "github.com/google/go-cmp/cmp")`, ""},
		{"a helper of tests below a star is one all the same", "sink/sinktest/a.go", `import "house/cli"`, ""},
		{"tests may import anything", "core/a_test.go", `import ("house/cli"; "os")`, ""},

		{"others are allowed where the entry lists them", "cli/a.go", `import "github.com/alecthomas/kong"`, ""},
		{"others are allowed with all below them", "cli/a.go", `import "github.com/alecthomas/kong/internal"`, ""},
		{
			"a longer name is not below a shorter one", "cli/a.go", `import "github.com/alecthomas/kong2"`,
			"cli/a.go:2: cli imports github.com/alecthomas/kong2, the map allows it of others: github.com/alecthomas/kong",
		},
		{
			"others are not allowed elsewhere", "sink/a.go", `import "github.com/alecthomas/kong"`,
			"sink/a.go:2: sink imports github.com/alecthomas/kong, the map allows it of others: nothing",
		},
		{"flags belong to commands", "sink/a.go", `import "flag"`, "sink/a.go:2: sink imports flag, which only commands may"},
		{"which may have them", "cli/a.go", `import "flag"`, ""},

		{"a pure package may not do I/O", "core/a.go", `import "os"`, "core/a.go:2: core imports os, but it is pure: no clock, no I/O, no dice"},
		{"nor with what is below", "core/a.go", `import "os/exec"`, "core/a.go:2: core imports os/exec, but it is pure: no clock, no I/O, no dice"},
		{"nor reach the network", "core/a.go", `import "net"`, "core/a.go:2: core imports net, but it is pure: no clock, no I/O, no dice"},
		{"nor speak HTTP", "core/a.go", `import "net/http"`, "core/a.go:2: core imports net/http, but it is pure: no clock, no I/O, no dice"},
		{"nor have a database", "core/a.go", `import "database/sql"`, "core/a.go:2: core imports database/sql, but it is pure: no clock, no I/O, no dice"},
		{"nor log", "core/a.go", `import "log/slog"`, "core/a.go:2: core imports log/slog, but it is pure: no clock, no I/O, no dice"},
		{"nor roll dice", "core/a.go", `import "math/rand/v2"`, "core/a.go:2: core imports math/rand/v2, but it is pure: no clock, no I/O, no dice"},
		{"nor make system calls", "core/a.go", `import "syscall"`, "core/a.go:2: core imports syscall, but it is pure: no clock, no I/O, no dice"},
		{"a pure package may take URLs apart", "core/a.go", `import "net/url"`, ""},
		{
			"a pure package does not read the clock", "core/a.go", `import "time"; func f() time.Time { return time.Now() }`,
			"core/a.go:2: core uses time.Now, but it is pure: time is an argument",
		},
		{
			"under no other name", "core/a.go", `import chrono "time"; func f() { chrono.Sleep(1) }`,
			"core/a.go:2: core uses time.Sleep, but it is pure: time is an argument",
		},
		{
			"nor hand the clock on", "core/a.go", `import "time"; var clock = time.Now`,
			"core/a.go:2: core uses time.Now, but it is pure: time is an argument",
		},
		{
			"nor wait with a context", "core/a.go", `import "context"; func f(c context.Context) { context.WithTimeout(c, 1) }`,
			"core/a.go:2: core uses context.WithTimeout, but it is pure: time is an argument",
		},
		{
			"nor ask for the machine's time zone", "core/a.go", `import "time"; var zone = time.Local`,
			"core/a.go:2: core uses time.Local, but it is pure: time is an argument",
		},
		{"a pure package may reckon with times", "core/a.go", `import "time"; func f(t time.Time) time.Time { return t.Add(time.Second) }`, ""},
		{"a variable called time is not the clock", "core/a.go", `func f(time struct{ Now func() int }) int { return time.Now() }`, ""},
		{"a pure package starts no goroutine", "core/a.go", `func f() { go f() }`, "core/a.go:2: core starts a goroutine, but it is pure"},
		{"the shell may do all of that", "sink/a.go", `import ("os"; "time"); func f() { go f(); _ = time.Now(); _ = os.Stdout }`, ""},

		{"no package has an init function", "sink/a.go", `func init() {}`, "sink/a.go:2: sink has an init function: call it where it is needed"},
		{"a method may be called init", "sink/a.go", `type t int; func (t) init() {}`, ""},
		{"a package variable is set once", "sink/a.go", `var v = 1`, ""},
		{"and not again", "sink/a.go", `var v = 1; func f() { v = 2 }`, changes},
		{"nor counted up", "sink/a.go", `var v int; func f() { v++ }`, changes},
		{"nor added to", "sink/a.go", `var v int; func f() { v += 2 }`, changes},
		{"nor ranged over", "sink/a.go", `var v int; func f() { for v = range 3 {} }`, changes},
		{"nor changed in a part", "sink/a.go", `var v = map[string][]int{}; func f() { v["a"][0] = 1 }`, changes},
		{"nor in a field, through a pointer", "sink/a.go", `var v = &struct{ n int }{}; func f() { (*v).n = 1 }`, changes},
		{"nor to what cannot be resolved here", "sink/a.go", `import "os"; var v any; func f() { v = os.Args[1] }`, changes},
		{"a local variable of the same name may change", "sink/a.go", `var v = 1; func f() { v := v; v = 2; _ = v }`, ""},
		{"a field of the same name may change", "sink/a.go", `var v = 1; type t struct{ v int }; func (t *t) f() { t.v = 2 }`, ""},
		{
			"the variables of other packages do not change either", "sink/a.go", `import "net/http"; func f() { http.DefaultClient = nil }`,
			"sink/a.go:2: sink changes a variable of package net/http",
		},

		{"what the go command ignores is not judged", "core/testdata/a.go", `import "os"`, ""},
		{"nor what begins with an underscore", "core/_a.go", `import "os"`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			findings, err := archtest.Check(fstest.MapFS{
				"go.mod":  {Data: []byte("module house\n\ngo 1.26\n")},
				tt.file:   {Data: []byte("package p\n" + tt.body + "\n")},
				"doc.txt": {Data: []byte("no Go")},
			}, house)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range findings {
				got = append(got, f.String())
			}
			if got := strings.Join(got, "\n"); got != tt.want {
				t.Errorf("findings:\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestCheckSeesAWholePackage(t *testing.T) {
	findings, err := archtest.Check(fstest.MapFS{
		"go.mod":        {Data: []byte("module house\n")},
		"sink/a.go":     {Data: []byte("package sink\n\nvar v = 1\n")},
		"sink/b.go":     {Data: []byte("package sink\n\nfunc f() {\n\tv = 2\n}\n")},
		"sink/a/a.go":   {Data: []byte("package a\n\nimport \"os\"\n\nfunc init() {}\n")},
		"tools/go.mod":  {Data: []byte("module tools\n")},
		"tools/tool.go": {Data: []byte("package tools\n\nfunc init() {}\n")},
	}, house)
	if err != nil {
		t.Fatal(err)
	}
	want := []archtest.Finding{
		{File: "sink/a/a.go", Line: 5, Text: "sink/a has an init function: call it where it is needed"},
		{File: "sink/b.go", Line: 4, Text: "sink changes the package variable v: state has one owner, which is a value"},
	}
	if diff := cmp.Diff(want, findings); diff != "" {
		t.Errorf("findings of a package in two files, with a module inside the module (-want +got):\n%s", diff)
	}
}

func TestCheckErrors(t *testing.T) {
	for _, tt := range []struct {
		name   string
		module fstest.MapFS
		want   string
	}{
		{
			"a source that cannot be parsed",
			fstest.MapFS{"go.mod": {Data: []byte("module house\n")}, "a.go": {Data: []byte("package")}},
			"a.go:1:8: expected 'IDENT', found 'EOF'",
		},
		{"no module", fstest.MapFS{}, "open go.mod: file does not exist"},
		{"a module without a name", fstest.MapFS{"go.mod": {}}, "go.mod: no module line"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := archtest.Check(tt.module, house)
			if err == nil || err.Error() != tt.want {
				t.Errorf("Check: got error %v, want %s", err, tt.want)
			}
		})
	}
}
