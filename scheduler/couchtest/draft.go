package couchtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// field is one member of a document, in the order in which it was written.
type field struct {
	name  string
	value json.RawMessage
}

// parseFields reads a JSON object.
func parseFields(body []byte) ([]field, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	t, err := d.Token()
	if err != nil {
		return nil, fmt.Errorf("not an object: %w", err)
	}
	if t != json.Delim('{') {
		return nil, errors.New("not an object")
	}
	fields := []field{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		fields = append(fields, field{name.(string), value})
	}
	_, err = d.Token()
	return fields, err
}

// draft is a document that somebody wants to write.
type draft struct {
	rev     string
	deleted bool
	state   string // of a document that says itself how it ended
	reason  string
	fields  []field
	spec    Spec
}

// refusal is the reason why a document is not taken, "" if it is.
func (s *Server) draft(fields []field, design bool) (d draft, refusal string) {
	endpoints := map[string]*string{"source": &d.spec.Source, "target": &d.spec.Target}
	d.spec.OneShot = true
	d.fields = []field{}
	for _, f := range fields {
		switch f.name {
		case "_rev":
			_ = json.Unmarshal(f.value, &d.rev)
		case "_deleted":
			_ = json.Unmarshal(f.value, &d.deleted)
		case "_replication_state":
			_ = json.Unmarshal(f.value, &d.state)
		case "_replication_state_reason":
			_ = json.Unmarshal(f.value, &d.reason)
		case "continuous":
			var continuous bool
			_ = json.Unmarshal(f.value, &continuous)
			d.spec.OneShot = !continuous
		case "create_target":
			_ = json.Unmarshal(f.value, &d.spec.CreateTarget)
		case "filter":
			_ = json.Unmarshal(f.value, &d.spec.Filter)
		case "owner":
			_ = json.Unmarshal(f.value, &d.spec.Owner)
		case "source", "target":
			*endpoints[f.name] = endpointURL(f.value)
		}
		own := f.name == "_id" || f.name == "_rev" || f.name == "owner"
		ended := d.state == string(Failed) || d.state == string(Completed)
		if !own && (!strings.HasPrefix(f.name, "_replication_") || ended) {
			d.fields = append(d.fields, f)
		}
	}
	if design || d.deleted || d.state == string(Failed) || d.state == string(Completed) {
		return d, ""
	}
	for _, name := range []string{"source", "target"} {
		endpoint := *endpoints[name]
		if endpoint == "" {
			return d, "Missing replicator database"
		}
		if local(endpoint) {
			return d, "local_endpoints_not_supported"
		}
		if u, err := url.Parse(endpoint); err != nil || u.Host == "" {
			return d, "endpoint has an invalid url"
		}
	}
	return d, ""
}

// endpointURL reads an endpoint, which is a URL or an object that has one.
func endpointURL(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	var object struct{ URL string }
	_ = json.Unmarshal(value, &object)
	return object.URL
}

// localize turns the URL of a database of this server into its name. Under the lock.
func (s *Server) localize(endpoint string) string {
	bare := strings.TrimSuffix(string(appendEndpoint(nil, s.base, endpoint)), "/")
	name, ok := strings.CutPrefix(bare, s.base+"/")
	if !ok || strings.ContainsAny(name, "/?") {
		return endpoint
	}
	if name, err := url.PathUnescape(name); err == nil {
		return name
	}
	return endpoint
}
