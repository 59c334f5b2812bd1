package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"watchdog/web"
)

// version is set by release builds: -ldflags "-X watchdog/cli.version=v1.2.3".
var version = ""

type versionCommand struct{}

// Run prints one line: version, commit, Go.
func (versionCommand) Run(s *session) error {
	b := thisBuild()
	_, err := fmt.Fprintf(s.Stdout, "watchdog %s, commit %s, %s %s/%s\n", b.Version, b.Commit, b.Go, runtime.GOOS, runtime.GOARCH)
	return err
}

// thisBuild is which program this is, as far as it knows.
func thisBuild() web.Build {
	v, commit := version, "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		if v == "" {
			v = info.Main.Version
		}
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				commit = setting.Value
			}
		}
	}
	if v == "" {
		v = "(devel)"
	}
	return web.Build{Version: v, Commit: commit, Go: runtime.Version()}
}
