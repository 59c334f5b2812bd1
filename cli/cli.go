// Package cli is the command line as a library: one file per command. It is the only package
// that sees both sides of every interface, and the only one that knows of flags, exit codes and
// terminals.
//
// Data goes to stdout, everything else to stderr. A command exits with 0 when done, 1 when it
// failed, 2 for wrong usage or a bad config; `once` has codes of its own.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"watchdog/config"
	"watchdog/diag"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// IO is what a command has of the world beside files and the network.
type IO struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Env looks up a variable of the environment.
	Env func(string) (string, bool)
}

// System is the process's own.
func System() IO {
	return IO{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.LookupEnv}
}

// colored reports whether w is a terminal that wants colours (https://no-color.org).
func (s IO) colored(w io.Writer) bool {
	if no, _ := s.Env("NO_COLOR"); no != "" {
		return false
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// commands are the command line as kong reads it.
type commands struct {
	Config string `short:"c" default:"watchdog.yaml" env:"WATCHDOG_CONFIG" complete:"file" placeholder:"FILE" help:"The config file (default ${default})."`

	Run        runCommand        `cmd:"" help:"Watch, and tell: the daemon."`
	Demo       demoCommand       `cmd:"" help:"Watch a simulated server whose replications fail, crash, hang and recover: see what Watchdog does."`
	Check      checkCommand      `cmd:"" help:"Check the config: all mistakes and lints at once."`
	Once       onceCommand       `cmd:"" help:"Run every check once and say what is wrong; exit 0 ok, 1 warning, 2 critical, 3 unknown."`
	Record     recordCommand     `cmd:"" help:"Append snapshots to a recording as they are taken."`
	Replay     replayCommand     `cmd:"" help:"Run recorded snapshots through the rules and print what would have been told."`
	Alerts     alertsCommand     `cmd:"" help:"List what is pending and firing."`
	Explain    explainCommand    `cmd:"" help:"Say for one replication why each rule does or does not fire, and who was told."`
	Silence    silenceCommand    `cmd:"" help:"Mute alerts for a while."`
	Ack        ackCommand        `cmd:"" help:"Say that you have an alert: no reminders, no escalation, until it resolves."`
	Deliveries deliveriesCommand `cmd:"" help:"What is on its way to people."`
	Replicas   replicasCommand   `cmd:"" help:"Say which replica watches which server and tells which sink, since when."`
	Sink       sinkCommand       `cmd:"" help:"Try a sink."`
	Message    messageCommand    `cmd:"" help:"Render what would be sent if a rule fired."`
	Test       testCommand       `cmd:"" help:"Run the tests of rules, in YAML beside them."`
	ShowConfig configCommand     `cmd:"" name:"config" help:"Show the config."`
	Store      storeCommand      `cmd:"" help:"Move what is remembered to another store."`
	Schema     schemaCommand     `cmd:"" help:"Print the JSON Schema of the config, for editors."`

	Docs      docsCommand      `cmd:"" help:"List the documents of the replicator databases, as the scheduler sees them."`
	Jobs      jobsCommand      `cmd:"" help:"List the jobs of the scheduler."`
	Doc       docCommand       `cmd:"" help:"Show one replication: its error in full, its history, its rates, its next try."`
	Job       jobCommand       `cmd:"" help:"Show one job."`
	Errors    errorsCommand    `cmd:"" help:"List every failing replication, grouped by cause."`
	Follow    followCommand    `cmd:"" help:"Follow one replication until it completes (exit 0) or fails (exit 1)."`
	Replicate replicateCommand `cmd:"" help:"Create a replication."`
	Stop      stopCommand      `cmd:"" help:"Delete a replication."`
	Restart   restartCommand   `cmd:"" help:"Start a replication that failed anew."`

	Version    versionCommand    `cmd:"" help:"Print the version."`
	Completion completionCommand `cmd:"" help:"Print a script that completes command lines in your shell."`
	Man        manCommand        `cmd:"" help:"Print the manual page."`
	Complete   completeCommand   `cmd:"" hidden:""`
}

// session is what a command's Run method gets.
type session struct {
	IO
	ctx        context.Context
	configPath string
	configSaid bool // by a flag, not by the environment or the default
}

// exit is an error that is a code: all there was to say has been said.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// Main runs one command line and gives its exit code. It ends soon after ctx does.
func Main(ctx context.Context, args []string, io IO) int {
	var cmds commands
	stopped := -1
	parser := kong.Must(&cmds,
		kong.Name("watchdog"),
		kong.Description("Watchdog watches CouchDB replication and tells the people on call.\n\nWhere the config names no server, each command starts a simulated one of its own, which ends with it."),
		kong.Writers(io.Stdout, io.Stderr),
		kong.Exit(func(code int) { stopped = code; panic(exit(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parse(parser, args)
	switch {
	case stopped >= 0:
		return stopped
	case err != nil:
		fmt.Fprintf(io.Stderr, "watchdog: %v\ntry: %s --help\n", err, calledAs(err))
		return exitUsage
	}
	said := slices.ContainsFunc(parsed.Path, func(p *kong.Path) bool { return p.Flag != nil && p.Flag.Name == "config" })
	err = parsed.Run(&session{IO: io, ctx: ctx, configPath: cmds.Config, configSaid: said}, parser)
	var code exit
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &code):
		return int(code)
	default:
		fmt.Fprintf(io.Stderr, "watchdog: %v\n", err)
		return exitFailed
	}
}

// parse catches the exit that kong takes for --help.
func parse(parser *kong.Kong, args []string) (parsed *kong.Context, err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(exit); !ok {
				panic(r)
			}
		}
	}()
	return parser.Parse(args)
}

// calledAs is as much of the command line as names a command: "watchdog silence add".
func calledAs(err error) string {
	words := []string{"watchdog"}
	var wrong *kong.ParseError
	if errors.As(err, &wrong) && wrong.Context != nil {
		for _, p := range wrong.Context.Path {
			if p.Command != nil {
				words = append(words, p.Command.Name)
			}
		}
	}
	return strings.Join(words, " ")
}

// load reads the config. Mistakes go to stderr and end the command.
func (s *session) load(path string) (*config.Config, error) {
	c, found := config.Load(config.Options{Path: path, Env: s.Env})
	if c == nil {
		return nil, s.badConfig(found)
	}
	return c, nil
}

// badConfig prints mistakes, and ends the command.
func (s *session) badConfig(found diag.List) error {
	for _, d := range mistakes(found) {
		fmt.Fprint(s.Stderr, d.Pretty())
	}
	return exit(exitUsage)
}
