// Package systemd tells systemd how a service of Type=notify does, by the protocol of sd_notify(3).
// Where systemd did not start the process it does nothing.
package systemd

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// Notifier tells systemd. The zero value tells nobody.
type Notifier struct {
	socket string
	pet    time.Duration
}

// New makes a notifier by the environment that systemd gives: NOTIFY_SOCKET, and WATCHDOG_USEC
// where the unit sets WatchdogSec.
func New(env func(string) (string, bool)) Notifier {
	var n Notifier
	n.socket, _ = env("NOTIFY_SOCKET")
	if usec, _ := env("WATCHDOG_USEC"); usec != "" {
		if us, err := strconv.ParseInt(usec, 10, 64); err == nil && us > 0 {
			n.pet = time.Duration(us) * time.Microsecond / 3
		}
	}
	if strings.HasPrefix(n.socket, "@") {
		n.socket = "\x00" + n.socket[1:] // of the abstract name space
	}
	return n
}

// PetEvery is how often Alive is to be called, well within what systemd waits for; 0: it does not.
func (n Notifier) PetEvery() time.Duration {
	if n.socket == "" {
		return 0
	}
	return n.pet
}

// Ready says that the service does its work, after the start or a reload, and what it does.
func (n Notifier) Ready(status string) error { return n.send("READY=1", "STATUS="+oneLine(status)) }

// Reloading says that the config is read anew; Ready must follow.
func (n Notifier) Reloading() error {
	return n.send("RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", monotonic().Microseconds()))
}

// Stopping says that the service ends.
func (n Notifier) Stopping() error { return n.send("STOPPING=1") }

// Alive keeps systemd from restarting a service that hangs.
func (n Notifier) Alive() error { return n.send("WATCHDOG=1") }

// Status says in words how the service does.
func (n Notifier) Status(text string) error { return n.send("STATUS=" + oneLine(text)) }

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func (n Notifier) send(lines ...string) error {
	if n.socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("tell systemd: %w", err)
	}
	_, err = conn.Write([]byte(strings.Join(lines, "\n")))
	if err := errors.Join(err, conn.Close()); err != nil {
		return fmt.Errorf("tell systemd: %w", err)
	}
	return nil
}
