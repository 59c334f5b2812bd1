package gate_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchdog/web/gate"
)

// pair is a certificate and its key as PEM.
func pair(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

func put(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// Each line of the film is what is done to the files, and whose certificate is used afterwards.
func TestCertificateIsRotated(t *testing.T) {
	dir := t.TempDir()
	files := gate.TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	oldCert, oldKey := pair(t, "old")
	newCert, newKey := pair(t, "new")
	put(t, files.Cert, oldCert)
	put(t, files.Key, oldKey)
	troubles := 0
	c, err := gate.OpenCertificate(files, func(error) { troubles++ })
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		do       func()
		want     string
		troubles int // so far
	}{
		{"nothing", func() {}, "old", 0},
		{"the certificate is replaced, and the key not yet", func() { put(t, files.Cert, newCert) }, "old", 1},
		{"nothing, which is no new trouble", func() {}, "old", 1},
		{"the key too", func() { put(t, files.Key, newKey) }, "new", 1},
		{"the key is replaced first", func() { put(t, files.Key, oldKey) }, "new", 2},
		{"and then the certificate", func() { put(t, files.Cert, oldCert) }, "old", 2},
		{"a file is gone", func() { os.Remove(files.Key) }, "old", 3},
		{"and is back", func() { put(t, files.Key, oldKey) }, "old", 3},
		{"half a file", func() { put(t, files.Cert, newCert[:40]) }, "old", 4},
	} {
		tt.do()
		got, err := c.Get(nil)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(got.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		if leaf.Subject.CommonName != tt.want || troubles != tt.troubles {
			t.Errorf("%s: got the certificate of %s and %d troubles, want %s and %d", tt.name, leaf.Subject.CommonName, troubles, tt.want, tt.troubles)
		}
	}
}

func TestFileProblems(t *testing.T) {
	cert, key := pair(t, "one")
	_, other := pair(t, "other")
	for _, tt := range []struct {
		name      string
		cert, key []byte
		want      string
	}{
		{"a pair", cert, key, ""},
		{"a certificate that is not there", nil, key, "tls.cert: the file cannot be read: file does not exist"},
		{"a key that is not there", cert, nil, "tls.key: the file cannot be read: file does not exist"},
		{"the key of another", cert, other, "tls.cert: not a pair: tls: private key does not match public key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			read := func(path string) ([]byte, error) {
				content := map[string][]byte{"conf/c.pem": tt.cert, "/k.pem": tt.key}[path]
				if content == nil {
					return nil, &os.PathError{Op: "open", Path: path, Err: os.ErrNotExist}
				}
				return content, nil
			}
			spec := gate.Spec{TLS: &gate.TLS{Cert: "c.pem", Key: "/k.pem"}}.PathsFrom("conf")
			var got []string
			for _, p := range spec.FileProblems(read) {
				got = append(got, fmt.Sprintf("%s: %s", p.Field, p.Message))
			}
			if got := strings.Join(got, "\n"); got != tt.want {
				t.Errorf("FileProblems: got %q, want %q", got, tt.want)
			}
		})
	}
}
