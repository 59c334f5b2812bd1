package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"watchdog/diag"
	"watchdog/web/gate"
)

// operation is one thing that the API can do. The handlers and the OpenAPI document are made from
// the same table, so that neither can say what the other does not.
type operation struct {
	method, path string
	id, summary  string
	params       []param
	// body is the type of what is sent, as a zero value; nil: nothing is.
	body   any
	status int // of a good answer
	// answer is the type of a good answer, as a zero value; nil where kind is not JSON.
	answer any
	kind   string // default application/json
	fails  []int  // statuses of problems, but for those that every operation has
	// do gives the answer; serve, where set, writes it.
	do    func(s *Server, r *request) (any, error)
	serve func(s *Server, w http.ResponseWriter, r *http.Request)
	// form is where a form of the page is sent to, which knows POST only, and no JSON; "" where
	// no form does this.
	form string
}

// param is one parameter of the query, or of the path where path is set.
type param struct {
	name, help string
	path       bool
	words      []string // the values there are; nil: any
	number     bool
	many       bool // it may be given again and again
}

// request is one that fits its operation.
type request struct {
	*http.Request
	values map[string][]string
	body   any // a pointer to what the operation takes
}

// get is a parameter, "" where it was not given.
func (r *request) get(name string) string {
	if all := r.values[name]; len(all) > 0 {
		return all[0]
	}
	return ""
}

// author is who sends a request: the user that came in, or else who it says.
func (r *request) author(says string) string {
	typed, _, _ := r.BasicAuth() // beside a token
	return cmp.Or(gate.User(r.Context()), strings.TrimSpace(says), typed, "somebody")
}

const (
	defaultLimit = 100
	maxLimit     = 1000
)

var (
	limitParam  = param{name: "limit", help: fmt.Sprintf("how many at most, from 1 to %d; default %d", maxLimit, defaultLimit), number: true}
	cursorParam = param{name: "cursor", help: "where to go on: next_cursor of the page before"}
)

// limit is how many are asked for.
func (r *request) limit() (int, error) {
	text := r.get(limitParam.name)
	if text == "" {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxLimit {
		return 0, &failure{http.StatusBadRequest, fmt.Sprintf("limit must be a number from 1 to %d", maxLimit)}
	}
	return n, nil
}

// answer runs an operation.
func (s *Server) answer(op *operation, w http.ResponseWriter, r *http.Request) {
	req, err := op.read(r)
	if err == nil && op.body != nil {
		req.body, err = readJSON(r, op.body)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if op.serve != nil {
		op.serve(s, w, r)
		return
	}
	value, err := op.do(s, req)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, r, op.status, "application/json", value)
}

// read takes the parameters of a request; one that the operation does not have is a mistake.
func (op *operation) read(r *http.Request) (*request, error) {
	req := &request{Request: r, values: map[string][]string{}}
	var names []string
	for _, p := range op.params {
		names = append(names, p.name)
		if p.path {
			req.values[p.name] = []string{r.PathValue(p.name)}
		}
	}
	for name, values := range r.URL.Query() {
		p := op.param(name)
		switch {
		case p == nil:
			detail := fmt.Sprintf("unknown parameter %q", name)
			if hint := diag.DidYouMean(name, names); hint != "" {
				detail += "; " + hint
			}
			return nil, &failure{http.StatusBadRequest, detail}
		case len(values) > 1 && !p.many:
			return nil, &failure{http.StatusBadRequest, fmt.Sprintf("parameter %q is given twice", name)}
		case p.words != nil && slices.ContainsFunc(values, func(v string) bool { return !slices.Contains(p.words, v) }):
			return nil, &failure{http.StatusBadRequest, fmt.Sprintf("%s must be one of %s", name, strings.Join(p.words, ", "))}
		}
		req.values[name] = values
	}
	return req, nil
}

// param is a parameter of the query by its name.
func (op *operation) param(name string) *param {
	for i := range op.params {
		if p := &op.params[i]; p.name == name && !p.path {
			return p
		}
	}
	return nil
}
