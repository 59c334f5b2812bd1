package cli

import (
	"encoding/json"
	"fmt"

	"watchdog/scheduler"
	"watchdog/snapshot"
)

type replicateCommand struct {
	format
	direct
	Server       string   `xor:"which" placeholder:"NAME" help:"On this server; needed where there are several."`
	Database     string   `default:"_replicator" placeholder:"DB" help:"In this replicator database. Default: ${default}."`
	Source       string   `arg:"" help:"Where from: a URL, or the name of a database of the server itself."`
	Target       string   `arg:"" help:"Where to, likewise."`
	ID           string   `name:"id" placeholder:"ID" help:"The id of the document. Default: one is made up."`
	Continuous   bool     `help:"Go on when all is copied."`
	CreateTarget bool     `help:"Make the target if it is not there."`
	Filter       string   `placeholder:"DESIGN/FILTER" help:"A filter function of the source."`
	Selector     string   `placeholder:"JSON" help:"A Mango selector: the documents that match it only."`
	DocIDs       []string `name:"doc-ids" placeholder:"ID" help:"These documents only, as a,b,c."`
	UserCtx      string   `placeholder:"JSON" help:"On whose behalf, as {\"name\": …, \"roles\": […]}. Default: who the server says that we are."`
	Follow       bool     `help:"Then follow it, as the command of that name does."`
}

// Run writes the document of a new replication and prints its id.
func (c *replicateCommand) Run(s *session) error {
	if err := s.oneDatabase(c.Database); err != nil {
		return err
	}
	selector, err := c.object(s, "selector", c.Selector)
	if err != nil {
		return err
	}
	userCtx, err := c.object(s, "user-ctx", c.UserCtx)
	if err != nil {
		return err
	}
	client, opened, err := s.openOne(c.direct, c.Server)
	if err != nil {
		return err
	}
	defer opened.close()
	replicator := client.Replicator(c.Database)
	doc, err := replicator.Create(s.ctx, scheduler.Draft{
		ID:     c.ID,
		Source: scheduler.Endpoint{URL: c.Source}, Target: scheduler.Endpoint{URL: c.Target},
		Continuous: c.Continuous, CreateTarget: c.CreateTarget,
		Filter: c.Filter, Selector: selector, DocIDs: c.DocIDs, UserCtx: userCtx,
	})
	if err != nil {
		return err
	}
	if err := c.created(s, client.Name(), replicator.Database(), doc); err != nil || !c.Follow {
		return err
	}
	key := snapshot.Key{Database: replicator.Database(), DocID: doc.ID}
	return follow(s, client, key, followEvery)
}

// object checks that a flag holds a JSON object.
func (c *replicateCommand) object(s *session, flag, text string) (json.RawMessage, error) {
	if text == "" {
		return nil, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &members); err != nil || members == nil {
		return nil, s.misuse("--%s is no JSON object: %s", flag, oneLine(text))
	}
	return json.RawMessage(text), nil
}

// created prints the id alone, for scripts, or an object.
func (c *replicateCommand) created(s *session, server, database string, doc scheduler.Document) error {
	if c.Output == "table" {
		_, err := fmt.Fprintln(s.Stdout, doc.ID)
		return err
	}
	data, err := json.Marshal(struct {
		Server   string `json:"server"`
		Database string `json:"database"`
		DocID    string `json:"doc_id"`
		Rev      string `json:"rev"`
	}{server, database, doc.ID, doc.Rev})
	if err != nil {
		return err
	}
	return printObject(s.Stdout, c.Output, data)
}
