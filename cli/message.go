package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"watchdog/alert"
	"watchdog/config"
	"watchdog/diag"
	"watchdog/notify"
	"watchdog/rules"
)

type messageCommand struct {
	Rule string `complete:"rule" arg:"" help:"The rule that fires."`
	Sink string `complete:"sink" required:"" placeholder:"NAME" help:"The sink that is told."`
}

// Run renders what would be sent if the rule fired for a made-up subject. Nothing is sent.
func (c *messageCommand) Run(s *session) error {
	cfg, err := s.load(s.configPath)
	if err != nil {
		return err
	}
	spec, err := sinkNamed(cfg, c.Sink)
	if err != nil {
		return err
	}
	rule, err := ruleNamed(cfg, c.Rule)
	if err != nil {
		return err
	}
	sink, err := s.openSink(spec)
	if err != nil {
		return err
	}
	body, err := sink.Preview(sampleMessage(cfg, c.Sink, rule))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Stdout, "%s\n", body)
	return err
}

type sinkCommand struct {
	Test sinkTestCommand `cmd:"" help:"Send one marked test message."`
}

type sinkTestCommand struct {
	Name string `complete:"sink" arg:"" help:"The sink, by its name in the config."`
}

// Run sends one message, marked as a test, and waits for the receiver's answer.
func (c *sinkTestCommand) Run(s *session) error {
	cfg, err := s.load(s.configPath)
	if err != nil {
		return err
	}
	spec, err := sinkNamed(cfg, c.Name)
	if err != nil {
		return err
	}
	sink, err := s.openSink(spec)
	if err != nil {
		return err
	}
	m := sampleMessage(cfg, c.Name, nil)
	m.Test = true
	ctx, cancel := context.WithTimeout(s.ctx, spec.Timeout)
	defer cancel()
	if err := sink.Send(ctx, m); err != nil {
		return fmt.Errorf("sink %s did not take the test message: %w", c.Name, err)
	}
	fmt.Fprintf(s.Stderr, "sink %s took the test message %s\n", c.Name, m.ID)
	return nil
}

// sampleMessage is what a sink is told when a rule fires for a made-up subject of the first
// server; without a rule, of one that does not exist.
func sampleMessage(cfg *config.Config, sink string, rule *rules.Rule) *notify.Message {
	server := "example"
	if len(cfg.Servers) > 0 {
		server = cfg.Servers[0].Name
	}
	if rule == nil {
		rule, _ = rules.Compile(rules.Spec{
			Name: "watchdog-test", Severity: "info", When: "continuous",
			Summary: "This is a test: nothing is wrong.",
		})
	}
	now := time.Now().UTC()
	sample := rule.Sample(server, plan{cfg}.labelsOf(server), now)
	router, _ := notify.NewRouter(notify.Spec{Routes: []notify.RouteSpec{{To: []string{sink}}}, Link: cfg.ExternalURL})
	plan := router.Step(notify.NewMemory(), notify.Input{
		Now: now, Transitions: []alert.Transition{sample}, Firing: func() []alert.Alert { return []alert.Alert{sample.Alert} },
	})
	return &plan.Messages[0]
}

func sinkNamed(cfg *config.Config, name string) (config.Sink, error) {
	var names []string
	for _, s := range cfg.Sinks {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return config.Sink{}, notFound("sink", name, names, leftOut(cfg, "sink", name))
}

func ruleNamed(cfg *config.Config, name string) (*rules.Rule, error) {
	var names []string
	for _, r := range cfg.Rules {
		if r.Name == name {
			return r, nil
		}
		names = append(names, r.Name)
	}
	return nil, notFound("rule", name, names, "")
}

// leftOut says why something of the config is not in use, "" when it is not there at all.
func leftOut(cfg *config.Config, kind, name string) string {
	for _, l := range cfg.LeftOut {
		if l.Kind == kind && l.Name == name {
			return l.Why
		}
	}
	return ""
}

func notFound(kind, name string, names []string, why string) error {
	if why != "" {
		return fmt.Errorf("the %s %q is not in use: %s", kind, name, why)
	}
	if hint := diag.DidYouMean(name, names); hint != "" {
		return fmt.Errorf("there is no %s %q; %s", kind, name, hint)
	}
	return fmt.Errorf("there is no %s %q; there are %s", kind, name, strings.Join(names, ", "))
}
