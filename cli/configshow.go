package cli

type configCommand struct {
	Show configShowCommand `cmd:"" help:"Print the config as it is understood: includes merged, defaults filled in, secrets masked."`
}

type configShowCommand struct{}

// Run prints one YAML file that says all that the config says.
func (configShowCommand) Run(s *session) error {
	cfg, err := s.load(s.configPath)
	if err != nil {
		return err
	}
	text, err := cfg.YAML()
	if err != nil {
		return err
	}
	_, err = s.Stdout.Write(text)
	return err
}
