package web

import (
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchdog/alert"
)

// object is a part of an OpenAPI document.
type object = map[string]any

// openAPI is the document of the API, made from the table of its operations and from the types of
// their answers.
func openAPI(version string) object {
	t := &typeTable{schemas: object{}}
	paths := object{}
	for i := range operations {
		op := &operations[i]
		methods, _ := paths[op.path].(object)
		if methods == nil {
			methods = object{}
			paths[op.path] = methods
		}
		methods[strings.ToLower(op.method)] = op.describe(t)
	}
	return object{
		"openapi":    "3.1.0",
		"info":       object{"title": "Watchdog", "version": version, "description": "What Watchdog sees, decides and tells.", "license": object{"name": "Apache-2.0", "identifier": "Apache-2.0"}},
		"paths":      paths,
		"components": object{"schemas": t.schemas, "securitySchemes": object{"bearer": object{"type": "http", "scheme": "bearer"}, "basic": object{"type": "http", "scheme": "basic"}}},
		"security":   []any{object{}, object{"bearer": []any{}}, object{"basic": []any{}}},
	}
}

func (s *Server) serveOpenAPI(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, r, http.StatusOK, "application/json", openAPI(s.Build.Version))
}

func (op *operation) describe(t *typeTable) object {
	kind, schema := "application/json", object{"type": "string"}
	if op.kind != "" {
		kind = op.kind
	} else {
		schema = t.schema(reflect.TypeOf(op.answer))
	}
	responses := object{strconv.Itoa(op.status): object{"description": http.StatusText(op.status), "content": object{kind: object{"schema": schema}}}}
	fails := append(slices.Clone(op.fails), http.StatusBadRequest, http.StatusUnauthorized)
	if op.method != http.MethodGet {
		fails = append(fails, http.StatusForbidden)
	}
	if op.body != nil {
		fails = append(fails, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity)
	}
	for _, status := range fails {
		responses[strconv.Itoa(status)] = object{
			"description": http.StatusText(status),
			"content":     object{"application/problem+json": object{"schema": t.schema(reflect.TypeFor[problem]())}},
		}
	}
	params := []any{}
	for _, p := range op.params {
		params = append(params, p.describe())
	}
	described := object{"operationId": op.id, "summary": op.summary, "parameters": params, "responses": responses}
	if op.body != nil {
		schema := t.schema(reflect.TypeOf(op.body))
		described["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": schema}}}
	}
	return described
}

func (p *param) describe() object {
	schema := object{"type": "string"}
	if p.number {
		schema["type"] = "integer"
	}
	if p.words != nil {
		schema["enum"] = p.words
	}
	if p.many {
		schema = object{"type": "array", "items": schema}
	}
	in := "query"
	if p.path {
		in = "path"
	}
	return object{"name": p.name, "in": in, "required": p.path, "description": p.help, "schema": schema}
}

// typeTable turns Go types into schemas, those of structs under a name.
type typeTable struct{ schemas object }

func (t *typeTable) schema(of reflect.Type) object {
	switch {
	case of == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case of == reflect.TypeFor[alert.Severity]():
		return object{"type": "string", "enum": alert.Severities()}
	}
	switch of.Kind() {
	case reflect.Pointer:
		inner := t.schema(of.Elem())
		inner["type"] = []any{inner["type"], "null"}
		return inner
	case reflect.Slice:
		return object{"type": "array", "items": t.schema(of.Elem())}
	case reflect.Map:
		return object{"type": []any{"object", "null"}, "additionalProperties": t.schema(of.Elem())}
	case reflect.Struct:
		return t.named(of)
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float64:
		return object{"type": "number"}
	default:
		return object{"type": "integer"}
	}
}

// named is a reference to the schema of a struct, which it adds.
func (t *typeTable) named(of reflect.Type) object {
	name := strings.ToUpper(of.Name()[:1]) + of.Name()[1:]
	if t.schemas[name] == nil {
		properties, required := object{}, []string{}
		t.schemas[name] = object{"type": "object", "properties": properties}
		t.fields(of, properties, &required)
		t.schemas[name].(object)["required"] = required
	}
	return object{"$ref": "#/components/schemas/" + name}
}

// fields adds the fields of a struct as JSON writes them, those of embedded structs among them.
func (t *typeTable) fields(of reflect.Type, properties object, required *[]string) {
	for f := range of.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if f.Anonymous && name == "" {
			t.fields(f.Type, properties, required)
			continue
		}
		properties[name] = t.schema(f.Type)
		if !strings.Contains(options, "omit") {
			*required = append(*required, name)
		}
	}
}
