package gate

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"watchdog/diag"
)

// TLS is a certificate and its key, in files. They are read again when they change.
type TLS struct {
	Cert string `yaml:"cert"` // PEM, with the certificates between it and the root
	Key  string `yaml:"key"`  // PEM
}

// Scheme is that of the page's address.
func (s Spec) Scheme() string {
	if s.TLS != nil {
		return "https"
	}
	return "http"
}

// PathsFrom is the spec with paths that count from a folder.
func (s Spec) PathsFrom(dir string) Spec {
	if s.TLS == nil {
		return s
	}
	t := *s.TLS
	for _, path := range []*string{&t.Cert, &t.Key} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
	s.TLS = &t
	return s
}

// FileProblems is every mistake in the files that the spec names, of which Problems says that they
// are named.
func (s Spec) FileProblems(read func(string) ([]byte, error)) []diag.Problem {
	if s.TLS == nil || s.TLS.Cert == "" || s.TLS.Key == "" {
		return nil
	}
	cert, err := read(s.TLS.Cert)
	if err != nil {
		return []diag.Problem{unreadable("tls.cert", err)}
	}
	key, err := read(s.TLS.Key)
	if err != nil {
		return []diag.Problem{unreadable("tls.key", err)}
	}
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		return []diag.Problem{diag.Problemf("tls.cert", "give a certificate and its own key, both as PEM", "not a pair: %v", err)}
	}
	return nil
}

func unreadable(field string, err error) diag.Problem {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	return diag.Problemf(field, "its path counts from the folder of the config", "the file cannot be read: %v", err)
}

// Pins is whether a certificate is the one in the file: how a command on the same machine knows the
// daemon, by whatever name it asks for it.
func (t TLS) Pins(presented *x509.Certificate) error {
	text, err := os.ReadFile(t.Cert)
	if err != nil {
		return fmt.Errorf("read the certificate of http.tls: %w", err)
	}
	if block, _ := pem.Decode(text); block == nil || !bytes.Equal(block.Bytes, presented.Raw) {
		return errors.New("this is not the certificate of http.tls")
	}
	return nil
}

// Certificate is the pair of a TLS that is in use. It may be used by many goroutines.
type Certificate struct {
	files   TLS
	trouble func(error)

	mu     sync.Mutex // guards the rest
	pair   *tls.Certificate
	looked [2]fs.FileInfo // of the last reading, good or not
}

// OpenCertificate reads the pair, which must be good. Trouble is told when a later one is not.
func OpenCertificate(files TLS, trouble func(error)) (*Certificate, error) {
	c := &Certificate{files: files, trouble: trouble}
	if err := c.read(); err != nil {
		return nil, err
	}
	return c, nil
}

// Get is the pair for one connection. Files that have changed are read again; where only one of the
// two has been replaced yet, the pair of before is still in use.
func (c *Certificate) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed() {
		if err := c.read(); err != nil {
			c.trouble(err)
		}
	}
	return c.pair, nil
}

// changed reports whether the files are others than at the last reading.
func (c *Certificate) changed() bool {
	for i, info := range c.look() {
		before := c.looked[i]
		switch {
		case info == nil || before == nil:
			if info != before {
				return true
			}
		case !os.SameFile(info, before) || info.Size() != before.Size() || !info.ModTime().Equal(before.ModTime()):
			return true
		}
	}
	return false
}

// look is nil for a file that is not there.
func (c *Certificate) look() (infos [2]fs.FileInfo) {
	for i, path := range []string{c.files.Cert, c.files.Key} {
		if info, err := os.Stat(path); err == nil {
			infos[i] = info
		}
	}
	return infos
}

// read looks before it reads: a change meanwhile shows at the next look.
func (c *Certificate) read() error {
	c.looked = c.look()
	pair, err := tls.LoadX509KeyPair(c.files.Cert, c.files.Key)
	if err != nil {
		return fmt.Errorf("read the certificate of http.tls: %w", err)
	}
	c.pair = &pair
	return nil
}
