package settings

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Values are a channel's settings as a JSON object. The zero value is the empty object.
type Values []byte

// Decode fills the struct at the pointer into: first with the defaults of its tags, then with the values. Unknown
// settings and wrong types are errors of type *Error, which never repeat a value.
func (v Values) Decode(into any) error {
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.IsNil() || target.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("decode settings: want a pointer to a struct, got %T", into)
	}
	if err := setDefaults(target.Elem()); err != nil {
		return fmt.Errorf("decode settings: %w", err)
	}
	if len(v) == 0 {
		return nil
	}
	if err := json.Unmarshal(v, into, json.RejectUnknownMembers(true), durations); err != nil {
		return decodeError(err)
	}
	return nil
}

// Error is a setting whose value cannot be decoded.
type Error struct {
	Path string // dotted
	Err  error
}

// Error returns the setting with the cause.
func (e *Error) Error() string { return "setting " + e.Path + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// durations reads a time.Duration from a text such as "5s".
var durations = json.WithUnmarshalers(json.UnmarshalFunc(func(b []byte, d *time.Duration) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return errors.New("write a duration as a string, like \"5s\"")
	}
	var err error
	*d, err = parseDuration(s)
	return err
}))

func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, errors.New("not a duration; write it like 5s or 1h30m")
	}
	return d, nil
}

func decodeError(err error) error {
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		path := dottedPath(e.JSONPointer)
		switch {
		case errors.Is(e.Err, json.ErrUnknownName):
			return &Error{path, errors.New("unknown; check the spelling")}
		case e.Err != nil:
			return &Error{path, e.Err}
		}
		return &Error{path, fmt.Errorf("a JSON %s does not fit %s", e.JSONKind, e.GoType)}
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(e.Err, jsontext.ErrDuplicateName) {
			return &Error{dottedPath(e.JSONPointer), errors.New("defined twice")}
		}
		return fmt.Errorf("settings are not valid JSON at byte %d", e.ByteOffset)
	}
	return fmt.Errorf("decode settings: %w", err)
}

func dottedPath(p jsontext.Pointer) string {
	var parts []string
	for t := range p.Tokens() {
		parts = append(parts, t)
	}
	return strings.Join(parts, ".")
}

// setDefaults fills the fields whose tags have a default, also in nested structs.
func setDefaults(v reflect.Value) error {
	fields, err := fieldsOf(v.Type())
	if err != nil {
		return err
	}
	for _, f := range fields {
		fv := v.FieldByIndex(f.index)
		switch {
		case f.defaultJSON != nil:
			if err := json.Unmarshal(f.defaultJSON, fv.Addr().Interface(), durations); err != nil {
				return fmt.Errorf("default of %s: %w", f.name, err)
			}
		case isPlainStruct(fv.Type()):
			if err := setDefaults(fv); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
		}
	}
	return nil
}
