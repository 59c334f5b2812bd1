package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchdog/alert"
	"watchdog/cycle"
	"watchdog/notify"
	"watchdog/rules"
	"watchdog/scheduler"
	"watchdog/secret"
	"watchdog/snapshot"
	"watchdog/store"
	"watchdog/web"
)

type explainCommand struct {
	deskFlags
	Server   string `complete:"server" placeholder:"NAME" help:"Only on this server."`
	Database string `placeholder:"DB" help:"Only in this replicator database."`
	Output   string `short:"o" enum:"text,json,jsonl,yaml" default:"text" help:"text, json, jsonl (one object a line) or yaml."`
	Doc      string `arg:"" name:"doc" help:"The document, or database/document, or server/database/document as alerts show it."`
}

// Run says what the daemon saw last and remembers; where none is reached it looks itself.
func (c *explainCommand) Run(s *session) error {
	return c.use(s, func(d desk) error {
		all, err := c.find(s.ctx, d)
		switch {
		case err != nil:
			return err
		case len(all) == 0:
			return fmt.Errorf("no replication %q %s", c.Doc, c.looked(s))
		case c.Output != "text":
			return printObjects(s.Stdout, c.Output, all)
		}
		for i := range all {
			printExplanation(s.Stdout, &all[i])
		}
		return nil
	})
}

// find gives the replications that are meant. A document's own id may look like a path, so that it
// comes first.
func (c *explainCommand) find(ctx context.Context, d desk) ([]web.Explanation, error) {
	all, err := d.explain(ctx, alert.Subject{Server: c.Server, Database: c.Database, DocID: c.Doc})
	if err != nil || len(all) > 0 {
		return all, err
	}
	for _, end := range []string{"_replicator/", snapshot.TransientDatabase + "/"} { // of a database's name
		_, doc, found := strings.Cut(c.Doc, end)
		if !found {
			continue
		}
		all, err := d.explain(ctx, alert.Subject{Server: c.Server, Database: c.Database, DocID: doc})
		all = slices.DeleteFunc(all, func(e web.Explanation) bool {
			path := e.Database + "/" + e.DocID
			return c.Doc != path && c.Doc != e.Server+"/"+path
		})
		if err != nil || len(all) > 0 {
			return all, err
		}
	}
	return nil, nil
}

// looked is where a replication was looked for.
func (c *explainCommand) looked(s *session) string {
	of := cmp.Or(secret.MaskURLs(c.URL), s.configPath)
	where := "on the servers of " + of
	if c.Server != "" {
		where = fmt.Sprintf("on the server %q of %s", c.Server, of)
	}
	if c.Database != "" {
		where = fmt.Sprintf("in %q ", c.Database) + where
	}
	return where
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

// explain asks the daemon what it saw last, and remembers.
func (r *remote) explain(ctx context.Context, of alert.Subject) (all []web.Explanation, err error) {
	query := url.Values{"doc_id": {of.DocID}, "limit": {strconv.Itoa(pageLimit)}}
	if of.Server != "" {
		query.Set("server", of.Server)
	}
	if of.Database != "" {
		query.Set("database", of.Database)
	}
	var list struct {
		Replications []struct {
			Server   string `json:"server"`
			Database string `json:"database"`
			DocID    string `json:"doc_id"`
		} `json:"replications"`
	}
	if err := r.get(ctx, "replications", query, &list); err != nil {
		return nil, err
	}
	for _, one := range list.Replications {
		path := []string{"replications", url.PathEscape(one.Server), url.PathEscape(one.Database), url.PathEscape(one.DocID), "explanation"}
		var e web.Explanation
		if err := r.get(ctx, strings.Join(path, "/"), nil, &e); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// explain looks at the servers now, and at what a daemon has left in the store.
func (o *ownStore) explain(ctx context.Context, of alert.Subject) (all []web.Explanation, err error) {
	kept, err := o.read()
	if err != nil {
		return nil, err
	}
	if kept == nil {
		fmt.Fprintln(o.s.Stderr, "watchdog: windows and holds begin with `watchdog run`")
	}
	readers, err := openReaders(o.cfg.Servers, o.cfg.Sources)
	if err != nil {
		return nil, err
	}
	defer readers.close()
	for _, spec := range o.cfg.Servers {
		if of.Server != "" && of.Server != spec.Name {
			continue
		}
		found, err := plan{o.cfg}.explainOn(ctx, readers.byName[spec.Name], kept, of)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// explainOn finds the replications that fit on one server. More than one replicator database may
// have an id.
func (p plan) explainOn(ctx context.Context, reader *scheduler.Client, kept *store.DB, of alert.Subject) (all []web.Explanation, err error) {
	server := reader.Name()
	snap := reader.Read(ctx, time.Now().UTC(), nil)
	if err := snap.Err(); err != nil && len(snap.Replications) == 0 {
		return nil, err
	}
	state, said := cycle.NewState(server), &notify.Standing{}
	if kept != nil {
		if state, err = kept.Load(ctx, server); err != nil {
			return nil, err
		}
		if said, err = kept.Standing(ctx, snap.At); err != nil {
			return nil, err
		}
	}
	for _, row := range snap.Replications {
		if row.DocID != of.DocID || of.Database != "" && of.Database != row.Database {
			continue
		}
		e := web.NewExplanation(server, row, snap.At, p.explain(state, row, snap.At, state.Alerts(), said))
		if kept != nil {
			if err := e.Remember(ctx, kept); err != nil {
				return nil, err
			}
		}
		all = append(all, *e)
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
		Explanation: *e, MutedBy: p.Router.MutedBy(a, firing, said, at),
		Tells: append([]notify.Destination{}, (&cycle.Cycle{Router: p.Router}).Outlook(state, a, firing, said, at)...),
	}
}

func printExplanation(w io.Writer, e *web.Explanation) {
	fmt.Fprintf(w, "%s/%s/%s is %s", e.Server, e.Database, e.DocID, cmp.Or(e.State, "in no known state"))
	if e.Error != "" && e.State != string(snapshot.Running) {
		fmt.Fprintf(w, ": %s", oneLine(e.Error))
	}
	fmt.Fprintf(w, "\nseen at %s\n", e.SeenAt.Format(time.RFC3339))
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
