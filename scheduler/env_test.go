package scheduler_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/diag"
	"watchdog/scheduler"
)

// variables are an environment.
func variables(pairs ...string) func(string) (string, bool) {
	all := map[string]string{}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		all[name] = value
	}
	return func(name string) (string, bool) {
		value, ok := all[name]
		return value, ok
	}
}

const place = "https://acc.cloudantnosqldb.appdomain.cloud"

func TestFromEnv(t *testing.T) {
	type auth = scheduler.Auth
	key := auth{IAMAPIKey: "k3y"}
	user := auth{Username: "u", Password: "p"}
	basic := auth{Username: "u", Password: "p", Basic: true}
	for _, test := range []struct {
		name string
		env  []string
		want scheduler.Spec
	}{
		{"an API key means IAM", []string{"CLOUDANT_URL=" + place, "CLOUDANT_APIKEY=k3y"}, scheduler.Spec{URL: place, Auth: key}},
		{
			"an API key counts more than a password",
			[]string{"CLOUDANT_URL=" + place, "CLOUDANT_APIKEY=k3y", "CLOUDANT_USERNAME=u", "CLOUDANT_PASSWORD=p"},
			scheduler.Spec{URL: place, Auth: key},
		},
		{
			"credentials in the URL give way to an API key",
			[]string{"CLOUDANT_URL=https://u:p@acc.cloudantnosqldb.appdomain.cloud", "CLOUDANT_APIKEY=k3y"},
			scheduler.Spec{URL: place, Auth: key},
		},
		{
			"IAM with all that belongs to it",
			[]string{
				"CLOUDANT_URL=" + place, "CLOUDANT_AUTH_TYPE=IAM", "CLOUDANT_APIKEY=k3y",
				"CLOUDANT_AUTH_URL=https://private.iam.cloud.ibm.com", "CLOUDANT_CLIENT_ID=foo", "CLOUDANT_CLIENT_SECRET=bar", "CLOUDANT_AUTH_DISABLE_SSL=true",
			},
			scheduler.Spec{URL: place, Auth: auth{IAMAPIKey: "k3y", IAMURL: "https://private.iam.cloud.ibm.com", IAMClientID: "foo", IAMClientSecret: "bar", IAMInsecureSkipVerify: true}},
		},
		{
			"the token URL of python-cloudant",
			[]string{"CLOUDANT_URL=" + place, "CLOUDANT_APIKEY=k3y", "IAM_TOKEN_URL=https://iam.example/identity/token"},
			scheduler.Spec{URL: place, Auth: auth{IAMAPIKey: "k3y", IAMURL: "https://iam.example/identity/token"}},
		},
		{"the kind in any case", []string{"CLOUDANT_URL=" + place, "CLOUDANT_AUTH_TYPE=iAm", "CLOUDANT_APIKEY=k3y"}, scheduler.Spec{URL: place, Auth: key}},
		{
			"a session",
			[]string{"CLOUDANT_URL=" + place, "CLOUDANT_AUTH_TYPE=COUCHDB_SESSION", "CLOUDANT_USERNAME=u", "CLOUDANT_PASSWORD=p"},
			scheduler.Spec{URL: place, Auth: user},
		},
		{
			"a session by the other name of the kind",
			[]string{"CLOUDANT_URL=" + place, "CLOUDANT_AUTHTYPE=couchdb_session", "CLOUDANT_USERNAME=u", "CLOUDANT_PASSWORD=p", "CLOUDANT_APIKEY=k3y"},
			scheduler.Spec{URL: place, Auth: user},
		},
		{"Basic", []string{"CLOUDANT_URL=" + place, "CLOUDANT_AUTH_TYPE=BASIC", "CLOUDANT_USERNAME=u", "CLOUDANT_PASSWORD=p"}, scheduler.Spec{URL: place, Auth: basic}},
		{
			"Basic with the credentials of the URL",
			[]string{"CLOUDANT_URL=https://u:p@acc.cloudantnosqldb.appdomain.cloud", "CLOUDANT_AUTH_TYPE=BASIC"},
			scheduler.Spec{URL: place, Auth: basic},
		},
		{"a password without a kind means a session", []string{"CLOUDANT_URL=" + place, "CLOUDANT_USERNAME=u", "CLOUDANT_PASSWORD=p"}, scheduler.Spec{URL: place, Auth: user}},
		{"credentials of the URL without a kind too", []string{"CLOUDANT_URL=https://u:p@acc.cloudantnosqldb.appdomain.cloud"}, scheduler.Spec{URL: place, Auth: user}},
		{
			"a bearer token",
			[]string{"CLOUDANT_URL=" + place, "CLOUDANT_AUTH_TYPE=BEARERTOKEN", "CLOUDANT_BEARER_TOKEN=a.b.c", "CLOUDANT_APIKEY=k3y"},
			scheduler.Spec{URL: place, Auth: auth{Bearer: "a.b.c"}},
		},
		{"a bearer token without a kind", []string{"CLOUDANT_URL=" + place, "CLOUDANT_BEARER_TOKEN=a.b.c"}, scheduler.Spec{URL: place, Auth: auth{Bearer: "a.b.c"}}},
		{"nobody", []string{"CLOUDANT_URL=https://u:p@acc.cloudantnosqldb.appdomain.cloud", "CLOUDANT_AUTH_TYPE=NOAUTH", "CLOUDANT_APIKEY=k3y"}, scheduler.Spec{URL: place}},
		{
			"certificates that are not looked at",
			[]string{"CLOUDANT_URL=" + place, "CLOUDANT_APIKEY=k3y", "CLOUDANT_DISABLE_SSL=TRUE"},
			scheduler.Spec{URL: place, Auth: key, TLS: scheduler.TLS{InsecureSkipVerify: true}},
		},
		{"blanks around a value", []string{"CLOUDANT_URL= " + place + "\n", "CLOUDANT_APIKEY= k3y "}, scheduler.Spec{URL: place, Auth: key}},
		{
			"variables of no concern",
			[]string{"CLOUDANT_URL=" + place, "CLOUDANT_APIKEY=k3y", "CLOUDANT_ENABLE_RETRIES=true", "CLOUDANT_ENABLE_GZIP=false"},
			scheduler.Spec{URL: place, Auth: key},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, problems := scheduler.Spec{Env: "CLOUDANT"}.FromEnv(variables(test.env...))
			if diff := cmp.Diff([]diag.Problem(nil), problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("spec (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFromEnvOfTheRestOfTheSpec(t *testing.T) {
	env := variables("CLOUDANT_URL="+place, "CLOUDANT_APIKEY=k3y", "MY_COUCH_URL=http://localhost:5984", "MY_COUCH_USERNAME=u", "MY_COUCH_PASSWORD=p")
	key, user := scheduler.Auth{IAMAPIKey: "k3y"}, scheduler.Auth{Username: "u", Password: "p"}
	for _, test := range []struct {
		name       string
		spec, want scheduler.Spec
	}{
		{"a spec without env is as it is written", scheduler.Spec{URL: "http://a"}, scheduler.Spec{URL: "http://a"}},
		{"a URL that is written counts more", scheduler.Spec{Env: "CLOUDANT", URL: "https://a"}, scheduler.Spec{URL: "https://a", Auth: key}},
		{"an account that is written too", scheduler.Spec{Env: "CLOUDANT", Account: "a"}, scheduler.Spec{Account: "a", Auth: key}},
		{"the name of a service, as IBM's SDKs spell it", scheduler.Spec{Env: "my-couch"}, scheduler.Spec{URL: "http://localhost:5984", Auth: user}},
		{"a prefix with the line at its end", scheduler.Spec{Env: "CLOUDANT_"}, scheduler.Spec{URL: place, Auth: key}},
		{
			"what is written of TLS stays",
			scheduler.Spec{Env: "CLOUDANT", TLS: scheduler.TLS{InsecureSkipVerify: true}},
			scheduler.Spec{URL: place, Auth: key, TLS: scheduler.TLS{InsecureSkipVerify: true}},
		},
		{"an optional server without a URL", scheduler.Spec{Env: "NONE", Optional: true}, scheduler.Spec{Optional: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, problems := test.spec.FromEnv(env)
			if diff := cmp.Diff([]diag.Problem(nil), problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("spec (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFromEnvProblems(t *testing.T) {
	const useIAM = "; use IAM, with an API key"
	withKind := func(kind string) []string {
		return []string{"CLOUDANT_URL=" + place, "CLOUDANT_AUTH_TYPE=" + kind, "CLOUDANT_APIKEY=hunter2"}
	}
	for _, test := range []struct {
		name string
		spec scheduler.Spec
		env  []string
		want string // field: message; hint
	}{
		{
			"nothing is set",
			scheduler.Spec{},
			nil,
			"env: CLOUDANT_URL: it is not set; set it to the url of the service's credentials, or give the server a url",
		},
		{
			"a URL alone",
			scheduler.Spec{},
			[]string{"CLOUDANT_URL=" + place},
			"env: nothing to sign in with: none of CLOUDANT_APIKEY, CLOUDANT_USERNAME and CLOUDANT_BEARER_TOKEN is set; set one of them, or CLOUDANT_AUTH_TYPE=NOAUTH",
		},
		{
			"a URL that is none",
			scheduler.Spec{},
			[]string{"CLOUDANT_URL=acc.cloudant.com", "CLOUDANT_APIKEY=hunter2"},
			"env: CLOUDANT_URL: not an http or https URL; write it like http://couchdb.example.com:5984",
		},
		{
			"a password that breaks the URL is not shown",
			scheduler.Spec{},
			[]string{"CLOUDANT_URL=http://admin:hun/ter2@couch.example"},
			"env: CLOUDANT_URL: not a valid URL; write it like http://couchdb.example.com:5984",
		},
		{
			"IAM without a key",
			scheduler.Spec{},
			[]string{"CLOUDANT_URL=" + place, "CLOUDANT_AUTH_TYPE=IAM"},
			"env: CLOUDANT_APIKEY: it is not set, and CLOUDANT_AUTH_TYPE is IAM; set it to the API key",
		},
		{
			"a session without a user",
			scheduler.Spec{},
			[]string{"CLOUDANT_URL=" + place, "CLOUDANT_AUTHTYPE=COUCHDB_SESSION"},
			"env: CLOUDANT_USERNAME: it is not set, and CLOUDANT_AUTHTYPE is COUCHDB_SESSION; set it and CLOUDANT_PASSWORD",
		},
		{
			"a user without a password",
			scheduler.Spec{},
			[]string{"CLOUDANT_URL=" + place, "CLOUDANT_USERNAME=u"},
			`env: CLOUDANT_PASSWORD: user "u" has no password; add the password, best as ${file:/run/secrets/couchdb}`,
		},
		{
			"a bearer token that is missing",
			scheduler.Spec{},
			[]string{"CLOUDANT_URL=" + place, "CLOUDANT_AUTH_TYPE=BEARERTOKEN"},
			"env: CLOUDANT_BEARER_TOKEN: it is not set, and CLOUDANT_AUTH_TYPE is BEARERTOKEN; set it to the token",
		},
		{
			"a client id alone",
			scheduler.Spec{},
			[]string{"CLOUDANT_URL=" + place, "CLOUDANT_APIKEY=hunter2", "CLOUDANT_CLIENT_ID=foo"},
			"env: CLOUDANT_CLIENT_ID: a client id and its secret belong together; write CLOUDANT_CLIENT_ID and CLOUDANT_CLIENT_SECRET, or neither",
		},
		{
			"an IAM URL that is none",
			scheduler.Spec{},
			[]string{"CLOUDANT_URL=" + place, "CLOUDANT_APIKEY=hunter2", "CLOUDANT_AUTH_URL=iam"},
			"env: CLOUDANT_AUTH_URL: not an http or https URL; write it like https://iam.cloud.ibm.com",
		},
		{
			"a flag that is none",
			scheduler.Spec{},
			[]string{"CLOUDANT_URL=" + place, "CLOUDANT_APIKEY=hunter2", "CLOUDANT_DISABLE_SSL=maybe"},
			"env: CLOUDANT_DISABLE_SSL: it is neither true nor false; set it to true or false",
		},
		{"CONTAINER", scheduler.Spec{}, withKind("CONTAINER"), "env: CLOUDANT_AUTH_TYPE: CONTAINER is not supported" + useIAM},
		{"VPC", scheduler.Spec{}, withKind("vpc"), "env: CLOUDANT_AUTH_TYPE: VPC is not supported" + useIAM},
		{"IAMASSUME", scheduler.Spec{}, withKind("iamAssume"), "env: CLOUDANT_AUTH_TYPE: IAMASSUME is not supported" + useIAM},
		{"CP4D", scheduler.Spec{}, withKind("CP4D"), "env: CLOUDANT_AUTH_TYPE: CP4D is not supported" + useIAM},
		{"MCSP", scheduler.Spec{}, withKind("MCSP"), "env: CLOUDANT_AUTH_TYPE: MCSP is not supported" + useIAM},
		{"MCSPV2", scheduler.Spec{}, withKind("MCSPV2"), "env: CLOUDANT_AUTH_TYPE: MCSPV2 is not supported" + useIAM},
		{"a kind with a slip", scheduler.Spec{}, withKind("bearer_token"), `env: CLOUDANT_AUTH_TYPE: "bearer_token" is not a kind of authentication; did you mean BEARERTOKEN?`},
		{
			"a kind that nobody knows",
			scheduler.Spec{},
			withKind("kerberos"),
			`env: CLOUDANT_AUTH_TYPE: "kerberos" is not a kind of authentication; set it to one of IAM, COUCHDB_SESSION, BASIC, BEARERTOKEN, NOAUTH`,
		},
		{
			"another way to sign in besides",
			scheduler.Spec{Auth: scheduler.Auth{Bearer: "hunter2"}},
			withKind("IAM"),
			"auth.bearer: env and auth.bearer are two ways to sign in; keep one of them",
		},
		{
			"a prefix that is none",
			scheduler.Spec{Env: "${CLOUDANT}"},
			nil,
			`env: "${CLOUDANT}" is not the prefix of a variable; write the prefix of the variables, such as CLOUDANT`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			spec := test.spec
			spec.Name = "prod"
			if spec.Env == "" {
				spec.Env = "CLOUDANT"
			}
			kept, problems := spec.FromEnv(variables(test.env...))
			var got []string
			for _, p := range append(problems, kept.Problems()...) {
				got = append(got, p.Field+": "+p.Message+"; "+p.Hint)
			}
			if diff := cmp.Diff([]string{test.want}, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if strings.Contains(strings.Join(got, " "), "hunter2") || strings.Contains(strings.Join(got, " "), "ter2@") {
				t.Errorf("a problem shows the secret: %s", got)
			}
			if _, err := scheduler.New(scheduler.Options{Spec: kept}); err == nil {
				t.Error("New: got a client of a spec that lacks what the environment should say")
			}
		})
	}
}
