package scheduler

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"watchdog/diag"
	"watchdog/secret"
)

// environment is the variables of one service, as IBM's SDKs name them.
type environment struct {
	prefix string // "CLOUDANT_"
	lookup func(string) (string, bool)
}

var prefixSyntax = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

// FromEnv is the spec with its URL and Auth as the environment has them, where Env names a prefix:
// the variables are those of IBM's SDKs, CLOUDANT_URL, CLOUDANT_APIKEY and so on. A URL or account
// in the spec wins over the environment's. Where something is wrong, Env is kept, and the problems
// say which variable it is about.
func (s Spec) FromEnv(lookup func(name string) (string, bool)) (Spec, []diag.Problem) {
	if s.Env == "" {
		return s, nil
	}
	if !prefixSyntax.MatchString(s.Env) {
		return s, []diag.Problem{diag.Problemf("env", "write the prefix of the variables, such as CLOUDANT", "%q is not the prefix of a variable", s.Env)}
	}
	if kinds := s.Auth.kinds(); len(kinds) > 0 {
		return s, []diag.Problem{diag.Problemf(kinds[0], "keep one of them", "env and %s are two ways to sign in", kinds[0])}
	}
	e := environment{strings.ToUpper(strings.ReplaceAll(strings.TrimRight(s.Env, "_-"), "-", "_")) + "_", lookup}
	resolved, ps := e.resolve(s)
	if len(ps) > 0 {
		for i := range ps {
			ps[i].Field = "env"
		}
		return s, ps
	}
	return resolved, nil
}

func (e environment) get(name string) string {
	value, _ := e.lookup(e.prefix + name)
	return strings.TrimSpace(value)
}

func (e environment) problem(name, hint, format string, args ...any) diag.Problem {
	return diag.Problem{Message: e.prefix + name + ": " + fmt.Sprintf(format, args...), Hint: hint}
}

func (e environment) resolve(s Spec) (Spec, []diag.Problem) {
	s.Env = ""
	if s.URL == "" && s.Account == "" {
		s.URL = e.get("URL")
		if s.URL == "" && s.Optional {
			return s, nil // it will be left out
		}
		if s.URL == "" {
			return s, []diag.Problem{e.problem("URL", "set it to the url of the service's credentials, or give the server a url", "it is not set")}
		}
		if wrong := wrongURL(s.URL); wrong != "" {
			return s, []diag.Problem{e.problem("URL", urlHint, "%s", wrong)}
		}
	}
	var user *url.Userinfo
	if u, err := url.Parse(s.URL); err == nil && u.User != nil {
		user, u.User = u.User, nil
		s.URL = u.String()
	}
	auth, ps := e.auth(user)
	s.Auth = auth
	skip, wrong := e.flag("DISABLE_SSL")
	ps = append(ps, wrong...)
	s.TLS.InsecureSkipVerify = s.TLS.InsecureSkipVerify || skip
	return s, append(ps, e.named(auth.problems())...)
}

// The kinds of CLOUDANT_AUTH_TYPE that are served, and those that need what only IBM's own
// machines or other products have.
const (
	kindIAM     = "IAM"
	kindSession = "COUCHDB_SESSION"
	kindBasic   = "BASIC"
	kindBearer  = "BEARERTOKEN"
	kindNone    = "NOAUTH"
)

var (
	servedKinds   = []string{kindIAM, kindSession, kindBasic, kindBearer, kindNone}
	unservedKinds = []string{"CONTAINER", "VPC", "IAMASSUME", "CP4D", "MCSP", "MCSPV2"}
)

// auth is of the kind that AUTH_TYPE says, or else of the one that the other variables suggest.
func (e environment) auth(user *url.Userinfo) (Auth, []diag.Problem) {
	typeName, kind := "AUTH_TYPE", e.get("AUTH_TYPE")
	if kind == "" {
		typeName, kind = "AUTHTYPE", e.get("AUTHTYPE")
	}
	name, word := e.get("USERNAME"), e.get("PASSWORD")
	if name == "" && word == "" && user != nil {
		name = user.Username()
		word, _ = user.Password()
	}
	if kind == "" {
		typeName, kind = "AUTH_TYPE", e.suggests(name, word)
	}
	switch strings.ToUpper(kind) {
	case kindIAM:
		return e.iam()
	case kindSession, kindBasic:
		a := Auth{Username: name, Password: secret.String(word), Basic: strings.EqualFold(kind, kindBasic)}
		if name == "" && word == "" {
			return a, []diag.Problem{e.problem("USERNAME", "set it and "+e.prefix+"PASSWORD", "it is not set, and %s%s is %s", e.prefix, typeName, kind)}
		}
		return a, nil
	case kindBearer:
		a := Auth{Bearer: secret.String(e.get("BEARER_TOKEN"))}
		if a.Bearer == "" {
			return a, []diag.Problem{e.problem("BEARER_TOKEN", "set it to the token", "it is not set, and %s%s is %s", e.prefix, typeName, kind)}
		}
		return a, nil
	case kindNone:
		return Auth{}, nil
	case "":
		return Auth{}, []diag.Problem{{
			Message: fmt.Sprintf("nothing to sign in with: none of %[1]sAPIKEY, %[1]sUSERNAME and %[1]sBEARER_TOKEN is set", e.prefix),
			Hint:    "set one of them, or " + e.prefix + "AUTH_TYPE=NOAUTH",
		}}
	}
	return Auth{}, []diag.Problem{e.unserved(typeName, kind)}
}

// suggests is the kind that is meant where none is said. IBM's SDKs know the first of these; they
// take everything else for CONTAINER, and fail.
func (e environment) suggests(name, word string) string {
	switch {
	case e.get("APIKEY") != "":
		return kindIAM
	case name != "" || word != "":
		return kindSession
	case e.get("BEARER_TOKEN") != "":
		return kindBearer
	}
	return ""
}

func (e environment) iam() (Auth, []diag.Problem) {
	a := Auth{
		IAMAPIKey:       secret.String(e.get("APIKEY")),
		IAMURL:          e.get("AUTH_URL"),
		IAMClientID:     e.get("CLIENT_ID"),
		IAMClientSecret: secret.String(e.get("CLIENT_SECRET")),
	}
	if a.IAMAPIKey == "" {
		return Auth{}, []diag.Problem{e.problem("APIKEY", "set it to the API key", "it is not set, and %sAUTH_TYPE is IAM", e.prefix)}
	}
	if value, _ := e.lookup("IAM_TOKEN_URL"); a.IAMURL == "" { // python-cloudant's name for it
		a.IAMURL = strings.TrimSpace(value)
	}
	skip, wrong := e.flag("AUTH_DISABLE_SSL")
	a.IAMInsecureSkipVerify = skip
	return a, wrong
}

// flag is a variable that says true or false; false where it is not set.
func (e environment) flag(name string) (bool, []diag.Problem) {
	value := e.get(name)
	if value == "" {
		return false, nil
	}
	on, err := strconv.ParseBool(value)
	if err != nil {
		return false, []diag.Problem{e.problem(name, "set it to true or false", "it is neither true nor false")}
	}
	return on, nil
}

func (e environment) unserved(typeName, kind string) diag.Problem {
	const hint = "use IAM, with an API key"
	for _, known := range unservedKinds {
		if strings.EqualFold(kind, known) {
			return e.problem(typeName, hint, "%s is not supported", known)
		}
	}
	if near := diag.Nearest(strings.ToUpper(kind), servedKinds); near != "" {
		return e.problem(typeName, fmt.Sprintf("did you mean %s?", near), "%q is not a kind of authentication", kind)
	}
	return e.problem(typeName, "set it to one of "+strings.Join(servedKinds, ", "), "%q is not a kind of authentication", kind)
}

// named are problems of a spec, told about the variables that they come from.
func (e environment) named(ps []diag.Problem) []diag.Problem {
	names := map[string]string{
		"auth.username": "USERNAME", "auth.password": "PASSWORD", "auth.bearer": "BEARER_TOKEN", "auth.iam_api_key": "APIKEY",
		"auth.iam_url": "AUTH_URL", "auth.iam_client_id": "CLIENT_ID", "auth.iam_client_secret": "CLIENT_SECRET",
	}
	replace := make([]string, 0, 2*len(names))
	for field, name := range names {
		replace = append(replace, field, e.prefix+name)
	}
	inWords := strings.NewReplacer(replace...)
	for i, p := range ps {
		ps[i] = e.problem(names[p.Field], inWords.Replace(p.Hint), "%s", inWords.Replace(p.Message))
	}
	return ps
}
