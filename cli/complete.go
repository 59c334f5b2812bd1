package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"watchdog/config"
)

// completeCommand is what the scripts of `watchdog completion` call at each press of Tab.
type completeCommand struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

// filesWanted is a line that asks the shell for names of files.
const filesWanted = ":files"

// Run prints what may stand in the place of the last word, a line each, with a tab and what it
// means behind it. Whatever goes wrong, there is nothing to print: nobody reads errors there.
func (c *completeCommand) Run(s *session, app *kong.Kong) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	for _, line := range complete(app.Model.Node, words, s.named) {
		fmt.Fprintln(s.Stdout, line)
	}
	return nil
}

// named are the names of one kind in the config: servers, rules or sinks.
func (s *session) named(kind, path string) []string {
	if path == "" {
		path = s.configPath
	}
	cfg, _ := config.Load(config.Options{Path: path, Env: s.Env})
	if cfg == nil {
		return nil
	}
	var names []string
	switch kind {
	case "server":
		for i := range cfg.Servers {
			names = append(names, cfg.Servers[i].Name)
		}
	case "rule":
		for _, r := range cfg.Rules {
			names = append(names, r.Name)
		}
	case "sink":
		for i := range cfg.Sinks {
			names = append(names, cfg.Sinks[i].Name)
		}
	}
	return names
}

// complete gives what may stand in the place of the last of words, which may be empty. Named gives
// the names of a kind in the config at a path, "" for the default.
func complete(top *kong.Node, words []string, named func(kind, path string) []string) []string {
	if len(words) == 0 {
		words = []string{""}
	}
	at := place{node: top}
	for _, word := range words[:len(words)-1] {
		at.pass(word)
	}
	last := words[len(words)-1]
	values := func(v *kong.Value, before string) []string {
		switch kind := v.Tag.Get("complete"); {
		case v.Enum != "":
			return fitting(v.EnumSlice(), before, last)
		case kind == "file":
			return []string{filesWanted}
		case kind != "":
			return fitting(named(kind, at.config), before, last)
		}
		return nil
	}
	name, _, assigned := strings.Cut(last, "=")
	switch {
	case at.wants != nil:
		return values(at.wants.Value, "")
	case !at.literal && assigned && strings.HasPrefix(name, "-"):
		if f := at.flag(name); f != nil {
			return values(f.Value, name+"=")
		}
		return nil
	case !at.literal && strings.HasPrefix(last, "-"):
		return at.flags(last)
	case len(at.node.Children) > 0:
		return at.commands(last)
	default:
		if v := at.positional(); v != nil {
			return values(v, "")
		}
		return nil
	}
}

// place is how far a command line has come.
type place struct {
	node    *kong.Node
	wants   *kong.Flag // whose value comes next
	literal bool       // after a --
	passed  int        // positional arguments
	config  string     // the value of --config
}

// pass goes over one whole word.
func (p *place) pass(word string) {
	switch name, value, assigned := strings.Cut(word, "="); {
	case p.wants != nil:
		p.keep(p.wants, word)
		p.wants = nil
	case p.literal || !strings.HasPrefix(word, "-") || word == "-":
		for _, child := range p.node.Children {
			if child.Name == word || slices.Contains(child.Aliases, word) {
				p.node = child
				return
			}
		}
		p.passed++
	case word == "--":
		p.literal = true
	default:
		f := p.flag(name)
		switch {
		case f == nil || f.IsBool() || f.IsCounter():
		case assigned:
			p.keep(f, value)
		default:
			p.wants = f
		}
	}
}

func (p *place) keep(f *kong.Flag, value string) {
	if f.Name == "config" {
		p.config = value
	}
}

// flag is that of a name with its dashes, nil if there is none.
func (p *place) flag(name string) *kong.Flag {
	for _, group := range p.node.AllFlags(true) {
		for _, f := range group {
			if name == "--"+f.Name || f.Short != 0 && name == "-"+string(f.Short) {
				return f
			}
		}
	}
	return nil
}

func (p *place) flags(last string) []string {
	var all []string
	for _, group := range p.node.AllFlags(true) {
		for _, f := range group {
			if strings.HasPrefix("--"+f.Name, last) {
				all = append(all, "--"+f.Name+"\t"+f.Help)
			}
		}
	}
	return all
}

func (p *place) commands(last string) []string {
	var all []string
	for _, child := range p.node.Children {
		if !child.Hidden && strings.HasPrefix(child.Name, last) {
			all = append(all, child.Name+"\t"+child.Help)
		}
	}
	return all
}

// positional is the argument that comes next; the last may be repeated.
func (p *place) positional() *kong.Positional {
	all := p.node.Positional
	switch {
	case p.passed < len(all):
		return all[p.passed]
	case len(all) > 0 && all[len(all)-1].IsSlice():
		return all[len(all)-1]
	}
	return nil
}

// fitting are the words that begin as the last one does, behind what stands before them there.
func fitting(words []string, before, last string) []string {
	var all []string
	for _, word := range words {
		if word = before + word; strings.HasPrefix(word, last) {
			all = append(all, word)
		}
	}
	return all
}
