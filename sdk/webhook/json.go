package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk/text"
)

const (
	maxNesting    = 64  // depth of objects and arrays
	maxFieldBytes = 120 // of Fault.Field; longer paths are abbreviated
)

// Fault is an error in a body: the dotted path of a field, and a message.
type Fault struct{ Field, Message string }

// NewFault returns a fault.
func NewFault(field, message string) *Fault { return &Fault{Field: field, Message: message} }

// DecodeJSON decodes exactly one JSON value of valid UTF-8, without repeated names and at most maxNesting deep. It
// ignores members for which into has no field. Names are case-sensitive, so give each field a json tag. The path of a
// Fault starts with parent. An escaped half of a surrogate pair becomes U+FFFD, also in raw values, because vendors cut
// texts inside pairs.
func DecodeJSON(body []byte, into any, parent string) *Fault {
	if nestingDepth(body) > maxNesting {
		return &Fault{parent, "objects and arrays are nested too deeply"}
	}
	err := json.Unmarshal(replaceSurrogates(body), into)
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		return &Fault{dottedPath(parent, e.JSONPointer), expectation(e.GoType)}
	}
	e, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case !utf8.Valid(body):
		return &Fault{parent, "not valid UTF-8"}
	case ok && errors.Is(err, jsontext.ErrDuplicateName):
		return &Fault{dottedPath(parent, e.JSONPointer), "given more than once"}
	case len(bytes.TrimSpace(body)) == 0:
		return &Fault{parent, "empty: a JSON object is expected"}
	}
	return &Fault{parent, "not valid JSON"}
}

// ScalarJSON decodes an optional string or number as text. A missing value and null are "". A number keeps its digits,
// because ids may exceed the precision of a float.
func ScalarJSON(v jsontext.Value, field string) (string, *Fault) {
	switch v.Kind() {
	case '0':
		return string(v), nil
	case '"', 'n', 0:
		return TextJSON(v, field)
	}
	return "", &Fault{field, "must be a string or a number"}
}

// TextJSON decodes an optional string. A missing value and null are "".
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

// expectation returns the message for a value that cannot be decoded into a Go type.
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

// dottedPath converts a JSON pointer to a dotted path, like payload.userInfo.id.
func dottedPath(parent string, p jsontext.Pointer) string {
	var names []string
	if parent != "" {
		names = append(names, parent)
	}
	for name := range p.Tokens() {
		names = append(names, name)
	}
	return text.Abbreviate(strings.Join(names, "."), maxFieldBytes)
}

// nestingDepth returns the maximum depth of objects and arrays. If body is not JSON, the result is arbitrary.
func nestingDepth(body []byte) int {
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

// CheckID checks a required id: not empty, at most limit bytes, without control characters.
func CheckID(field, id string, limit int) *Fault {
	switch {
	case id == "":
		return NewFault(field, "missing")
	case strings.ContainsFunc(id, unicode.IsControl):
		return NewFault(field, "has control characters")
	}
	return CheckLength(field, id, limit)
}

// CheckLength checks that a text has at most limit bytes.
func CheckLength(field, s string, limit int) *Fault {
	if len(s) > limit {
		return NewFault(field, fmt.Sprintf("has %d bytes; at most %d are allowed", len(s), limit))
	}
	return nil
}
