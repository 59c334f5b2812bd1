package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"watchdog/alert"
	"watchdog/diag"
	"watchdog/notify"
	"watchdog/rules"
	"watchdog/web"
)

type silenceCommand struct {
	Add    silenceAddCommand    `cmd:"" help:"Mute the alerts that fit, for a while."`
	List   silenceListCommand   `cmd:"" help:"List the silences that have not ended."`
	Expire silenceExpireCommand `cmd:"" help:"End a silence now."`
}

type silenceAddCommand struct {
	deskFlags
	For     lasting  `required:"" placeholder:"DURATION" help:"How long: 30m, 2h, 1d."`
	Comment string   `help:"Why."`
	By      string   `env:"USER" help:"Who says so (default $$USER)."`
	Match   []string `arg:"" name:"label=glob" help:"Labels that must all fit: rule, severity, server, database, doc_id, state, source, target, or an alert's own."`
}

// lasting is a duration as the config writes it.
type lasting struct{ time.Duration }

// Decode reads 30m, 2h or 1d. It takes what looks like a flag too, to say of -1h what is wrong.
func (l *lasting) Decode(c *kong.DecodeContext) (err error) {
	text, _ := c.Scan.Pop().Value.(string) // "" at the end of the line
	if l.Duration, err = rules.ParseDuration(text); err == nil && l.Duration == 0 {
		err = fmt.Errorf("%q is no time at all: write it like 30m, 2h or 1d", text)
	}
	return err
}

// Run adds a silence, which a running daemon heeds at once, or within seconds where it is not
// reached.
func (c *silenceAddCommand) Run(s *session) error {
	match, err := readMatch(c.Match)
	if err != nil {
		return s.usage(err)
	}
	begin := now()
	one := &notify.Silence{
		Match: match, StartsAt: begin, EndsAt: begin.Add(c.For.Duration), CreatedBy: cmp.Or(c.By, "somebody"), Comment: c.Comment,
	}
	if wrong := one.Problems(begin); len(wrong) > 0 {
		return s.usage(fieldErrors(wrong))
	}
	return c.use(s, func(d desk) error {
		made, err := d.silence(s.ctx, one)
		if err != nil {
			return err
		}
		for _, warning := range made.Warnings {
			fmt.Fprintf(s.Stderr, "watchdog: this silence may mute nothing: %s\n", warning)
		}
		_, err = fmt.Fprintln(s.Stdout, made.ID)
		return err
	})
}

// fieldErrors are mistakes on the command line, by the fields that they become.
func fieldErrors(problems []diag.Problem) error {
	var all []error
	for _, p := range problems {
		all = append(all, fmt.Errorf("%s: %s; %s", p.Field, p.Message, p.Hint))
	}
	return errors.Join(all...)
}

func readMatch(words []string) (map[string][]string, error) {
	match := map[string][]string{}
	for _, word := range words {
		label, glob, found := strings.Cut(word, "=")
		if !found || label == "" {
			return nil, fmt.Errorf("%q does not say which label must be what: write it like doc_id=orders or rule=replication-*", word)
		}
		match[label] = append(match[label], glob)
	}
	return match, nil
}

type silenceListCommand struct {
	format
	deskFlags
}

// Run lists the silences that have not ended.
func (c *silenceListCommand) Run(s *session) error {
	return c.use(s, func(d desk) error {
		all, err := d.silences(s.ctx)
		if err != nil {
			return err
		}
		return printList(s.Stdout, c.Output, append([]notify.Silence{}, all...), silenceCells)
	})
}

func silenceCells(one *notify.Silence) string {
	return fmt.Sprintf("%s\t%s\tuntil %s\tby %s\t%s", one.ID, alert.MatchWords(one.Match), one.EndsAt.Format(time.RFC3339), one.CreatedBy, oneLine(one.Comment))
}

type silenceExpireCommand struct {
	deskFlags
	ID string `arg:"" help:"The silence, as list shows it."`
}

// Run ends a silence: what it muted and still fires is told then. One that has ended stays so.
func (c *silenceExpireCommand) Run(s *session) error {
	return c.use(s, func(d desk) error { return d.expire(s.ctx, c.ID) })
}

type ackCommand struct {
	deskFlags
	Comment string `help:"What you do about it."`
	By      string `env:"USER" help:"Who has it (default $$USER)."`
	Rule    string `complete:"rule" placeholder:"NAME" help:"Only the alert of this rule."`
	Server  string `complete:"server" placeholder:"NAME" help:"Only alerts of this server."`
	Undo    bool   `help:"Give it back: people are reminded again."`
	Alert   string `arg:"" help:"The alert's fingerprint, or the document it is about."`
}

// Run says that somebody has the alerts that fire for a document: nobody is reminded of them,
// and they are not escalated, until they resolve.
func (c *ackCommand) Run(s *session) error {
	ack := notify.Ack{By: cmp.Or(c.By, "somebody"), At: now(), Comment: c.Comment}
	if wrong := ack.Problems(); len(wrong) > 0 {
		return s.usage(fieldErrors(wrong))
	}
	return c.use(s, func(d desk) error {
		all, err := d.alerts(s.ctx)
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(a web.Listed) bool { return !c.means(&a.Alert) })
		if len(all) == 0 {
			return fmt.Errorf("no alert fires for %q; watchdog alerts lists those that do", c.Alert)
		}
		for i := range all {
			ack.StartsAt = all[i].StartsAt
			if err := c.say(s, d, &all[i].Alert, ack); err != nil {
				return err
			}
		}
		return nil
	})
}

// say acknowledges one alert, or takes that back.
func (c *ackCommand) say(s *session, d desk, a *alert.Alert, ack notify.Ack) error {
	if c.Undo {
		if err := d.unacknowledge(s.ctx, a.Fingerprint); err != nil {
			return err
		}
		fmt.Fprintf(s.Stdout, "gave back %s of %s: nobody has it\n", a.Rule, a.Subject())
		return nil
	}
	had, err := d.acknowledge(s.ctx, a.Fingerprint, ack)
	if err == nil {
		fmt.Fprintf(s.Stdout, "acknowledged %s of %s for %s\n", a.Rule, a.Subject(), had.By)
	}
	return err
}

func (c *ackCommand) means(a *alert.Alert) bool {
	return a.Status == alert.StatusFiring && (a.Fingerprint == c.Alert || a.DocID == c.Alert || a.Subject().String() == c.Alert) &&
		(c.Rule == "" || c.Rule == a.Rule) && (c.Server == "" || c.Server == a.Server)
}

// usage says that the command line is wrong.
func (s *session) usage(err error) error {
	fmt.Fprintf(s.Stderr, "watchdog: %v\n", err)
	return exit(exitUsage)
}
