package email

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"os"
	"slices"
	"strconv"
	"strings"

	"watchdog/diag"
	"watchdog/secret"
)

// Config is who is told by e-mail, and through which server, as it is written in YAML.
type Config struct {
	// Server is a host, or host:port. Default port: 587, with tls: implicit 465, with tls: none 25.
	Server string `yaml:"server"`
	// TLS is starttls, implicit (from the first byte on), or none; default implicit on port 465 and
	// starttls on any other. With starttls a server that does not offer it gets no mail.
	TLS string `yaml:"tls"`
	// CA is a file of certificates to trust in place of the system's.
	CA       string        `yaml:"ca"`
	Username string        `yaml:"username"` // to sign in
	Password secret.String `yaml:"password"` // to sign in
	// From is an address, or a name and an address: Watchdog <watchdog@example.com>.
	From string `yaml:"from"`
	// To are the addresses that are told.
	To []string `yaml:"to"`
}

// The ways to be safe from listeners, as tls spells them.
const (
	startTLS = "starttls"
	implicit = "implicit"
	noTLS    = "none"
)

var portOf = map[string]string{startTLS: "587", implicit: "465", noTLS: "25"}

// Empty reports whether there is nobody to tell, or no server to tell them by.
func (c Config) Empty() bool {
	return c.Server == "" || !slices.ContainsFunc(c.To, func(to string) bool { return to != "" })
}

// Problems are the mistakes in c.
func (c Config) Problems() []diag.Problem {
	var all []diag.Problem
	add := func(field, hint, format string, args ...any) {
		all = append(all, diag.Problemf(field, hint, format, args...))
	}
	if _, _, err := c.address(); err != nil {
		add("server", "write it like smtp.example.com:587", "%v", err)
	}
	if words := []string{startTLS, implicit, noTLS}; c.TLS != "" && !slices.Contains(words, c.TLS) {
		add("tls", "write starttls, implicit or none", "%q is no kind of TLS", c.TLS)
	}
	if _, err := c.trusted(); err != nil {
		add("ca", "name a file of certificates in PEM form", "%v", err)
	}
	switch {
	case c.Username == "" && c.Password != "":
		add("username", "add it", "there is a password, and no username")
	case c.Username != "" && c.TLS == noTLS:
		add("tls", "use starttls, or no username", "without TLS everybody could read the password")
	}
	if _, err := parseAddress(c.From); err != nil {
		add("from", "write it like watchdog@example.com", "from %v", err)
	}
	if len(c.To) == 0 {
		add("to", "write one or more addresses, as [oncall@example.com]", "to is missing")
	}
	for i, to := range c.To {
		if _, err := parseAddress(to); err != nil {
			add(fmt.Sprintf("to[%d]", i), "write it like oncall@example.com", "this %v", err)
		}
	}
	return all
}

func parseAddress(text string) (*mail.Address, error) {
	if text == "" {
		return nil, errors.New("is missing")
	}
	address, err := mail.ParseAddress(text)
	if err != nil {
		return nil, errors.New("is not an address")
	}
	return address, nil
}

// security is tls, or its default.
func (c Config) security() string {
	if c.TLS == "" && strings.HasSuffix(c.Server, ":465") {
		return implicit
	}
	if c.TLS == "" {
		return startTLS
	}
	return c.TLS
}

// address is the host, and host:port.
func (c Config) address() (host, address string, err error) {
	if c.Server == "" {
		return "", "", errors.New("server is missing")
	}
	host, port, err := net.SplitHostPort(c.Server)
	if err != nil { // no port
		host, port = strings.Trim(c.Server, "[]"), portOf[c.security()]
	}
	if n, err := strconv.Atoi(port); port != "" && (err != nil || n < 1 || n > 65535) {
		return "", "", fmt.Errorf("%q is no port", port)
	}
	if host == "" || strings.ContainsAny(host, "/@ \t") {
		return "", "", errors.New("this is not a host")
	}
	return host, net.JoinHostPort(host, port), nil
}

// trusted is the TLS config, apart from the name of the server.
func (c Config) trusted() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA == "" {
		return config, nil
	}
	text, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, errors.New("the file cannot be read")
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(text) {
		return nil, errors.New("there is no certificate in the file")
	}
	return config, nil
}
