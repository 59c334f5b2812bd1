package post

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
)

// Reach connects to the host of a URL, by TLS where it says https, and sends nothing. Behind a
// proxy it goes as far as that. It says how far it came.
func Reach(ctx context.Context, u *url.URL) (found string, err error) {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	address, secure := net.JoinHostPort(u.Hostname(), port), u.Scheme == "https"
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u})
	if err == nil && proxy != nil {
		found, err := Reach(ctx, &url.URL{Scheme: "http", Host: proxy.Host})
		return "the proxy " + found, err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return "", fmt.Errorf("connect to %s: %w", address, err)
	}
	defer func() { _ = conn.Close() }()
	if !secure {
		return address + " listens", nil
	}
	if err := tls.Client(conn, &tls.Config{ServerName: u.Hostname()}).HandshakeContext(ctx); err != nil {
		return "", fmt.Errorf("connect to %s by TLS: %w", address, err)
	}
	return address + " answers by TLS", nil
}
