//go:build linux

package chaos

import (
	"errors"
	"os"
	"path/filepath"
)

// serverName is what the daemon calls the server by, where it can be made to forget it.
const serverName = "couch.test"

// names are a hosts file and a resolver of the daemon's own. Only root can give it those; for
// others the server has no name but its address.
type names struct {
	address         string // of the server
	hosts, resolver string // paths, "" where there is nothing to forget
}

func newNames(dir, address string) (*names, error) {
	if os.Geteuid() != 0 {
		return &names{address: address}, nil
	}
	n := &names{address: address, hosts: filepath.Join(dir, "hosts"), resolver: filepath.Join(dir, "resolv.conf")}
	nobody := os.WriteFile(n.resolver, []byte("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"), 0o600)
	return n, errors.Join(nobody, n.know(true))
}

// know makes the name known, or unknown. A process that has looked it up remembers it for 5 s.
func (n *names) know(known bool) error {
	if n.hosts == "" {
		return nil
	}
	text := "127.0.0.1 localhost\n"
	if known {
		text += n.address + " " + serverName + "\n"
	}
	return os.WriteFile(n.hosts, []byte(text), 0o600)
}

// host is the name under which the daemon finds the server.
func (n *names) host() string {
	if n.hosts == "" {
		return n.address
	}
	return serverName
}

// wrap makes a command run with these names: in a mount namespace of its own, as the same process.
func (n *names) wrap(command []string) []string {
	if n.hosts == "" {
		return command
	}
	const script = `mount --bind "$0" /etc/hosts && mount --bind "$1" /etc/resolv.conf && shift && exec "$@"`
	return append([]string{"unshare", "--mount", "--propagation", "private", "sh", "-c", script, n.hosts, n.resolver}, command...)
}
