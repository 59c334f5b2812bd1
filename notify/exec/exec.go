// Package exec tells alerts to a command: the document of the webhook on its standard input, and a
// few facts in its environment. Its exit status says whether it has the message.
package exec

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"watchdog/notify"
	"watchdog/secret"
)

// Sink runs one command. It may run several at the same time.
type Sink struct {
	command []string
	env     map[string]secret.String
	hide    *strings.Replacer
}

// New makes a sink of a config without problems.
func New(c Config) (*Sink, error) {
	if c.Empty() {
		return nil, errors.New("command is missing")
	}
	var secrets []string
	for _, v := range c.Env {
		secrets = append(secrets, v.Reveal())
	}
	return &Sink{command: c.Command, env: c.Env, hide: secret.Masker(secrets...)}, nil
}

// grace is how long what a command started may keep its output open after it.
const grace = time.Second

// Send runs the command. When ctx ends it is killed with all that it started.
func (s *Sink) Send(ctx context.Context, m *notify.Message) error {
	name := filepath.Base(s.command[0])
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("run %s: %w", name, err)
	}
	document, err := notify.NewDocument(m, time.Now()).JSON()
	if err != nil {
		return &notify.Refused{Err: fmt.Errorf("write the document of %s: %w", m.ID, err)}
	}
	said := &output{room: maxOutput}
	cmd := exec.CommandContext(ctx, s.command[0], s.command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(document), said, said
	cmd.Env = s.environment(m)
	cmd.WaitDelay = grace
	inGroup(cmd)
	err = cmd.Run()
	switch {
	case cmd.ProcessState != nil && cmd.ProcessState.Success():
		return nil // what it left unread, or left running, is its own affair
	case ctx.Err() != nil:
		return fmt.Errorf("run %s: killed: %w", name, ctx.Err())
	case cmd.ProcessState == nil:
		return fmt.Errorf("run %s: %w", name, err)
	}
	cause := fmt.Errorf("run %s: %s", name, cmd.ProcessState)
	if text := notify.Excerpt(s.hide.Replace(said.String())); text != "" {
		cause = fmt.Errorf("%w: %s", cause, text)
	}
	if permanent[cmd.ProcessState.ExitCode()] {
		return &notify.Refused{Err: cause}
	}
	return cause
}

// permanent are the exit statuses of sysexits.h after which the same message fails again: wrong
// usage, wrong data, no such user, no permission, wrong configuration. Every other one is tried
// again: 75 says so, and 1 may mean anything.
var permanent = map[int]bool{64: true, 65: true, 67: true, 77: true, 78: true}

// Preview is what the command would read, indented.
func (s *Sink) Preview(m *notify.Message) ([]byte, error) {
	document, err := notify.NewDocument(m, time.Now()).JSON()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = json.Indent(&b, document, "", "  ")
	return b.Bytes(), err
}

const maxOutput = 4 << 10

// output keeps the beginning of what a command says.
type output struct {
	strings.Builder
	room int
}

func (o *output) Write(b []byte) (int, error) {
	kept := b[:min(len(b), o.room)]
	o.room -= len(kept)
	_, _ = o.Builder.Write(kept) // never fails
	return len(b), nil
}

// Probe looks whether the command can be run, and does not run it. It says where it found it.
func (s *Sink) Probe(context.Context) (found string, err error) {
	found, err = exec.LookPath(s.command[0])
	if err != nil {
		return "", fmt.Errorf("look for the command: %w", err)
	}
	return found, nil
}
