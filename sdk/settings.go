package sdk

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// NewSettings returns Settings that decode a JSON object. The SDK makes them from what the gateway
// sends; tests of an adapter make them from a literal.
func NewSettings(object []byte) Settings {
	if len(object) == 0 {
		object = []byte("{}")
	}
	return jsonSettings(object)
}

type jsonSettings []byte

// durations lets a plain time.Duration be written as "5s".
var durations = json.WithUnmarshalers(json.UnmarshalFunc(func(b []byte, d *time.Duration) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return errors.New("write a duration as a string, like \"5s\"")
	}
	return (*Duration)(d).UnmarshalText([]byte(s))
}))

// Decode fills the struct that into points to: first the defaults of its tags, then what is configured.
// Its errors name the setting by its dotted path and never repeat a value.
func (s jsonSettings) Decode(into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("decode settings: want a pointer to a struct, got %T", into)
	}
	if err := setDefaults(v.Elem()); err != nil {
		return fmt.Errorf("decode settings: %w", err)
	}
	err := json.Unmarshal(s, into, json.RejectUnknownMembers(true), durations)
	if err == nil {
		return nil
	}
	return describeDecodeError(err)
}

func describeDecodeError(err error) error {
	if se, ok := errors.AsType[*json.SemanticError](err); ok {
		path := dotted(se.JSONPointer)
		switch {
		case errors.Is(se.Err, json.ErrUnknownName):
			return &settingError{path, errors.New("unknown; check the spelling")}
		case se.Err != nil:
			return &settingError{path, se.Err}
		default:
			return &settingError{path, fmt.Errorf("a JSON %s does not fit %s", se.JSONKind, se.GoType)}
		}
	}
	if se, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(se.Err, jsontext.ErrDuplicateName) {
			return &settingError{dotted(se.JSONPointer), errors.New("given twice")}
		}
		return fmt.Errorf("settings are not valid JSON at byte %d", se.ByteOffset)
	}
	return fmt.Errorf("decode settings: %w", err)
}

// settingError is what is wrong with one setting.
type settingError struct {
	path string // dotted
	err  error
}

func (e *settingError) Error() string { return "setting " + e.path + ": " + e.err.Error() }
func (e *settingError) Unwrap() error { return e.err }

func dotted(p jsontext.Pointer) string {
	var parts []string
	for t := range p.Tokens() {
		parts = append(parts, t)
	}
	return strings.Join(parts, ".")
}

// setDefaults fills the fields whose tags carry a default, also in nested structs.
func setDefaults(v reflect.Value) error {
	fields, err := settingFields(v.Type())
	if err != nil {
		return err
	}
	for _, f := range fields {
		fv := v.FieldByIndex(f.index)
		if f.hasDefault {
			if err := json.Unmarshal(f.defaultJSON, fv.Addr().Interface(), durations); err != nil {
				return fmt.Errorf("default of %s: %w", f.name, err)
			}
			continue
		}
		if isPlainStruct(fv.Type()) {
			if err := setDefaults(fv); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
		}
	}
	return nil
}
