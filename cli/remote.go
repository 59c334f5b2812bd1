package cli

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"watchdog/config"
	"watchdog/lease"
	"watchdog/notify"
	"watchdog/secret"
	"watchdog/store"
	"watchdog/web"
	"watchdog/web/gate"
)

const (
	// findTimeout is how long a daemon on this machine may take to say which config it has.
	findTimeout = 2 * time.Second
	// remoteTimeout is how long one answer may take.
	remoteTimeout = 30 * time.Second
	// maxAnswer bounds an answer: a page of a list has at most a thousand rows.
	maxAnswer = 64 << 20
	// pageLimit is how many rows of a list are asked for at a time.
	pageLimit = 1000
)

// remote is the desk of a running daemon, over its API.
type remote struct {
	base *url.URL // without credentials
	sign func(*http.Request)
	http *http.Client
}

// reachDaemon speaks to the daemon at an address.
func (s *session) reachDaemon(address string) (*remote, error) {
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, s.usage(fmt.Errorf("%q is not the address of a daemon: write it like https://watchdog.example.com", secret.MaskURLs(address)))
	}
	sign := s.credentials()
	if base.User != nil && sign == nil {
		password, _ := base.User.Password()
		user := base.User.Username()
		sign = func(r *http.Request) { r.SetBasicAuth(user, password) }
	}
	base.User = nil
	return newRemote(base, sign), nil
}

func newRemote(base *url.URL, sign func(*http.Request)) *remote {
	base = base.JoinPath("/")
	return &remote{base: base, sign: sign, http: &http.Client{
		Timeout: remoteTimeout,
		// What is sent belongs to this daemon only.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// credentials are those of the environment; nil for none.
func (s *session) credentials() func(*http.Request) {
	env := func(name string) string { value, _ := s.Env(name); return value }
	token, user, password := env("WATCHDOG_TOKEN"), env("WATCHDOG_USERNAME"), env("WATCHDOG_PASSWORD")
	switch {
	case token != "":
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	case user != "" || password != "":
		return func(r *http.Request) { r.SetBasicAuth(user, password) }
	default:
		return nil
	}
}

// findDaemon finds the daemon that runs by this config on this machine, at the address that the
// config gives it; nil when there is none, or it does not let in. Another program may have the
// address: a daemon says which config it has.
func (s *session) findDaemon(cfg *config.Config) desk {
	host, port, err := net.SplitHostPort(cfg.HTTP.Listen)
	if err != nil || port == "0" {
		return nil
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	sign := s.credentials()
	if sign == nil {
		if sign = signer(cfg.HTTP.Auth); sign == nil {
			return nil
		}
	}
	r := newRemote(&url.URL{Scheme: cfg.HTTP.Scheme(), Host: net.JoinHostPort(host, port)}, sign)
	if cfg.HTTP.TLS != nil {
		r.http.Transport = pinned(*cfg.HTTP.TLS)
	}
	ctx, done := context.WithTimeout(s.ctx, findTimeout)
	defer done()
	var status struct {
		Config struct {
			Path string `json:"path"`
		} `json:"config"`
	}
	if err := r.get(ctx, "status", nil, &status); err != nil || !sameFile(status.Config.Path, s.configPath) {
		return nil
	}
	return r
}

// pinned speaks to whoever has the certificate of the config, and nobody else: its names are those
// that people open, and not that of this machine.
func pinned(files gate.TLS) http.RoundTripper {
	return &http.Transport{TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true, //nolint:gosec // what follows is stricter
		VerifyConnection:   func(c tls.ConnectionState) error { return files.Pins(c.PeerCertificates[0]) },
	}}
}

// signer adds what the config lets in; nil when it knows only hashes of it.
func signer(auth gate.Auth) func(*http.Request) {
	if trial := (&http.Request{Header: http.Header{}}); !auth.Sign(trial) {
		return nil
	}
	return func(r *http.Request) { auth.Sign(r) }
}

// absolute is a path that means the same in any working directory.
func absolute(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

func sameFile(theirs, ours string) bool {
	if theirs == absolute(ours) {
		return true
	}
	a, errA := os.Stat(theirs)
	b, errB := os.Stat(ours)
	return theirs != "" && errA == nil && errB == nil && os.SameFile(a, b)
}

func (r *remote) close() error {
	r.http.CloseIdleConnections()
	return nil
}

func (r *remote) get(ctx context.Context, path string, query url.Values, into any) error {
	return r.call(ctx, http.MethodGet, path, query, nil, into)
}

// call asks for one operation of the API. Path is below /api/v1, with its parts escaped.
func (r *remote) call(ctx context.Context, method, path string, query url.Values, body, into any) error {
	address := r.base.JoinPath("api/v1", path)
	address.RawQuery = query.Encode()
	var sent io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, method, address.String(), sent)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.sign != nil {
		r.sign(req)
	}
	resp, err := r.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask the daemon: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("ask the daemon at %s: %w", r.base, err)
	}
	if resp.StatusCode/100 != 2 {
		return r.refusal(resp, answer)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("what answers at %s is not a daemon of this version: %w", r.base, err)
	}
	return nil
}

// refusal is what the daemon said against it.
func (r *remote) refusal(resp *http.Response, answer []byte) error {
	var problem struct {
		Detail string `json:"detail"`
	}
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("the daemon at %s lets in who has credentials: give WATCHDOG_TOKEN, or WATCHDOG_USERNAME and WATCHDOG_PASSWORD", r.base)
	case json.Unmarshal(answer, &problem) == nil && problem.Detail != "":
		return errors.New(problem.Detail)
	default:
		return fmt.Errorf("what answers at %s is no daemon: it says %s", r.base, resp.Status)
	}
}

// pages reads a list page by page, until more says that it is enough.
func (r *remote) pages(ctx context.Context, path string, query url.Values, read func(page []byte) (next *string, more bool, err error)) error {
	for {
		var page json.RawMessage
		if err := r.get(ctx, path, query, &page); err != nil {
			return err
		}
		next, more, err := read(page)
		if err != nil || next == nil || !more {
			return err
		}
		query.Set("cursor", *next)
	}
}

func (r *remote) alerts(ctx context.Context) ([]web.Listed, error) {
	all := []web.Listed{}
	query := url.Values{"limit": {strconv.Itoa(pageLimit)}}
	err := r.pages(ctx, "alerts", query, func(page []byte) (*string, bool, error) {
		var list struct {
			Alerts     []web.Listed `json:"alerts"`
			NextCursor *string      `json:"next_cursor"`
		}
		err := json.Unmarshal(page, &list)
		all = append(all, list.Alerts...)
		return list.NextCursor, true, err
	})
	return all, err
}

func (r *remote) acknowledge(ctx context.Context, fingerprint string, ack notify.Ack) (said notify.Ack, err error) {
	body := map[string]string{"by": ack.By, "comment": ack.Comment}
	err = r.call(ctx, http.MethodPut, "alerts/"+url.PathEscape(fingerprint)+"/ack", nil, body, &said)
	return said, err
}

func (r *remote) unacknowledge(ctx context.Context, fingerprint string) error {
	return r.call(ctx, http.MethodDelete, "alerts/"+url.PathEscape(fingerprint)+"/ack", nil, nil, new(any))
}

func (r *remote) silences(ctx context.Context) ([]notify.Silence, error) {
	var list struct {
		Silences []notify.Silence `json:"silences"`
	}
	err := r.get(ctx, "silences", nil, &list)
	return list.Silences, err
}

// silence leaves it to the daemon's clock when it begins.
func (r *remote) silence(ctx context.Context, one *notify.Silence) (made web.Silenced, err error) {
	err = r.call(ctx, http.MethodPost, "silences", nil, map[string]any{
		"match": one.Match, "for": one.EndsAt.Sub(one.StartsAt).String(), "created_by": one.CreatedBy, "comment": one.Comment,
	}, &made)
	return made, err
}

func (r *remote) expire(ctx context.Context, id string) error {
	return r.call(ctx, http.MethodDelete, "silences/"+url.PathEscape(id), nil, nil, new(notify.Silence))
}

func (r *remote) deliveries(ctx context.Context, f store.DeliveryFilter) (all []store.Delivery, err error) {
	query := url.Values{"limit": {strconv.Itoa(min(cmp.Or(f.Limit, pageLimit), pageLimit))}}
	if f.Sink != "" {
		query.Set("sink", f.Sink)
	}
	for _, status := range f.Statuses {
		query.Add("status", string(status))
	}
	err = r.pages(ctx, "deliveries", query, func(page []byte) (*string, bool, error) {
		var list struct {
			Deliveries []store.Delivery `json:"deliveries"`
			NextCursor *string          `json:"next_cursor"`
		}
		err := json.Unmarshal(page, &list)
		all = append(all, list.Deliveries...)
		return list.NextCursor, f.Limit <= 0 || len(all) < f.Limit, err
	})
	if f.Limit > 0 && len(all) > f.Limit {
		all = all[:f.Limit]
	}
	return all, err
}

func (r *remote) delivery(ctx context.Context, id string) (*store.Delivery, error) {
	d := &store.Delivery{}
	return d, r.get(ctx, "deliveries/"+url.PathEscape(id), nil, d)
}

// retry queues one after the other: those before one that cannot be are queued then.
func (r *remote) retry(ctx context.Context, ids []string) error {
	for _, id := range ids {
		if err := r.call(ctx, http.MethodPost, "deliveries/"+url.PathEscape(id)+"/retry", nil, nil, new(any)); err != nil {
			return fmt.Errorf("retry delivery %s: %s", id, strings.TrimPrefix(err.Error(), "delivery "+id+" "))
		}
	}
	return nil
}

func (r *remote) roster(ctx context.Context) (*lease.Roster, error) {
	roster := &lease.Roster{}
	return roster, r.get(ctx, "replicas", nil, roster)
}
