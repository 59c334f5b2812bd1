package scheduler

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"

	"watchdog/secret"
)

const bearerPrefix = "Bearer "

func setBearer(req *http.Request, token string) { req.Header.Set("Authorization", bearerPrefix+token) }

func bearerOf(req *http.Request) string {
	return strings.TrimPrefix(req.Header.Get("Authorization"), bearerPrefix)
}

// bearer sends the same token with each request.
type bearer struct{ token secret.String }

func (b bearer) Authenticate(req *http.Request) error {
	setBearer(req, b.token.Reveal())
	return nil
}

// bearerFile sends the token that a file holds, and reads it again when it has changed.
type bearerFile struct {
	path string

	mu    sync.Mutex // guards the rest
	info  fs.FileInfo
	token string
}

func (b *bearerFile) Authenticate(req *http.Request) error {
	token, err := b.current()
	if err != nil {
		return err
	}
	setBearer(req, token)
	return nil
}

// Forget reports whether the file holds another token than req bore. It is read however old it
// says that it is: some filesystems count their times in seconds.
func (b *bearerFile) Forget(req *http.Request) bool {
	b.mu.Lock()
	b.info = nil
	b.mu.Unlock()
	token, err := b.current()
	return err == nil && token != bearerOf(req)
}

// current is the token in the file. A file that cannot be read just now, since it is being
// replaced, is no trouble before the server refuses the last token.
func (b *bearerFile) current() (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	info, _ := os.Stat(b.path) // reading it will say what is wrong
	if unchanged(b.info, info) {
		return b.token, nil
	}
	token, err := readToken(b.path, os.ReadFile)
	switch {
	case err == nil:
		b.info, b.token = info, token
	case b.token == "":
		return "", err
	}
	return b.token, nil
}

// readToken is the token in a file; its errors do not quote it.
func readToken(path string, read func(string) ([]byte, error)) (string, error) {
	content, err := read(path)
	token := strings.TrimSpace(string(content))
	switch {
	case err != nil:
	case token == "":
		err = errors.New("the file is empty")
	case !oneWord(secret.String(token)):
		err = errors.New("the file holds more than a token")
	}
	if err != nil {
		return "", &fileError{"auth.bearer_file", path, err}
	}
	return token, nil
}

// tokenFault is in CouchDB's reason for a 400 that is about the token, not the request:
// "Bad signature", "Missing exp claim", "Invalid alg header parameter", "Unknown kid".
var tokenFault = regexp.MustCompile(`(?i)\b(signature|hmac|claim|header parameter|token|kid)\b`)

// badToken reports whether e refuses a token, by a status that says something else.
func (a Auth) badToken(e *Error) bool {
	return (a.Bearer != "" || a.BearerFile != "") && e.Status == http.StatusBadRequest &&
		e.ErrorName == "bad_request" && tokenFault.MatchString(e.Reason)
}
