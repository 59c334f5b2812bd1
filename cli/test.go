package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"watchdog/config"
	"watchdog/diag"
	"watchdog/rules/ruletest"
	"watchdog/snapshot"
)

type testCommand struct {
	Output string         `short:"o" enum:"text,json,jsonl,yaml" default:"text" help:"text, or json, jsonl, yaml: one object for each test."`
	JUnit  string         `complete:"file" name:"junit" placeholder:"FILE" help:"Write the results as JUnit XML too."`
	Only   *regexp.Regexp `name:"run" placeholder:"REGEXP" help:"Run only the tests whose name fits."`
	Files  []string       `complete:"file" arg:"" optional:"" name:"file" help:"Rule tests, or globs (default *_test.yaml beside the config)."`
}

// tested is one test that was run.
type tested struct {
	file     string
	line     int
	name     string
	failures []located
	elapsed  time.Duration
}

// located is a failure with the line of what was expected.
type located struct {
	ruletest.Failure
	line int
}

// Run runs the tests of all files. Tests that fail exit with 1, files that are wrong with 2.
func (c *testCommand) Run(s *session) error {
	paths, err := c.paths(s)
	if err != nil {
		fmt.Fprintf(s.Stderr, "watchdog: %v\n", err)
		return exit(exitUsage)
	}
	runner := testRunner{
		session: s, only: c.Only, plans: map[string]ruletest.Plan{}, recordings: map[string][]*snapshot.Snapshot{},
	}
	var all []tested
	var wrong diag.List
	for _, path := range paths {
		results, list := runner.file(path)
		all = append(all, results...)
		for _, d := range list {
			if d.Level != diag.Lint && !slices.Contains(wrong, d) { // two files may test one config
				wrong = append(wrong, d)
			}
		}
	}
	for _, d := range wrong {
		fmt.Fprint(s.Stderr, d.Pretty())
	}
	if err := c.report(s, all, wrong); err != nil {
		return err
	}
	failed := 0
	for _, t := range all {
		if len(t.failures) > 0 {
			failed++
		}
	}
	fmt.Fprintf(s.Stderr, "%s in %s, %d failed\n", count(len(all), "test"), count(len(paths), "file"), failed)
	switch {
	case len(wrong) > 0:
		return exit(exitUsage)
	case failed > 0:
		return exit(exitFailed)
	case c.Only != nil && len(all) == 0:
		return fmt.Errorf("no test has a name that fits --run %s", c.Only)
	}
	return nil
}

// paths are the files to run, in order, each once.
func (c *testCommand) paths(s *session) ([]string, error) {
	patterns := c.Files
	if len(patterns) == 0 {
		patterns = []string{filepath.Join(filepath.Dir(s.configPath), "*_test.yaml")}
	}
	var paths []string
	for _, pattern := range patterns {
		found := []string{pattern}
		if strings.ContainsAny(pattern, "*?[") {
			var err error
			if found, err = filepath.Glob(pattern); err != nil {
				return nil, fmt.Errorf("%s is not a pattern of files: close every [", pattern)
			}
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("no file matches %s", pattern)
		}
		for _, path := range found {
			if !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
		}
	}
	return paths, nil
}

// report prints what was found, and writes it for others.
func (c *testCommand) report(s *session, all []tested, wrong diag.List) error {
	if c.JUnit != "" {
		if err := writeJUnit(c.JUnit, all, wrong); err != nil {
			return fmt.Errorf("write %s: %w", c.JUnit, err)
		}
	}
	if c.Output != "text" {
		return printTestObjects(s.Stdout, c.Output, all)
	}
	return printTests(s.Stdout, all)
}

// printTests prints a line for each file and test, and below one that failed what was expected
// and what there was.
func printTests(w io.Writer, all []tested) error {
	var b strings.Builder
	for len(all) > 0 {
		n := slices.IndexFunc(all, func(t tested) bool { return t.file != all[0].file })
		if n < 0 {
			n = len(all)
		}
		printFile(&b, all[:n])
		all = all[n:]
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printFile prints the tests of one file.
func printFile(b *strings.Builder, tests []tested) {
	failed := slices.ContainsFunc(tests, func(t tested) bool { return len(t.failures) > 0 })
	fmt.Fprintf(b, "%-4s  %s\n", passFail(failed), tests[0].file)
	for _, t := range tests {
		fmt.Fprintf(b, "  %-4s  %s\n", passFail(len(t.failures) > 0), oneLine(t.name))
		for _, f := range t.failures {
			fmt.Fprintf(b, "        %s:%d: %s", t.file, f.line, indentedBy(8, f.String()))
		}
	}
}

func passFail(failed bool) string {
	if failed {
		return "FAIL"
	}
	return "ok"
}

// indentedBy indents all lines but the first and those that are empty.
func indentedBy(n int, text string) string {
	lines := strings.SplitAfter(text, "\n")
	for i := 1; i < len(lines); i++ {
		if strings.TrimSpace(lines[i]) != "" {
			lines[i] = strings.Repeat(" ", n) + lines[i]
		}
	}
	return strings.Join(lines, "")
}

// testRunner runs files of tests. What several of them need is read once.
type testRunner struct {
	*session
	only       *regexp.Regexp
	plans      map[string]ruletest.Plan
	recordings map[string][]*snapshot.Snapshot // by path
}

// file runs the tests of one file. Where anything is wrong with it or its config, none is run.
func (r *testRunner) file(path string) ([]tested, diag.List) {
	var f ruletest.File
	decoded := config.DecodeFile(config.Options{Path: path, Env: r.Env}, &f)
	plan, list := r.plan(path, &f, decoded)
	plan.Recording = func(recording string) ([]*snapshot.Snapshot, error) {
		if !filepath.IsAbs(recording) {
			recording = filepath.Join(filepath.Dir(path), recording)
		}
		return r.recording(recording)
	}
	tests, problems := ruletest.Compile(&f, &plan)
	for _, p := range problems {
		decoded.Problem(p)
	}
	if list = append(decoded.Diagnostics(), list...); list.Failed() {
		return nil, list
	}
	var results []tested
	for _, t := range tests {
		if r.only != nil && !r.only.MatchString(t.Name) {
			continue
		}
		began := time.Now()
		result := tested{file: path, line: decoded.Line(t.Path), name: t.Name}
		for _, failure := range t.Run() {
			result.failures = append(result.failures, located{failure, decoded.Line(failure.Path)})
		}
		result.elapsed = time.Since(began)
		results = append(results, result)
	}
	return results, nil
}

// plan is what a file runs against: the rules and routes of its config, or files of rules.
func (r *testRunner) plan(path string, f *ruletest.File, decoded *config.Beside) (ruletest.Plan, diag.List) {
	if f.Config != "" && f.Rules != nil {
		decoded.Problem(diag.Problemf("rules", "name them under include: in the config", "a file tests a config, or files of rules"))
		return emptyPlan(), nil
	}
	o := config.Options{Path: path, Env: func(name string) (string, bool) {
		if value, ok := f.Env[name]; ok {
			return value, true
		}
		return r.Env(name)
	}}
	if f.Rules != nil {
		return rulesPlan(o, f.Rules)
	}
	o.Path = cmp.Or(f.Config, r.configPath)
	if f.Config != "" && !filepath.IsAbs(f.Config) {
		o.Path = filepath.Join(filepath.Dir(path), f.Config)
	}
	if f.Config != "" && r.configSaid && !sameFile(absolute(o.Path), r.configPath) {
		decoded.Problem(diag.Problemf("config", "leave out one of them",
			"this file tests a config that it names itself, so --config %s would not count", r.configPath))
		return emptyPlan(), nil
	}
	key := fmt.Sprint(o.Path, f.Env)
	if p, ok := r.plans[key]; ok {
		return p, nil
	}
	if _, err := os.Stat(o.Path); errors.Is(err, os.ErrNotExist) {
		hint := "the path counts from the folder of this file"
		if f.Config == "" {
			hint = "name another, as config: watchdog.yaml, or files of rules, as rules: [rules.yaml]"
		}
		decoded.Problem(diag.Problemf("config", hint, "there is no config %s", o.Path))
		return emptyPlan(), nil
	}
	p, list := configPlan(o)
	if !list.Failed() {
		r.plans[key] = p
	}
	return p, list
}
