package scheduler

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	iamTokenPath = "/identity/token"
	// tokenLifetime is that of a token whose answer does not say: less than any that IAM gives.
	tokenLifetime = 10 * time.Minute
)

// iam buys access tokens of IBM Cloud for an API key, and sends them as bearer tokens. It buys
// the next one before the last expires, and when the server does not take it any more.
type iam struct {
	client    *Client
	endpoint  string // the whole URL, without credentials
	transport http.RoundTripper
	lease     *lease
}

func newIAM(c *Client) *iam {
	base := strings.TrimSuffix(strings.TrimRight(c.spec.Auth.IAMURL, "/"), iamTokenPath)
	t := &iam{client: c, endpoint: strings.TrimRight(base, "/") + iamTokenPath, transport: c.tokenTransport}
	t.lease = &lease{client: c, path: t.endpoint, obtain: t.buy}
	return t
}

func (t *iam) Authenticate(req *http.Request) error {
	token, err := t.lease.valid(req.Context())
	if err != nil {
		return err
	}
	setBearer(req, token)
	return nil
}

// Forget drops the token that req bore.
func (t *iam) Forget(req *http.Request) bool {
	t.lease.forget(bearerOf(req))
	return true
}

// buy asks for a token.
func (t *iam) buy(ctx context.Context) (grant, error) {
	asked := time.Now()
	req, err := t.request(ctx)
	if err != nil {
		return grant{}, t.failed(err)
	}
	a, err := t.client.send(t.transport, req, t.endpoint)
	if err != nil {
		return grant{}, err
	}
	defer a.Close()
	body, err := io.ReadAll(io.LimitReader(a, maxSmall))
	if a.status != http.StatusOK || isHTML(a.header) {
		return grant{}, t.refused(a, body)
	}
	if err != nil {
		return grant{}, err
	}
	var said struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"` // seconds
		Expiration  int64  `json:"expiration"` // Unix time
	}
	if json.Unmarshal(body, &said) != nil || said.AccessToken == "" { // the cause may quote the token
		return grant{}, t.failed(errors.New("the answer holds no access_token: is this IBM Cloud IAM?"))
	}
	lifetime := time.Duration(said.ExpiresIn) * time.Second
	if lifetime <= 0 && said.Expiration > 0 {
		lifetime = time.Unix(said.Expiration, 0).Sub(serverTime(a.header))
	}
	if lifetime <= 0 {
		lifetime = tokenLifetime
	}
	return granted(said.AccessToken, asked, lifetime), nil
}

func (t *iam) request(ctx context.Context) (*http.Request, error) {
	auth := t.client.spec.Auth
	form := url.Values{
		"grant_type":    {"urn:ibm:params:oauth:grant-type:apikey"},
		"response_type": {"cloud_iam"},
		"apikey":        {auth.IAMAPIKey.Reveal()},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Content-Type", formType)
	if auth.IAMClientID != "" {
		req.SetBasicAuth(auth.IAMClientID, auth.IAMClientSecret.Reveal())
	}
	return req, nil
}

func (t *iam) failed(err error) *Error {
	return t.client.failed(http.MethodPost, t.endpoint, err)
}

// refused is the Error of an answer that is not a token. IAM has names of its own for what is
// wrong, other issuers of tokens those of OAuth.
func (t *iam) refused(a *answer, body []byte) *Error {
	e := t.client.answered(http.MethodPost, t.endpoint, a)
	var said struct {
		ErrorCode        string `json:"errorCode"`
		ErrorMessage     string `json:"errorMessage"`
		Error            string `json:"error"`
		ErrorDescription string `json:"error_description"`
	}
	if json.Unmarshal(body, &said) != nil || cmp.Or(said.ErrorCode, said.Error) == "" {
		e.Reason = "answered something else than a token: is this IBM Cloud IAM?"
		e.Hint = "check auth.iam_url"
		return e
	}
	e.ErrorName = t.client.clean(cmp.Or(said.ErrorCode, said.Error))
	e.Reason = t.client.clean(cmp.Or(said.ErrorMessage, said.ErrorDescription))
	e.RequestID = a.header.Get("Transaction-Id")
	switch e.Status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		e.Hint = "check auth.iam_api_key"
		if id := t.client.spec.Auth.IAMClientID; id != "" {
			e.Hint = fmt.Sprintf("check auth.iam_api_key, and auth.iam_client_secret of client %q", id)
		}
	}
	return e
}
