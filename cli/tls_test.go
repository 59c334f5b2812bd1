package cli_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"watchdog/scheduler/couchtest"
)

// writePair puts a certificate, which tells its name, and its key over those that are there: the
// certificate first, as most tools do, and the key a while later.
func writePair(t *testing.T, dir, name string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"watchdog.example.com"},
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
	for file, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path+".new", pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"cert.pem", "key.pem"} {
		if err := os.Rename(filepath.Join(dir, file+".new"), filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
		<-time.After(100 * time.Millisecond)
	}
}

// A certificate is replaced while requests run: none fails, and soon the new one is shown.
func TestRunRotatesItsCertificate(t *testing.T) {
	dir := t.TempDir()
	writePair(t, dir, "old")
	url, log, end := openPage(t, serve(t, couchtest.New(couchtest.Options{})), "127.0.0.1:0",
		fmt.Sprintf(", tls: {cert: %q, key: %q}", filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")))
	if url == "" {
		t.Fatalf("run: the page is not open\n%s", log)
	}
	var shown atomic.Pointer[string]
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true,
		VerifyConnection: func(c tls.ConnectionState) error {
			shown.Store(&c.PeerCertificates[0].Subject.CommonName)
			return nil
		},
	}}}
	stop, asked := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				asked <- n
				return
			default:
			}
			resp, err := client.Get(url + "healthz")
			if err != nil {
				t.Errorf("request %d: %v", n, err)
				continue
			}
			resp.Body.Close()
		}
	}()
	for _, name := range []string{"second", "third"} {
		writePair(t, dir, name)
		for deadline := time.Now().Add(5 * time.Second); shown.Load() == nil || *shown.Load() != name; <-time.After(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the certificate of %s is not shown 5 s after it was written", name)
			}
		}
	}
	close(stop)
	if n := <-asked; n < 10 {
		t.Errorf("requests during two rotations: got %d, want some", n)
	}
	if _, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10,
	}}}).Get(url + "healthz"); err == nil {
		t.Error("TLS 1.1: got an answer, want none")
	}
	if code := end(); code != 0 {
		t.Errorf("run: got exit code %d, want 0", code)
	}
}
