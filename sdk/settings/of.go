package settings

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Of returns the schema of an adapter's settings struct, given as a pointer to a zero value. Nil means no settings.
// A type with a method Reveal() string is a secret. An error means a mistake in the struct or its tags.
func Of(settings any) (*Schema, error) {
	t := reflect.TypeOf(settings)
	if t == nil {
		t = reflect.TypeFor[*struct{}]()
	}
	if t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("make settings schema: want a pointer to a struct, got %v", t)
	}
	s, err := schemaOf(t.Elem(), 0)
	if err != nil {
		return nil, fmt.Errorf("make settings schema: %w", err)
	}
	s.Dialect = "https://json-schema.org/draft/2020-12/schema"
	return s, nil
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	secretType   = reflect.TypeFor[interface{ Reveal() string }]()
)

// durationPattern matches durations of time.ParseDuration that have no sign and begin with a digit.
const durationPattern = `^([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$|^0$`

func schemaOf(t reflect.Type, depth int) (*Schema, error) {
	if depth > maxDepth {
		return nil, errors.New("nested too deep")
	}
	switch {
	case t.Implements(secretType):
		return &Schema{Type: Types{"string"}, Secret: true}, nil
	case t == durationType:
		return &Schema{Type: Types{"string"}, Pattern: durationPattern, Duration: true}, nil
	case t.Kind() == reflect.Pointer:
		return schemaOf(t.Elem(), depth+1)
	case reflect.PointerTo(t).Implements(textType):
		return &Schema{Type: Types{"string"}}, nil
	}
	switch t.Kind() {
	case reflect.Bool:
		return &Schema{Type: Types{"boolean"}}, nil
	case reflect.String:
		return &Schema{Type: Types{"string"}}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return &Schema{Type: Types{"integer"}}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return &Schema{Type: Types{"integer"}, Minimum: jsontext.Value("0")}, nil
	case reflect.Float32, reflect.Float64:
		return &Schema{Type: Types{"number"}}, nil
	case reflect.Slice:
		items, err := schemaOf(t.Elem(), depth+1)
		return &Schema{Type: Types{"array"}, Items: items}, err
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			return nil, fmt.Errorf("%v: the keys of a map must be strings", t)
		}
		values, err := schemaOf(t.Elem(), depth+1)
		return &Schema{Type: Types{"object"}, Additional: Additional{Schema: values}}, err
	case reflect.Struct:
		return structSchema(t, depth)
	}
	return nil, fmt.Errorf("%v cannot be a setting", t)
}

func structSchema(t reflect.Type, depth int) (*Schema, error) {
	fields, err := fieldsOf(t)
	if err != nil {
		return nil, err
	}
	s := &Schema{Type: Types{"object"}, Properties: Properties{}, Additional: Additional{Denied: true}}
	for _, f := range fields {
		p, err := schemaOf(f.typ, depth+1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		p.Description, p.Address, p.Default = f.doc, f.address, f.defaultJSON
		for _, word := range f.enum {
			quoted, err := json.Marshal(word)
			if err != nil {
				return nil, fmt.Errorf("%s: enum: %w", f.name, err)
			}
			p.Enum = append(p.Enum, quoted)
		}
		if f.pattern != "" {
			p.Pattern = f.pattern
		}
		if f.required {
			if p.Has("string") {
				p.MinLength = jsontext.Value("1") // a reference to an empty variable counts as missing
			}
			s.Required = append(s.Required, f.name)
		}
		s.Properties = append(s.Properties, Property{Name: f.name, Schema: p})
	}
	return s, nil
}

// isPlainStruct reports whether t is a struct that is written as an object.
func isPlainStruct(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !t.Implements(secretType) && !reflect.PointerTo(t).Implements(textType)
}
