package scheduler

import (
	"net/http"
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
// request that the server refused: what authenticated it must not be used again.
type renewer interface {
	Forget(*http.Request)
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

// authenticator is the one that the spec asks for.
func (c *Client) authenticator() Authenticator {
	switch a := c.spec.Auth; {
	case a.Username == "":
		return anonymous{}
	case a.Basic:
		return basic{a}
	default:
		return newSession(c)
	}
}
