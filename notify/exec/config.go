package exec

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"watchdog/diag"
	"watchdog/secret"
)

// Config is a command as it is written in YAML.
type Config struct {
	// Command is a program and its arguments. No shell reads them.
	Command []string `yaml:"command"`
	// Env is added to the environment, which has little else of Watchdog's own. Values are
	// secrets.
	Env map[string]secret.String `yaml:"env"`
}

// Empty reports whether there is nothing to run.
func (c Config) Empty() bool { return len(c.Command) == 0 || c.Command[0] == "" }

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Problems are the mistakes in c.
func (c Config) Problems() []diag.Problem {
	var all []diag.Problem
	if c.Empty() {
		all = append(all, diag.Problemf("command", "write the program and its arguments, as [/usr/local/bin/tell, --loud]", "command is missing"))
	}
	for i, arg := range c.Command {
		if strings.ContainsRune(arg, 0) {
			all = append(all, diag.Problemf(fmt.Sprintf("command[%d]", i), "", "an argument cannot hold a zero byte"))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		switch {
		case !envName.MatchString(name):
			all = append(all, diag.Problemf("env."+name, "use letters, digits and _", "%q is not the name of a variable", name))
		case strings.HasPrefix(name, prefix):
			all = append(all, diag.Problemf("env."+name, "use another name", "variables that begin with %s are Watchdog's own", prefix))
		case strings.ContainsRune(c.Env[name].Reveal(), 0):
			all = append(all, diag.Problemf("env."+name, "", "the value of %s holds a zero byte", name))
		}
	}
	return all
}
