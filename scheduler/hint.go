package scheduler

import (
	"fmt"
	"net/http"
	"strings"
)

// hint is what to do about a refusal that has to do with credentials.
func (a Auth) hint(e *Error) string {
	switch {
	case e.lockout():
		return "wrong passwords, maybe another program's, lock the user out for some minutes: check auth.password"
	case e.Status == http.StatusForbidden && a.IAMAPIKey != "":
		return "the API key's role does not allow it: Monitor may read the scheduler and the active tasks, all else that is watched needs Manager"
	case e.Status != http.StatusUnauthorized && !e.badToken:
		return ""
	case a.IAMAPIKey != "":
		return "IAM gave a token for auth.iam_api_key, but the server does not take it: is the key of the account that the server belongs to?"
	case a.Bearer != "" || a.BearerFile != "":
		return a.tokenHint(e)
	case a.Proxy.written():
		return "check auth.proxy: secret must be [chttpd_auth] secret of the server, roles must hold _admin, and hash be sha1 before CouchDB 3.3;" +
			" [chttpd] authentication_handlers must name proxy_authentication_handler"
	case a.Username == "":
		return "set auth.username and auth.password to a server admin's"
	case strings.Contains(e.Reason, "server admin"):
		return fmt.Sprintf("the password of user %q was taken, but the user is no server admin: name an admin, or add it to [admins] of the server's config", a.Username)
	default:
		return fmt.Sprintf("check auth.password of user %q", a.Username)
	}
}

func (a Auth) tokenHint(e *Error) string {
	field := "auth.bearer"
	if a.BearerFile != "" {
		field = "auth.bearer_file"
	}
	if strings.Contains(e.Reason, "server admin") {
		return "the token of " + field + " makes nobody an admin: it needs the role _admin in its claim _couchdb.roles," +
			" and [chttpd] authentication_handlers must name jwt_authentication_handler"
	}
	return "check the token of " + field
}
