package scheduler

import (
	"encoding/base64"
	"net/http"
	"net/url"
)

// Authenticator puts credentials on a request that is about to be sent. It may ask somebody for
// them first, within the request's context, and is used by many goroutines at once. Every
// authenticator of IBM's SDKs is one.
//
// An error that it returns ends the request and is told to people: it must hold no secret.
type Authenticator interface {
	Authenticate(*http.Request) error
}

// renewer is an Authenticator whose credentials go stale before their time. Forget is given a
// request that the server refused: what authenticated it must not be used again. It reports
// whether there may be others, so that the request is worth sending again.
type renewer interface {
	Forget(*http.Request) bool
}

// authenticator is the one that the spec asks for.
func (c *Client) authenticator() Authenticator {
	switch a := c.spec.Auth; {
	case a.IAMAPIKey != "":
		return newIAM(c)
	case a.Bearer != "":
		return bearer{a.Bearer}
	case a.BearerFile != "":
		return &bearerFile{path: a.BearerFile}
	case a.Proxy.written():
		return proxy{a.Proxy}
	case a.Username == "":
		return anonymous{}
	case a.Basic:
		return basic{a}
	default:
		return newSession(c)
	}
}

// anonymous sends no credentials.
type anonymous struct{}

func (anonymous) Authenticate(*http.Request) error { return nil }

// basic sends the name and password with each request.
type basic struct{ auth Auth }

func (b basic) Authenticate(req *http.Request) error {
	req.SetBasicAuth(b.auth.Username, b.auth.Password.Reveal())
	return nil
}

// secrets are what must be in no text, in every form in which it is sent; the longer ones first.
func (a Auth) secrets() []string {
	var forms []string
	add := func(s string) {
		if s != "" {
			forms = append(forms, s, url.QueryEscape(s))
		}
	}
	pair := func(name, word string) {
		if word != "" {
			forms = append(forms, base64.StdEncoding.EncodeToString([]byte(name+":"+word)))
		}
		add(word)
	}
	pair(a.Username, a.Password.Reveal())
	pair(a.IAMClientID, a.IAMClientSecret.Reveal())
	add(a.IAMAPIKey.Reveal())
	add(a.Bearer.Reveal())
	add(a.Proxy.Secret.Reveal())
	return forms
}
