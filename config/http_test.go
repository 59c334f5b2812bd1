package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/web/gate"
)

func TestWhereThePageListens(t *testing.T) {
	const rest = `
servers: [{name: prod, url: "http://localhost:5984"}]
sinks: [{name: here, terminal: {}}]
routes: [{to: [here]}]
`
	for _, tt := range []struct {
		name string
		text string
		env  variables
		want gate.Spec
	}{
		{"nothing listens where nothing is said", "", nil, gate.Spec{}},
		{"an address", "http: {listen: 127.0.0.1:80}", nil, gate.Spec{Listen: "127.0.0.1:80"}},
		{"the default address", "http: {}", nil, gate.Spec{Listen: gate.DefaultListen}},
		{"an empty address turns it off", `http: {listen: "${LISTEN:-}"}`, nil, gate.Spec{}},
		{
			"a token of the environment", `http: {listen: ":8484", auth: {bearer: "${TOKEN}"}}`,
			variables{"TOKEN": "hunter2"},
			gate.Spec{Listen: ":8484", Auth: gate.Auth{Bearer: "hunter2"}},
		},
		{
			"a user", `http: {auth: {basic: {username: ops, password: hunter2}}}`, nil,
			gate.Spec{Listen: gate.DefaultListen, Auth: gate.Auth{Basic: &gate.Basic{Username: "ops", Password: "hunter2"}}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := folder{"watchdog.yaml": tt.text + rest}.mustLoad(t, tt.env)
			if diff := cmp.Diff(tt.want, c.HTTP); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}
