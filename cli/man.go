package cli

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

type manCommand struct{}

// Run prints the manual page, for man(1): all commands with all their flags, as --help has them.
func (manCommand) Run(s *session, app *kong.Kong) error {
	m := manual{}
	m.page(app.Model)
	_, err := s.Stdout.Write(m.Bytes())
	return err
}

// manual is a page under way, in the language of man(7).
type manual struct {
	bytes.Buffer
	begun bool // a section, which has no paragraph yet
}

func (m *manual) page(app *kong.Application) {
	fmt.Fprintf(m, ".TH WATCHDOG 1 \"\" \"watchdog %s\" \"User Commands\"\n", escaped(thisBuild().Version))
	m.section("Name")
	m.text("watchdog \\- watches CouchDB replication and tells the people on call")
	m.section("Synopsis")
	m.text("\\fBwatchdog\\fR \\fICOMMAND\\fR [\\fIflags\\fR] [\\fIarguments\\fR]")
	m.section("Description")
	m.text(escaped(app.Help))
	m.text("Data goes to standard output, everything else to standard error.")
	m.section("Options of every command")
	for _, f := range app.Flags {
		m.flag(f)
	}
	m.section("Commands")
	for _, leaf := range app.Leaves(true) {
		m.command(leaf)
	}
	m.section("Exit status")
	m.text("0: done. 1: failed. 2: wrong usage, or a bad config. \\fBwatchdog once\\fR exits as a Nagios plugin does: 0 ok, 1 warning, 2 critical, 3 unknown. \\fBwatchdog follow\\fR exits with 0 when the replication has completed, and with 1 when it has failed.")
	m.section("Files")
	m.item("watchdog.yaml", "The config. It is a YAML file with a schema, which \\fBwatchdog schema\\fR prints.")
	m.item("watchdog.db", "What is remembered, an SQLite file; \\fBstore\\fR in the config names another.")
	m.section("Environment")
	m.item("WATCHDOG_CONFIG", "The config file, where \\-\\-config does not say.")
	m.item("NO_COLOR", "Anything in it: no colours, on a terminal either.")
	m.text("A config may read any other variable, as ${NAME}.")
}

func (m *manual) command(n *kong.Node) {
	usage := "\\fBwatchdog " + escaped(strings.TrimPrefix(n.FullPath(), "watchdog ")) + "\\fR"
	for _, p := range n.Positional {
		usage += " \\fI" + escaped(p.Summary()) + "\\fR"
	}
	fmt.Fprintf(m, ".SS %s\n", usage)
	m.begun = true
	m.text(escaped(n.Help))
	if n.Detail != "" {
		fmt.Fprintf(m, ".PP\n.nf\n%s\n.fi\n", escaped(n.Detail))
	}
	for _, p := range n.Positional {
		m.item(strings.Trim(p.Summary(), "<>[] ."), escaped(p.Help))
	}
	for _, f := range n.Flags {
		if !f.Hidden {
			m.flag(f)
		}
	}
}

func (m *manual) flag(f *kong.Flag) {
	name := "--" + f.Name
	if f.Short != 0 {
		name = "-" + string(f.Short) + ", " + name
	}
	if !f.IsBool() {
		name += " " + f.FormatPlaceHolder()
	}
	m.item(name, escaped(f.Help))
}

func (m *manual) section(title string) {
	fmt.Fprintf(m, ".SH %s\n", strings.ToUpper(title))
	m.begun = true
}

func (m *manual) text(text string) {
	if !m.begun {
		m.WriteString(".PP\n")
	}
	m.begun = false
	m.WriteString(text + "\n")
}

func (m *manual) item(name, text string) {
	m.begun = false
	fmt.Fprintf(m, ".TP\n\\fB%s\\fR\n%s\n", escaped(name), text)
}

// escaped is text that means nothing to roff: no line of it is a request, no dash a hyphen.
func escaped(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n.", "\n\\&.", "\n'", "\n\\&'").Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
