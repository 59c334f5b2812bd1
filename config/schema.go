package config

import _ "embed"

// The schema is made from the types and their comments by a test: `go test ./config -run Schema
// -update` writes it anew, and without -update the test fails when it is not up to date.
//
//go:embed schema.json
var schema []byte

// Schema is the JSON Schema of the main config file and of included ones, for editors.
func Schema() []byte { return schema }
