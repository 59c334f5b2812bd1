package scheduler

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"watchdog/diag"
)

// TLS is how the server is recognized, and how Watchdog shows who it is to a server that asks for
// a certificate. It goes with any Auth: CouchDB checks a certificate and asks for a user all the
// same. The files are read again when they change. The zero value is the system's roots and no
// certificate.
type TLS struct {
	CA         string `yaml:"ca"`          // PEM file of the roots to trust, in place of the system's
	Cert       string `yaml:"cert"`        // PEM file: our certificate, then those between it and its root
	Key        string `yaml:"key"`         // PEM file: the key of cert
	ServerName string `yaml:"server_name"` // that the server's certificate must have; default the URL's host
	// InsecureSkipVerify takes any certificate: whoever is between can read and change everything.
	InsecureSkipVerify bool `yaml:"insecure_skip_verify"`
}

// files are those to watch.
func (t TLS) files() []string {
	var all []string
	for _, path := range []string{t.CA, t.Cert, t.Key} {
		if path != "" {
			all = append(all, path)
		}
	}
	return all
}

func (t TLS) problems(url string) []diag.Problem {
	var ps []diag.Problem
	switch {
	case t == TLS{}:
		return nil
	case url != "" && !strings.HasPrefix(strings.ToLower(url), "https://"):
		ps = append(ps, diag.Problemf("tls", "write https:// in url, or remove tls", "tls needs an https URL"))
	case t.Cert != "" && t.Key == "":
		ps = append(ps, diag.Problemf("tls.key", "add the PEM file of its key", "tls.cert has no tls.key"))
	case t.Cert == "" && t.Key != "":
		ps = append(ps, diag.Problemf("tls.cert", "add the PEM file of the certificate", "tls.key has no tls.cert"))
	}
	if t.InsecureSkipVerify && t.CA != "" {
		ps = append(ps, diag.Problemf("tls.insecure_skip_verify", "keep tls.ca alone", "tls.ca is of no use with tls.insecure_skip_verify"))
	}
	return ps
}

// config reads the files.
func (t TLS) config(read func(string) ([]byte, error)) (*tls.Config, error) {
	roots, err := t.roots(x509.NewCertPool(), read)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{RootCAs: roots, ServerName: t.ServerName, InsecureSkipVerify: t.InsecureSkipVerify}
	if t.Cert == "" {
		return c, nil
	}
	pair, err := t.pair(read)
	if err != nil {
		return nil, err
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}

// roots are pool with the certificates of CA; nil, which means the system's, where there is no CA.
func (t TLS) roots(pool *x509.CertPool, read func(string) ([]byte, error)) (*x509.CertPool, error) {
	if t.CA == "" {
		return nil, nil
	}
	pem, err := read(t.CA)
	if err != nil {
		return nil, &fileError{"tls.ca", t.CA, err}
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, &fileError{"tls.ca", t.CA, errors.New("the file holds no PEM certificate")}
	}
	return pool, nil
}

func (t TLS) pair(read func(string) ([]byte, error)) (tls.Certificate, error) {
	cert, err := read(t.Cert)
	if err != nil {
		return tls.Certificate{}, &fileError{"tls.cert", t.Cert, err}
	}
	key, err := read(t.Key)
	if err != nil {
		return tls.Certificate{}, &fileError{"tls.key", t.Key, err}
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, &fileError{"tls.cert", t.Cert, fmt.Errorf("with tls.key: %w", err)}
	}
	return pair, nil
}

// transport is connections to the server.
func (s Spec) transport() http.RoundTripper {
	build := func() (*http.Transport, error) {
		c, err := s.TLS.config(os.ReadFile)
		if err != nil {
			return nil, err
		}
		return newTransport(s, c), nil
	}
	return newRotating(s.TLS.files(), build)
}

// tokenTransport is connections to where tokens are asked for. A CA that is needed for the server
// may stand in front of the world too, so it is trusted beside the system's roots; the
// certificate and the name are for the server alone.
func (s Spec) tokenTransport() http.RoundTripper {
	ca := TLS{CA: s.TLS.CA}
	build := func() (*http.Transport, error) {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		roots, err := ca.roots(pool, os.ReadFile)
		if err != nil {
			return nil, err
		}
		return newTransport(s, &tls.Config{RootCAs: roots, InsecureSkipVerify: s.Auth.IAMInsecureSkipVerify}), nil
	}
	return newRotating(ca.files(), build)
}
