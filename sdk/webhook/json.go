package webhook

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk/text"
)

const (
	maxNesting    = 64  // objects and arrays within each other
	maxFieldBytes = 120 // of a member's path in a refusal; longer paths are cut
)

// Fault is one thing that is wrong with a body: where, as a dotted path, and what.
type Fault struct{ Field, Message string }

// NewFault returns a fault; most adapters find a few of their own.
func NewFault(field, message string) *Fault { return &Fault{Field: field, Message: message} }

// DecodeJSON reads exactly one JSON value: UTF-8, no member twice, nothing behind it, at most maxNesting deep. Members
// that into does not have are ignored; names count with their case, so give each field a json tag. A path in the Fault
// starts with parent.
func DecodeJSON(body []byte, into any, parent string) *Fault {
	if nesting(body) > maxNesting {
		return &Fault{parent, "objects and arrays are nested too deeply"}
	}
	err := json.Unmarshal(body, into)
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		return &Fault{dotted(parent, e.JSONPointer), expectation(e.GoType)}
	}
	e, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case !utf8.Valid(body):
		return &Fault{parent, "not valid UTF-8"}
	case ok && errors.Is(err, jsontext.ErrDuplicateName):
		return &Fault{dotted(parent, e.JSONPointer), "given more than once"}
	case len(bytes.TrimSpace(body)) == 0:
		return &Fault{parent, "empty: a JSON object is expected"}
	}
	return &Fault{parent, "not valid JSON"}
}

// TextJSON reads an optional string; absent and null are "".
func TextJSON(v jsontext.Value, field string) (string, *Fault) {
	if len(v) == 0 || v.Kind() == 'n' {
		return "", nil
	}
	var s string
	if f := DecodeJSON(v, &s, field); f != nil {
		return "", f
	}
	return s, nil
}

// expectation says what a member must be that could not be read into a Go type.
func expectation(t reflect.Type) string {
	if t == nil {
		return "has a wrong type"
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return "must be a string"
	case reflect.Slice:
		return "must be an array"
	case reflect.Struct, reflect.Map:
		return "must be an object"
	case reflect.Int64:
		return "must be a whole number"
	}
	return "has a wrong type"
}

// dotted turns a JSON pointer into the form that documents use: payload.userInfo.id.
func dotted(parent string, p jsontext.Pointer) string {
	var names []string
	if parent != "" {
		names = append(names, parent)
	}
	for name := range p.Tokens() {
		names = append(names, name)
	}
	return text.Abbreviate(strings.Join(names, "."), maxFieldBytes)
}

// nesting returns how many objects and arrays are open at most at one place. It expects JSON, and
// gives some number for anything else.
func nesting(body []byte) int {
	depth, deepest, inString := 0, 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}
