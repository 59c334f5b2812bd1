package scheduler

import (
	"crypto/hmac"
	"encoding/hex"
	"net/http"
	"strings"
)

// The headers of CouchDB's proxy authentication, by their default names.
const (
	proxyUser  = "X-Auth-CouchDB-UserName"
	proxyRoles = "X-Auth-CouchDB-Roles"
	proxyToken = "X-Auth-CouchDB-Token"
)

// proxy tells CouchDB who it is, as a reverse proxy would that has signed its user in.
type proxy struct{ Proxy }

func (p proxy) Authenticate(req *http.Request) error {
	req.Header.Set(proxyUser, p.Username)
	req.Header.Set(proxyRoles, strings.Join(p.Roles, ","))
	if p.Secret != "" {
		req.Header.Set(proxyToken, p.token())
	}
	return nil
}

// token proves that the secret is known. The roles are not part of it.
func (p Proxy) token() string {
	mac := hmac.New(hashes(p.Hash), []byte(p.Secret.Reveal()))
	mac.Write([]byte(p.Username))
	return hex.EncodeToString(mac.Sum(nil))
}
