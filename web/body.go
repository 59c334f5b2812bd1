package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	"watchdog/diag"
)

// readJSON reads a body into a new value of the type of into, and gives a pointer to it. Its
// Content-Type must say that it is JSON: so no form of another site can send it.
func readJSON(r *http.Request, into any) (any, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, &failure{http.StatusUnsupportedMediaType, "send JSON, with Content-Type: application/json"}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, unread(err)
	}
	return decode(body, into)
}

// decode reads JSON strictly.
func decode(body []byte, into any) (any, error) {
	value := reflect.New(reflect.TypeOf(into)).Interface()
	in := json.NewDecoder(bytes.NewReader(body))
	in.DisallowUnknownFields()
	err := in.Decode(value)
	if err == nil && in.Decode(new(any)) != io.EOF {
		err = errors.New("there is more behind the value")
	}
	if err == nil {
		return value, nil
	}
	if name, found := strings.CutPrefix(err.Error(), "json: unknown field "); found { // it has no type
		name = strings.Trim(name, `"`)
		return nil, mistakes{diag.Problemf(name, diag.DidYouMean(name, jsonFields(reflect.TypeOf(into))), "there is no such field")}
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && e.Field != "" {
		return nil, mistakes{diag.Problemf(e.Field, "", "it cannot be of this kind: %s", e.Value)}
	}
	return nil, &failure{http.StatusBadRequest, "the body is not the JSON that belongs here: " + strings.TrimPrefix(err.Error(), "json: ")}
}

func jsonFields(of reflect.Type) (names []string) {
	for f := range of.Fields() {
		names = append(names, jsonName(f))
	}
	return names
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// unread is why a body could not be read.
func unread(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &failure{http.StatusRequestEntityTooLarge, fmt.Sprintf("a body may have %d bytes", maxBody)}
	}
	return &failure{http.StatusBadRequest, "the body could not be read whole"}
}

// readForm reads what a form of the page sends, as if it were JSON: match.doc_id is a field of a
// field, and takes several values.
func readForm(r *http.Request, into any) (any, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, &failure{http.StatusUnsupportedMediaType, "a form of the page sends application/x-www-form-urlencoded"}
	}
	if err := r.ParseForm(); err != nil {
		return nil, unread(err)
	}
	if into == nil {
		return nil, nil //nolint:nilnil // nothing is sent
	}
	body, err := json.Marshal(formFields(r.PostForm, reflect.TypeOf(into)))
	if err != nil {
		return nil, err
	}
	return decode(body, into)
}

func formFields(form url.Values, into reflect.Type) object {
	fields := object{}
	for name, values := range form {
		outer, inner, nested := strings.Cut(name, ".")
		switch {
		case nested && values[0] != "":
			group, _ := fields[outer].(object)
			if group == nil {
				group = object{}
				fields[outer] = group
			}
			group[inner] = values
		case nested: // a field of the form that was left empty
		case values[0] != "":
			fields[name] = formTime(values[0])
		}
	}
	for f := range into.Fields() {
		if name := jsonName(f); f.Type.Kind() == reflect.Bool && fields[name] != nil {
			fields[name] = fields[name] == "true"
		}
	}
	if fields["for"] != nil { // the button that was pressed says more than the field beside it
		delete(fields, "ends_at")
	}
	return fields
}

// formTime is a time as a field of a form writes it, which is in UTC, as JSON does; any other
// text is as it was.
func formTime(text string) string {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Format(time.RFC3339)
		}
	}
	return text
}

// submit runs an operation for a form of the page, and leads back to where the form stands. The
// script of the page asks for JSON and stays.
func (s *Server) submit(op *operation, w http.ResponseWriter, r *http.Request) {
	req, err := op.read(r)
	if err == nil {
		req.body, err = readForm(r, op.body)
	}
	var value any
	if err == nil {
		value, err = op.do(s, req)
	}
	switch {
	case strings.Contains(r.Header.Get("Accept"), "application/json"):
		if err != nil {
			s.fail(w, r, err)
			return
		}
		writeJSON(w, r, op.status, "application/json", value)
	case err != nil:
		s.showProblem(w, r, s.problem(r, err))
	default:
		w.Header().Set("Location", origin(r))
		w.WriteHeader(http.StatusSeeOther)
	}
}

// origin is the page of ours from which a request comes.
func origin(r *http.Request) string {
	from, err := url.Parse(r.Referer())
	if err != nil || from.Host != r.Host || !strings.HasPrefix(from.Path, "/") || strings.HasPrefix(from.Path, "//") {
		return "/"
	}
	return (&url.URL{Path: from.Path, RawQuery: from.RawQuery}).String()
}
