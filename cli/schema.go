package cli

import "watchdog/config"

type schemaCommand struct{}

// Run prints the JSON Schema of the config, for editors.
func (schemaCommand) Run(s *session) error {
	_, err := s.Stdout.Write(config.Schema())
	return err
}
