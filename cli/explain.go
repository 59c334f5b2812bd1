package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"watchdog/alert"
	"watchdog/cycle"
	"watchdog/notify"
	"watchdog/rules"
	"watchdog/scheduler"
	"watchdog/snapshot"
	"watchdog/store"
	"watchdog/web"
)

type explainCommand struct {
	Server   string `complete:"server" help:"Only on this server."`
	Database string `help:"Only in this replicator database."`
	Output   string `short:"o" enum:"text,json,jsonl,yaml" default:"text" help:"text, json, jsonl (one object a line) or yaml."`
	Doc      string `arg:"" name:"doc" help:"The id of the replication document."`
}

// explainHistory is how many of the last transitions and deliveries are shown.
const explainHistory = 10

// explained is one replication, what the rules make of it, and what was told of it.
type explained struct {
	Server      string             `json:"server"`
	Database    string             `json:"database"`
	DocID       string             `json:"doc_id"`
	State       string             `json:"state"`
	Error       string             `json:"error"`
	Rules       []web.Explained    `json:"rules"`
	Transitions []alert.Transition `json:"transitions"`
	Deliveries  []store.Delivery   `json:"deliveries"`

	newborn bool // there is no store yet
}

// Run looks at the replication now, and at what the daemon remembers of it.
func (c *explainCommand) Run(s *session) error {
	cfg, err := s.load(s.configPath)
	if err != nil {
		return err
	}
	kept, err := s.openBeside(cfg.Store)
	if err != nil {
		return err
	}
	if kept != nil {
		defer kept.Close() //nolint:errcheck // it was only read
	}
	readers, err := openReaders(cfg.Servers, cfg.Sources)
	if err != nil {
		return err
	}
	defer readers.close()
	var all []explained
	for _, spec := range cfg.Servers {
		if c.Server != "" && c.Server != spec.Name {
			continue
		}
		found, err := c.explain(s.ctx, plan{cfg}, readers.byName[spec.Name], kept)
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	switch {
	case len(all) == 0:
		return fmt.Errorf("no replication %q on the servers of %s", c.Doc, s.configPath)
	case c.Output != "text":
		return printObjects(s.Stdout, c.Output, all)
	}
	for i := range all {
		printExplained(s.Stdout, &all[i])
	}
	return nil
}

// openBeside opens the store for reading, beside a daemon that may have it; nil when there is
// none yet.
func (s *session) openBeside(dsn string) (*store.DB, error) {
	kept, err := store.Open(s.ctx, dsn, store.Options{ReadOnly: true})
	if errors.Is(err, store.ErrNoStore) {
		fmt.Fprintf(s.Stderr, "watchdog: nothing is remembered in %s yet; a daemon that watches the simulated server alone remembers in memory only\n", dsn)
		return nil, nil //nolint:nilnil // no store yet is no mistake
	}
	return kept, err
}

// explain finds the replications of that id on one server. More than one replicator database
// may have it.
func (c *explainCommand) explain(ctx context.Context, p plan, reader *scheduler.Client, kept *store.DB) ([]explained, error) {
	server := reader.Name()
	snap := reader.Read(ctx, time.Now().UTC(), nil)
	if err := snap.Err(); err != nil && len(snap.Replications) == 0 {
		return nil, err
	}
	state := cycle.NewState(server)
	if kept != nil {
		var err error
		if state, err = kept.Load(ctx, server); err != nil {
			return nil, err
		}
	}
	said := &notify.Standing{}
	if kept != nil {
		var err error
		if said, err = kept.Standing(ctx, snap.At); err != nil {
			return nil, err
		}
	}
	var all []explained
	for _, row := range snap.Replications {
		if row.DocID != c.Doc || c.Database != "" && c.Database != row.Database {
			continue
		}
		e := explained{Server: server, Database: row.Database, DocID: row.DocID, State: string(row.State), Error: row.Error}
		e.Rules = p.explain(state, row, snap.At, state.Alerts(), said)
		if err := e.addHistory(ctx, kept); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// explain says of each rule of a server what it makes of a replication, and whom it would tell.
func (p plan) explain(state *cycle.State, row *snapshot.Replication, at time.Time, alerts []alert.Alert, said *notify.Standing) []web.Explained {
	var all []web.Explained
	for _, one := range p.replayCycle(state.Server()).Explain(state, row, at) {
		all = append(all, p.explained(&one, state, row, alerts, said))
	}
	return all
}

// explained adds who would hear of an alert of the rule, and why not.
func (p plan) explained(e *rules.Explanation, state *cycle.State, row *snapshot.Replication, alerts []alert.Alert, said *notify.Standing) web.Explained {
	server, at := state.Server(), time.Now()
	subject := alert.Subject{Server: server, Database: row.Database, DocID: row.DocID}
	a := &alert.Alert{
		Rule: e.Rule, Severity: e.Severity, Server: server, Database: row.Database, DocID: row.DocID,
		Fingerprint: alert.Fingerprint(e.Rule, subject), State: string(row.State), Source: row.Source, Target: row.Target,
		Labels: p.labelsOf(server),
	}
	firing := slices.DeleteFunc(slices.Clone(alerts), func(a alert.Alert) bool { return a.Status != alert.StatusFiring })
	if i := slices.IndexFunc(firing, func(f alert.Alert) bool { return f.Fingerprint == a.Fingerprint }); i >= 0 {
		a = &firing[i]
	}
	return web.Explained{
		Explanation: *e, Tells: (&cycle.Cycle{Router: p.Router}).Outlook(state, a, firing, said, at), MutedBy: p.Router.MutedBy(a, firing, said, at),
	}
}

func (e *explained) addHistory(ctx context.Context, kept *store.DB) (err error) {
	if kept == nil {
		e.newborn = true
		return nil
	}
	e.Transitions, err = kept.Transitions(ctx, store.TransitionFilter{
		Server: e.Server, Database: e.Database, DocID: e.DocID, Limit: explainHistory,
	})
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for i := range e.Transitions {
		fingerprint := e.Transitions[i].Fingerprint
		if seen[fingerprint] {
			continue
		}
		seen[fingerprint] = true
		deliveries, err := kept.Deliveries(ctx, store.DeliveryFilter{Fingerprint: fingerprint, Limit: explainHistory})
		if err != nil {
			return err
		}
		e.Deliveries = append(e.Deliveries, deliveries...)
	}
	return nil
}

func printExplained(w io.Writer, e *explained) {
	fmt.Fprintf(w, "%s/%s/%s is %s", e.Server, e.Database, e.DocID, cmp.Or(e.State, "in no known state"))
	if e.Error != "" && e.State != string(snapshot.Running) {
		fmt.Fprintf(w, ": %s", oneLine(e.Error))
	}
	fmt.Fprintln(w)
	if e.newborn {
		fmt.Fprintln(w, "nothing is remembered yet: windows and holds begin with `watchdog run`")
	}
	for _, r := range e.Rules {
		printRule(w, &r)
	}
	if len(e.Transitions) > 0 {
		fmt.Fprintln(w, "\nwhat happened, the latest first:")
	}
	for _, t := range e.Transitions {
		fmt.Fprintf(w, "  %s  %-8s  %s (%s)\n", t.At.Format(time.RFC3339), t.Status, t.Rule, t.Reason)
	}
	if len(e.Deliveries) > 0 {
		fmt.Fprintln(w, "\nwho was told:")
	}
	for _, d := range e.Deliveries {
		fmt.Fprintf(w, "  %s  %-8s  %s, %s, %s", d.CreatedAt.Format(time.RFC3339), d.Status, d.Sink, count(d.Attempts, "attempt"), d.ID)
		if d.MergedInto != "" {
			fmt.Fprintf(w, ", told by %s", d.MergedInto)
		}
		if d.LastError != "" && d.Status != store.Sent {
			fmt.Fprintf(w, ": %s", oneLine(d.LastError))
		}
		fmt.Fprintln(w)
	}
}

// printDestination says what one sink was told, or would be, and what it will hear.
func printDestination(w io.Writer, d *notify.Destination) {
	by := fmt.Sprintf("by route %d", d.Route)
	if d.Match != "" {
		by += " " + d.Match
	}
	verb := "would tell " + d.Sink
	switch {
	case d.ToldAt.IsZero() && d.Waits != "":
		verb = "has not told " + d.Sink
	case !d.ToldAt.IsZero():
		verb = fmt.Sprintf("told %s at %s", d.Sink, d.ToldAt.Format(time.RFC3339))
	}
	fmt.Fprintf(w, "  %s, %s", verb, by)
	if d.Waits != "" {
		fmt.Fprintf(w, "; %s", d.Waits)
	}
	fmt.Fprintln(w)
}

func printRule(w io.Writer, r *web.Explained) {
	fmt.Fprintf(w, "\n%s (%s): ", r.Rule, r.Severity)
	switch {
	case r.Status == "":
		fmt.Fprintf(w, "does not fire, for its condition is %s\n", r.When)
	default:
		fmt.Fprintf(w, "%s since %s\n", r.Status, r.Since.Format(time.RFC3339))
	}
	for _, p := range r.Parts {
		fmt.Fprintf(w, "  %-8s %s  %s", p.Value, p.Field, oneLine(p.Text))
		if p.Why != "" {
			fmt.Fprintf(w, "  (%s)", p.Why)
		}
		fmt.Fprintln(w)
	}
	if r.Waits != "" {
		fmt.Fprintf(w, "  %s\n", r.Waits)
	}
	if r.MutedBy != "" {
		fmt.Fprintf(w, "  would tell nobody: %s\n", r.MutedBy)
	}
	for i := range r.Tells {
		printDestination(w, &r.Tells[i])
	}
}
