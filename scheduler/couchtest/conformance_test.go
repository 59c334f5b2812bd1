package couchtest_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// asked is one recorded request, and which recording answers it.
type asked struct {
	recording string
	request   string // "GET /path", GET if there is no method
	as        string // name:password; "" is the admin, "-" nobody
	header    string // one more header, "Name: value"
	body      string
}

func TestAnswersAreThoseOfTheRecordings(t *testing.T) {
	used := map[string]bool{}
	for _, scene := range scenes {
		t.Run(scene.name, func(t *testing.T) {
			lab := newLab(t)
			scene.stage(lab)
			for _, q := range scene.asked {
				used[q.recording+".http"] = true
				t.Run(q.recording, func(t *testing.T) {
					want := recorded(t, q.recording)
					got := lab.ask(t, q)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s differs from what CouchDB answered (-want +got):\n%s", q.request, diff)
					}
				})
			}
		})
	}
	for _, feed := range feeds {
		used[feed.recording+".http"] = true
	}
	files, err := filepath.Glob("testdata/*.http")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !used[filepath.Base(f)] {
			t.Errorf("recording %s is compared with nothing", f)
		}
	}
}

// feeds are long and were recorded at another time: their lines are compared by kind.
var feeds = []asked{
	{recording: "changes-eventsource-like-style", request: "/_replicator/_changes?style=all_docs"},
	{recording: "changes-continuous", request: "/_replicator/_changes?feed=continuous&include_docs=true&timeout=1"},
	{recording: "replicator-changes", request: "/_replicator/_changes?include_docs=true"},
	{recording: "replicator-all-docs", request: "/_replicator/_all_docs?include_docs=true"},
}

func TestFeedsHaveTheRecordedLines(t *testing.T) {
	for _, q := range feeds {
		t.Run(q.recording, func(t *testing.T) {
			lab := newLab(t)
			stageAll(lab)
			if q.recording != "replicator-changes" && q.recording != "replicator-all-docs" {
				lab.srv.Doc("_replicator", "odd/slash").Delete() // those were recorded after deletions
			}
			want, got := recorded(t, q.recording), lab.ask(t, q)
			want.Body, got.Body = kinds(want.Body), kinds(got.Body)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s differs from what CouchDB answered (-want +got):\n%s", q.request, diff)
			}
		})
	}
}

var (
	anyDoc    = regexp.MustCompile(`"doc":\{.*\}\}`)
	anyID     = regexp.MustCompile(`"(id|key)":"(\\.|[^"])*"`)
	anyNumber = regexp.MustCompile(`\d+(-g1AAAA|-rev|,"offset")`)
	lastComma = regexp.MustCompile(`,\r?\n$`)
)

// kinds are the different lines of a feed, less what is in them.
func kinds(lines []string) []string {
	var all []string
	for _, line := range lines {
		line = anyDoc.ReplaceAllString(line, `"doc":{}}`)
		line = anyID.ReplaceAllString(line, `"$1":""`)
		line = anyNumber.ReplaceAllString(line, "N$1")
		all = append(all, lastComma.ReplaceAllString(line, "\n"))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// answer is what is compared: all but what differs from request to request.
type answer struct {
	Status int
	Header map[string]string
	Length string // "body" if Content-Length is the body's, "chunked", or the number that it is
	Body   []string
}

// recorded reads a recording. Its chunks are joined already but in docs-all-raw-chunked.
func recorded(t *testing.T, name string) answer {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".http"))
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	lines := strings.Split(string(head), "\r\n")
	status, err := strconv.Atoi(strings.Fields(lines[0])[1])
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		header.Add(name, value)
	}
	if strings.HasSuffix(name, "raw-chunked") {
		res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err = io.ReadAll(res.Body); err != nil {
			t.Fatal(err)
		}
	}
	return newAnswer(status, header, body)
}

func (l *lab) ask(t *testing.T, q asked) answer {
	t.Helper()
	method, path, found := strings.Cut(q.request, " ")
	if !found {
		method, path = "GET", q.request
	}
	body := q.body
	req, err := http.NewRequest(method, "http://couchdb"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case q.as == "":
		req.SetBasicAuth("admin", "secret")
	case q.as != "-":
		name, password, _ := strings.Cut(q.as, ":")
		req.SetBasicAuth(name, password)
	}
	req.Header.Set("Accept-Encoding", "identity")
	switch {
	case strings.HasPrefix(body, "{"):
		req.Header.Set("Content-Type", "application/json")
	case body != "":
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if name, value, found := strings.Cut(q.header, ": "); found {
		req.Header.Set(name, value)
	}
	res, err := l.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	header := res.Header.Clone()
	if len(res.TransferEncoding) > 0 {
		header.Set("Transfer-Encoding", res.TransferEncoding[0])
	}
	return newAnswer(res.StatusCode, header, got)
}

func newAnswer(status int, header http.Header, body []byte) answer {
	a := answer{Status: status, Header: map[string]string{}, Length: header.Get("Content-Length")}
	switch {
	case header.Get("Transfer-Encoding") == "chunked":
		a.Length += "chunked"
	case len(body) > 0 && a.Length == strconv.Itoa(len(body)):
		a.Length = "body"
	case len(body) == 0 && a.Length != "0":
		a.Length = "not zero" // of a HEAD
	}
	for name := range header {
		switch name {
		case "Date", "Content-Length", "Transfer-Encoding", "Connection":
		default:
			a.Header[name] = mask(header.Get(name))
		}
	}
	text := mask(string(body))
	for line := range strings.SplitAfterSeq(text, "\n") {
		a.Body = append(a.Body, strings.SplitAfter(line, "},{")...)
	}
	if strings.HasPrefix(text, `[{"node"`) { // the tasks have no order
		a.Body = strings.Split(strings.Trim(text, "[{}]\n"), "},{")
		slices.Sort(a.Body)
	}
	return a
}

// masks hide what differs between two servers that are in the same state.
var masks = []struct {
	pattern *regexp.Regexp
	by      string
}{
	{regexp.MustCompile(`(\d+)-g1AAAA[\w-]+`), "$1-g1AAAA"},  // the number of a sequence stays
	{regexp.MustCompile(`"(\d+)-[0-9a-f]{32}"`), `"$1-rev"`}, // and that of a revision
	{regexp.MustCompile(`<0\.\d+\.\d+>`), "<pid>"},
	{regexp.MustCompile(`^[0-9a-f]{10}$`), "request id"},
	{regexp.MustCompile(`^"[0-9A-Z]{12,26}"$`), "etag of a feed"},
	{regexp.MustCompile(`AuthSession=[\w-]+;`), "AuthSession=value;"},
	{regexp.MustCompile(`Expires=[^;]+;`), "Expires=later;"},
	{regexp.MustCompile(`"checkpoint_interval":\d+`), `"interval":1`}, // the lab's was not the default
	{regexp.MustCompile(`"updated_on":\d+`), `"updated_on":1`},
	{regexp.MustCompile(`"started_on":(\d+)\d`), `"started_on":${1}0`}, // rounded otherwise
	{regexp.MustCompile(`_replicator\.\d{10}"`), `_replicator.created"`},
	{regexp.MustCompile(`"value":\d+`), `"value":1`}, // the lab had a history of its own
}

func mask(s string) string {
	for _, m := range masks {
		s = m.pattern.ReplaceAllString(s, m.by)
	}
	return s
}
