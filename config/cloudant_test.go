package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchdog/config"
	"watchdog/diag"
	"watchdog/scheduler"
)

// yamlBlocks are the fenced blocks of YAML in a page, without their indentation.
func yamlBlocks(page string) []string {
	var blocks []string
	inside, indent := false, 0
	for line := range strings.Lines(page) {
		text := strings.TrimLeft(line, " ")
		switch {
		case !inside && strings.HasPrefix(text, "```yaml"):
			inside, indent = true, len(line)-len(text)
			blocks = append(blocks, "")
		case inside && strings.HasPrefix(text, "```"):
			inside = false
		case inside:
			blocks[len(blocks)-1] += line[min(indent, len(line)-len(text)):]
		}
	}
	return blocks
}

// keyPair is a certificate and its key, as PEM.
func keyPair(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}))
}

func TestConfigsOfTheCloudantPageLoad(t *testing.T) {
	page, err := os.ReadFile("../docs/cloudant.md")
	if err != nil {
		t.Fatal(err)
	}
	cert, key := keyPair(t)
	const (
		bluemix = "https://76838001-b883-444d-90d0-46f89e942a15-bluemix."
		couchdb = "https://couchdb.example.com:6984"
		secret  = "hunter2hunter2"
	)
	type auth = scheduler.Auth
	iam := func(url string) auth { return auth{IAMAPIKey: secret, IAMURL: url} }
	const public = "https://iam.cloud.ibm.com"
	want := []scheduler.Spec{
		{URL: bluemix + "cloudantnosqldb.appdomain.cloud", Auth: iam(public)},
		{URL: bluemix + "cloudantnosqldb.appdomain.cloud", Auth: iam(public)},
		{URL: bluemix + "cloudant.com", Auth: iam(public)},
		{URL: couchdb, Auth: auth{Username: "watchdog", Password: secret}},
		{URL: couchdb, Auth: auth{Username: "watchdog", Password: secret, Basic: true}},
		{URL: bluemix + "cloudantnosqldb.appdomain.cloud", Auth: iam("https://private.iam.cloud.ibm.com")},
		{URL: couchdb, Auth: auth{Bearer: secret}},
		{URL: couchdb, Auth: auth{BearerFile: "couchdb.jwt"}},
		{URL: couchdb, Auth: auth{Proxy: scheduler.Proxy{Username: "watchdog", Roles: []string{"_admin"}, Secret: secret, Hash: "sha256"}}},
		{
			URL: "https://couchdb.internal:6984", Auth: auth{Username: "watchdog", Password: secret},
			TLS: scheduler.TLS{CA: "ca.pem", Cert: "watchdog.pem", Key: "watchdog.key", ServerName: "couchdb.example.com"},
		},
	}
	var got []scheduler.Spec
	for _, block := range yamlBlocks(string(page)) {
		f := folder{
			"watchdog.yaml": block, "cloudant-apikey": secret + "\n", "couchdb-password": secret, "couchdb-secret": secret,
			"couchdb.jwt": secret, "ca.pem": cert, "watchdog.pem": cert, "watchdog.key": key,
		}
		c := f.mustLoad(t, variables{"CLOUDANT_URL": bluemix + "cloudantnosqldb.appdomain.cloud", "CLOUDANT_APIKEY": secret})
		for _, s := range c.Servers {
			got = append(got, scheduler.Spec{URL: s.URL, Auth: s.Auth, TLS: s.TLS})
		}
		if text, err := c.YAML(); err != nil || strings.Contains(string(text), secret) {
			t.Errorf("the config as understood shows the secret, or nothing (%v):\n%s", err, text)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("servers of the page (-want +got):\n%s", diff)
	}
}

func TestWhatTheEnvironmentLacksIsShownWhereItIsNamed(t *testing.T) {
	const text = "servers:\n  - name: a\n    env: CLOUDANT\n    max_concurrent: -1\n"
	for _, test := range []struct {
		name string
		env  variables
		want []string // each in the diagnostics
	}{
		{"nothing", nil, []string{"watchdog.yaml:3:10: CLOUDANT_URL: it is not set; set it to", "watchdog.yaml:4:21: -1 requests at a time is none"}},
		{
			"a secret in the wrong place",
			variables{"CLOUDANT_URL": "https://a", "CLOUDANT_AUTH_TYPE": "hunter2hunter2"},
			[]string{`watchdog.yaml:3:10: CLOUDANT_AUTH_TYPE: "*****" is not a kind of authentication`},
		},
		{
			"another secret in the wrong place",
			variables{"CLOUDANT_URL": "hunter2hunter2", "CLOUDANT_APIKEY": "k"},
			[]string{"watchdog.yaml:3:10: CLOUDANT_URL: not an http or https URL"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, list := folder{"watchdog.yaml": text}.load(test.env)
			said := pretty(list)
			for _, want := range test.want {
				if !strings.Contains(said, want) {
					t.Errorf("diagnostics lack %q:\n%s", want, said)
				}
			}
			if strings.Contains(said, "hunter2") {
				t.Errorf("diagnostics show the secret:\n%s", said)
			}
		})
	}
}

func TestServerWhoseVariablesAreNotSetCanBeLeftOut(t *testing.T) {
	text := strings.Replace(oneServer, "servers: [", "servers: [{name: cloudant, env: CLOUDANT, optional: true}, ", 1)
	c := folder{"watchdog.yaml": text}.mustLoad(t, nil)
	if diff := cmp.Diff([]string{"prod"}, serverNames(c.Servers)); diff != "" {
		t.Errorf("servers without the variables (-want +got):\n%s", diff)
	}
	c = folder{"watchdog.yaml": text}.mustLoad(t, variables{"CLOUDANT_URL": "https://a", "CLOUDANT_APIKEY": "k"})
	if diff := cmp.Diff([]string{"cloudant", "prod"}, serverNames(c.Servers)); diff != "" {
		t.Errorf("servers with them (-want +got):\n%s", diff)
	}
}

func TestFilesOfAServerCountFromTheFolderOfItsFile(t *testing.T) {
	cert, _ := keyPair(t)
	const included = "servers:\n  - name: a\n    url: https://a\n    auth: {bearer_file: jwt}\n    tls: {ca: ca.pem}\n"
	f := folder{"watchdog.yaml": "include: [conf/*.yaml]\n", "conf/servers.yaml": included, "conf/jwt": "t", "conf/ca.pem": cert}
	s := f.mustLoad(t, nil).Servers[0]
	if diff := cmp.Diff([]string{"conf/jwt", "conf/ca.pem"}, []string{s.Auth.BearerFile, s.TLS.CA}); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	if c := f.mustLoad(t, nil); slices.Contains(c.Files, "conf/jwt") {
		t.Errorf("files that ask for a reload: got %v, want none that is read again by itself", c.Files)
	}
	delete(f, "conf/jwt")
	f["conf/ca.pem"] = "hunter2hunter2"
	_, list := f.load(nil)
	said := pretty(list)
	for _, want := range []string{
		"conf/servers.yaml:4:25: the file cannot be read: file does not exist; a path counts from the folder of the config file",
		"conf/servers.yaml:5:15: the file holds no PEM certificate",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("diagnostics lack %q:\n%s", want, said)
		}
	}
}

func TestFilesOfASourceCountFromTheFolderOfItsFile(t *testing.T) {
	f := folder{"conf/watchdog.yaml": oneServer + "sources: [{host: a, auth: {bearer_file: jwt}}]\n", "conf/jwt": "t"}
	load := func() (*config.Config, diag.List) {
		return config.Load(config.Options{Path: "conf/watchdog.yaml", Env: variables{}.lookup, ReadFile: f.read, Glob: f.glob})
	}
	c, list := load()
	if list.Failed() || c.Sources[0].Auth.BearerFile != "conf/jwt" {
		t.Errorf("Load: got %v, want a file in the folder of the config:\n%s", c, pretty(list))
	}
	delete(f, "conf/jwt")
	_, list = load()
	if want := "conf/watchdog.yaml:2:41: the file cannot be read: file does not exist"; !strings.Contains(pretty(list), want) {
		t.Errorf("diagnostics lack %q:\n%s", want, pretty(list))
	}
}

func TestTwoWaysToSignInAreNamed(t *testing.T) {
	const text = "servers:\n  - name: a\n    url: https://a\n    auth: {username: u, password: hunter2hunter2, iam_api_key: hunter2hunter2}\n"
	_, list := folder{"watchdog.yaml": text}.load(nil)
	said := pretty(list)
	if want := "watchdog.yaml:4:64: auth.username and auth.iam_api_key are two ways to sign in; keep one of them"; !strings.Contains(said, want) || strings.Contains(said, "hunter2") {
		t.Errorf("got\n%s\nwant %q, and no secret", said, want)
	}
}
