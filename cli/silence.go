package cli

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"watchdog/alert"
	"watchdog/notify"
	"watchdog/rules"
	"watchdog/store"
)

type silenceCommand struct {
	Add    silenceAddCommand    `cmd:"" help:"Mute the alerts that fit, for a while."`
	List   silenceListCommand   `cmd:"" help:"List the silences that have not ended."`
	Expire silenceExpireCommand `cmd:"" help:"End a silence now."`
}

type silenceAddCommand struct {
	For     lasting  `required:"" placeholder:"DURATION" help:"How long: 30m, 2h, 1d."`
	Comment string   `help:"Why."`
	By      string   `env:"USER" help:"Who says so (default $$USER)."`
	Match   []string `arg:"" name:"label=glob" help:"Labels that must all fit: rule, severity, server, database, doc_id, source, target, or an alert's own."`
}

// lasting is a duration as the config writes it.
type lasting struct{ time.Duration }

// UnmarshalText reads 30m, 2h or 1d.
func (l *lasting) UnmarshalText(text []byte) (err error) {
	l.Duration, err = rules.ParseDuration(string(text))
	return err
}

// Run adds a silence, which a running daemon heeds within seconds.
func (c *silenceAddCommand) Run(s *session) error {
	match, err := readMatch(c.Match)
	if err != nil {
		return s.usage(err)
	}
	if c.For.Duration <= 0 {
		return s.usage(errors.New("--for: a silence needs an end"))
	}
	now := time.Now().UTC()
	silence := &notify.Silence{
		ID: "sil_" + strings.ToLower(rand.Text()[:12]), Match: match, StartsAt: now, EndsAt: now.Add(c.For.Duration),
		CreatedBy: cmp.Or(c.By, "somebody"), Comment: c.Comment,
	}
	kept, err := s.openToSay()
	if err != nil {
		return err
	}
	if err := errors.Join(kept.PutSilence(s.ctx, silence), kept.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.Stdout, silence.ID)
	return err
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
}

// Run lists the silences that have not ended.
func (c *silenceListCommand) Run(s *session) error {
	cfg, _, err := s.load(s.configPath)
	if err != nil {
		return err
	}
	kept, err := s.openBeside(cfg.Store)
	if err != nil {
		return err
	}
	silences := []notify.Silence{}
	if kept != nil {
		standing, err := kept.Standing(s.ctx, time.Now())
		if err := errors.Join(err, kept.Close()); err != nil {
			return err
		}
		silences = append(silences, standing.Silences...)
	}
	return printList(s.Stdout, c.Output, silences, silenceCells)
}

func silenceCells(one *notify.Silence) string {
	return fmt.Sprintf("%s\t%s\tuntil %s\tby %s\t%s", one.ID, matchWords(one.Match), one.EndsAt.Format(time.RFC3339), one.CreatedBy, oneLine(one.Comment))
}

func matchWords(match map[string][]string) string {
	var words []string
	for _, label := range slices.Sorted(maps.Keys(match)) {
		for _, glob := range match[label] {
			words = append(words, label+"="+glob)
		}
	}
	return strings.Join(words, " ")
}

type silenceExpireCommand struct {
	ID string `arg:"" help:"The silence, as list shows it."`
}

// Run ends a silence: what it muted and still fires is told then.
func (c *silenceExpireCommand) Run(s *session) error {
	kept, err := s.openToSay()
	if err != nil {
		return err
	}
	defer kept.Close() //nolint:errcheck // what was written is committed
	now := time.Now().UTC()
	standing, err := kept.Standing(s.ctx, now)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(standing.Silences, func(one notify.Silence) bool { return one.ID == c.ID })
	if i < 0 {
		return fmt.Errorf("there is no silence %q that has not ended", c.ID)
	}
	standing.Silences[i].EndsAt = now
	return kept.PutSilence(s.ctx, &standing.Silences[i])
}

type ackCommand struct {
	Comment string `help:"What you do about it."`
	By      string `env:"USER" help:"Who has it (default $$USER)."`
	Rule    string `help:"Only the alert of this rule."`
	Server  string `help:"Only alerts of this server."`
	Alert   string `arg:"" help:"The alert's fingerprint, or the document it is about."`
}

// Run says that somebody has the alerts that fire for a document: nobody is reminded of them,
// and they are not escalated, until they resolve.
func (c *ackCommand) Run(s *session) error {
	kept, err := s.openToSay()
	if err != nil {
		return err
	}
	defer kept.Close() //nolint:errcheck // what was written is committed
	all, err := kept.Alerts(s.ctx)
	if err != nil {
		return err
	}
	ack, done := notify.Ack{By: cmp.Or(c.By, "somebody"), At: time.Now().UTC(), Comment: c.Comment}, 0
	for i := range all {
		if !c.means(&all[i]) {
			continue
		}
		if err := kept.Acknowledge(s.ctx, all[i].Fingerprint, ack); err != nil {
			return err
		}
		done++
		fmt.Fprintf(s.Stdout, "%s has %s of %s\n", ack.By, all[i].Rule, all[i].Subject())
	}
	if done == 0 {
		return fmt.Errorf("no alert fires for %q; watchdog alerts lists those that do", c.Alert)
	}
	return nil
}

func (c *ackCommand) means(a *alert.Alert) bool {
	return a.Status == alert.StatusFiring && (a.Fingerprint == c.Alert || a.DocID == c.Alert || a.Subject().String() == c.Alert) &&
		(c.Rule == "" || c.Rule == a.Rule) && (c.Server == "" || c.Server == a.Server)
}

// openToSay opens the store to write what people say, beside a daemon that may have it.
func (s *session) openToSay() (*store.SQLite, error) {
	cfg, _, err := s.load(s.configPath)
	if err != nil {
		return nil, err
	}
	return store.Open(s.ctx, cfg.Store, store.Options{Beside: true})
}

// usage says that the command line is wrong.
func (s *session) usage(err error) error {
	fmt.Fprintf(s.Stderr, "watchdog: %v\n", err)
	return exit(exitUsage)
}
