package exec

import (
	"os"
	"strconv"

	"watchdog/notify"
)

// prefix begins the names of the variables that tell of the message.
const prefix = "WATCHDOG_"

// inherited are the variables that a command gets of Watchdog's own. The others may be secrets that
// are none of its business.
var inherited = []string{"PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR"}

// environment is that of the command: what it needs to run, what the config adds, and the message
// in a few words, for a script that does not read JSON.
func (s *Sink) environment(m *notify.Message) []string {
	var env []string
	for _, name := range inherited {
		if value, set := os.LookupEnv(name); set {
			env = append(env, name+"="+value)
		}
	}
	for name, value := range s.env {
		env = append(env, name+"="+value.Reveal())
	}
	return append(env,
		prefix+"ID="+m.ID,
		prefix+"SINK="+m.Sink,
		prefix+"STATUS="+string(m.Status()),
		prefix+"SEVERITY="+m.Severity().String(),
		prefix+"HEADLINE="+notify.Excerpt(m.Headline()), // on one line, without a zero byte
		prefix+"ALERTS="+strconv.Itoa(len(m.Alerts)),
		prefix+"URL="+m.URL,
		prefix+"TEST="+strconv.FormatBool(m.Test),
	)
}
