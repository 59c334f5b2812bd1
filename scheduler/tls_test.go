package scheduler_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/scheduler"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	a := authority{key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pem = encodePEM("CERTIFICATE", der)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func encodePEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// issue is a certificate and its key for one who is called name and is at 127.0.0.1, or at hosts.
func (a authority) issue(t *testing.T, name string, hosts ...string) (cert, key string) {
	t.Helper()
	k := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: hosts,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if len(hosts) == 0 {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, k.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return encodePEM("CERTIFICATE", der), encodePEM("EC PRIVATE KEY", private)
}

// secured is a server that shows a certificate of one authority, asks for one of another, and
// keeps whom it saw.
type secured struct {
	*httptest.Server
	mu      sync.Mutex // guards the rest
	cert    tls.Certificate
	clients *x509.CertPool // nil: it asks for no certificate
	seen    []string

	closed chan struct{} // one for each connection that was closed
}

func newSecured(t *testing.T, h http.Handler, server authority, hosts ...string) *secured {
	t.Helper()
	s := &secured{closed: make(chan struct{}, 99)}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := ""
		if len(r.TLS.PeerCertificates) > 0 {
			name = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		s.mu.Lock()
		s.seen = append(s.seen, name)
		s.mu.Unlock()
		h.ServeHTTP(w, r)
	}))
	s.shows(t, server, hosts...)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are what is tested
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			s.closed <- struct{}{}
		}
	}
	s.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		c := &tls.Config{Certificates: []tls.Certificate{s.cert}, NextProtos: []string{"h2", "http/1.1"}}
		if s.clients != nil {
			c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, s.clients
		}
		return c, nil
	}}
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// shows gives the server a new certificate.
func (s *secured) shows(t *testing.T, server authority, hosts ...string) {
	t.Helper()
	cert, key := server.issue(t, "couchdb", hosts...)
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cert = pair
}

func (s *secured) asksFor(a authority) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients = x509.NewCertPool()
	s.clients.AddCert(a.cert)
}

func (s *secured) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

func ask(t *testing.T, c *scheduler.Client) error {
	t.Helper()
	_, err := c.Ask(t.Context(), oneKey)
	return err
}

func TestTLSRecognizesTheServer(t *testing.T) {
	ours, theirs := newAuthority(t, "ours"), newAuthority(t, "theirs")
	ca := filepath.Join(t.TempDir(), "ca.pem")
	put(t, ca, theirs.pem+ours.pem)
	for _, test := range []struct {
		name  string
		hosts []string // of the server's certificate
		tls   scheduler.TLS
		want  string // a part of the error; "" for none
	}{
		{"an authority that the system does not know", nil, scheduler.TLS{}, "certificate signed by unknown authority"},
		{"an authority of the ca file", nil, scheduler.TLS{CA: ca}, ""},
		{"another name than the URL's", []string{"db.example.com"}, scheduler.TLS{CA: ca}, "cannot validate certificate for 127.0.0.1"},
		{"the name that is expected instead", []string{"db.example.com"}, scheduler.TLS{CA: ca, ServerName: "db.example.com"}, ""},
		{
			"another name than is expected",
			[]string{"db.example.com"},
			scheduler.TLS{CA: ca, ServerName: "db2.example.com"},
			"certificate is valid for db.example.com, not db2.example.com",
		},
		{"any certificate at all", []string{"db.example.com"}, scheduler.TLS{InsecureSkipVerify: true}, ""},
		{"a ca file that is not there", nil, scheduler.TLS{CA: ca + "x"}, "GET /_scheduler/docs/_replicator/cont-running of prod: read tls.ca: open " + ca + "x: no such file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSecured(t, newCouch(map[string]any{oneDoc: "doc-running"}), ours, test.hosts...)
			err := ask(t, dial(t, scheduler.Spec{URL: s.URL, TLS: test.tls}, nil))
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("Ask: got %v, want %q", err, test.want)
			}
		})
	}
}

func TestNewAuthorityNeedsNoRestart(t *testing.T) {
	old, young := newAuthority(t, "old"), newAuthority(t, "young")
	ca := filepath.Join(t.TempDir(), "ca.pem")
	put(t, ca, old.pem)
	s := newSecured(t, newCouch(map[string]any{oneDoc: "doc-running"}), old)
	c := dial(t, scheduler.Spec{URL: s.URL, TLS: scheduler.TLS{CA: ca}}, nil)
	if err := ask(t, c); err != nil {
		t.Fatalf("Ask: %v", err)
	}
	s.shows(t, young)
	s.CloseClientConnections()
	if err := ask(t, c); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("Ask with the old file: got %v, want an unknown authority", err)
	}
	put(t, ca, "not PEM")
	if want := " (with files of before: read tls.ca: " + ca + ": the file holds no PEM certificate)"; !strings.HasSuffix(fmt.Sprint(ask(t, c)), want) {
		t.Errorf("Ask with a broken file: got %v, want it to end %q", ask(t, c), want)
	}
	put(t, ca, old.pem+young.pem)
	if err := ask(t, c); err != nil {
		t.Errorf("Ask with the new file: %v", err)
	}
}

func TestClientCertificateIsRotated(t *testing.T) {
	servers, clients := newAuthority(t, "servers"), newAuthority(t, "clients")
	dir := t.TempDir()
	files := scheduler.TLS{CA: filepath.Join(dir, "ca.pem"), Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	put(t, files.CA, servers.pem)
	for _, authorized := range []scheduler.Auth{{}, {Username: "admin", Password: password}, {Bearer: "a.b.c"}} {
		s := newSecured(t, newCouch(map[string]any{oneDoc: "doc-running", login: "session-post"}), servers)
		s.asksFor(clients)
		cert, key := clients.issue(t, "first")
		put(t, files.Cert, cert)
		put(t, files.Key, key)
		c := dial(t, scheduler.Spec{URL: s.URL, TLS: files, Auth: authorized}, nil)
		if err := ask(t, c); err != nil {
			t.Fatalf("Ask: %v", err)
		}
		cert, key = clients.issue(t, "second")
		put(t, files.Cert, cert) // its key is still the old one's
		if err := ask(t, c); err != nil {
			t.Errorf("Ask between the two files: %v", err)
		}
		put(t, files.Key, key)
		if err := ask(t, c); err != nil {
			t.Errorf("Ask after the rotation: %v", err)
		}
		got := s.names()
		if got = got[len(got)-3:]; authorized.Username == "" {
			if diff := cmp.Diff([]string{"first", "first", "second"}, got); diff != "" {
				t.Errorf("clients at the server (-want +got):\n%s", diff)
			}
		} else if got[2] != "second" {
			t.Errorf("clients at the server: got %v, want the second at last", got)
		}
	}
}

func TestConnectionsOfTheOldCertificateAreClosed(t *testing.T) {
	servers, clients := newAuthority(t, "servers"), newAuthority(t, "clients")
	dir := t.TempDir()
	files := scheduler.TLS{CA: filepath.Join(dir, "ca.pem"), Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	put(t, files.CA, servers.pem)
	s := newSecured(t, newCouch(map[string]any{oneDoc: "doc-running"}), servers)
	s.asksFor(clients)
	c := dial(t, scheduler.Spec{URL: s.URL, TLS: files}, nil)
	for _, name := range []string{"first", "second"} {
		cert, key := clients.issue(t, name)
		put(t, files.Cert, cert)
		put(t, files.Key, key)
		if err := ask(t, c); err != nil {
			t.Fatalf("Ask: %v", err)
		}
	}
	select {
	case <-s.closed:
	case <-time.After(10 * time.Second):
		t.Error("the connection with the first certificate is still open")
	}
}

func TestServerThatWantsACertificate(t *testing.T) {
	a := newAuthority(t, "ours")
	ca := filepath.Join(t.TempDir(), "ca.pem")
	put(t, ca, a.pem)
	s := newSecured(t, newCouch(nil), a)
	s.asksFor(a)
	if err := ask(t, dial(t, scheduler.Spec{URL: s.URL, TLS: scheduler.TLS{CA: ca}}, nil)); err == nil || len(s.names()) > 0 {
		t.Errorf("Ask without a certificate: got %v, and requests of %q", err, s.names())
	}
}

func TestTLSOfIAM(t *testing.T) {
	a := newAuthority(t, "ours")
	dir := t.TempDir()
	ca, certFile, keyFile := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	put(t, ca, a.pem)
	cert, key := a.issue(t, "watchdog")
	put(t, certFile, cert)
	put(t, keyFile, key)
	for _, test := range []struct {
		name string
		tls  scheduler.TLS
		skip bool // iam_insecure_skip_verify
		want string
	}{
		{"an authority that the system does not know", scheduler.TLS{InsecureSkipVerify: true}, false, "/identity/token for prod: tls: failed to verify certificate"},
		{"any certificate at all", scheduler.TLS{InsecureSkipVerify: true}, true, ""},
		{
			"the ca of the server holds for IAM, its name and our certificate do not",
			scheduler.TLS{CA: ca, Cert: certFile, Key: keyFile, ServerName: "db.example.com"},
			false, "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			iam := newSecured(t, newIssuer(time.Hour), a)
			s := newSecured(t, newCouch(map[string]any{oneDoc: "doc-running"}), a, "db.example.com")
			spec := scheduler.Spec{URL: s.URL, TLS: test.tls, Auth: scheduler.Auth{IAMAPIKey: "k3y", IAMURL: iam.URL, IAMInsecureSkipVerify: test.skip}}
			err := ask(t, dial(t, spec, nil))
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("Ask: got %v, want %q", err, test.want)
			}
			for _, name := range iam.names() {
				if name != "" {
					t.Errorf("IAM saw the certificate of %q, want none", name)
				}
			}
		})
	}
}
