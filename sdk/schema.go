package sdk

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Schema returns the JSON Schema (2020-12) of an author's settings struct, given as a pointer to a zero
// value. The output is the same for the same type: properties are in the order of the fields. Beside the
// standard keywords it carries "x-secret" for fields of type Secret, "x-vendor-address" for addresses
// that the adapter calls, and "x-duration" for durations. An error means a mistake in the struct or its tags.
func Schema(settings any) ([]byte, error) {
	t := reflect.TypeOf(settings)
	if t == nil {
		t = reflect.TypeFor[*struct{}]()
	}
	if t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("schema of settings: want a pointer to a struct, got %v", t)
	}
	s, err := schemaOf(t.Elem(), 0)
	if err != nil {
		return nil, fmt.Errorf("schema of settings: %w", err)
	}
	s.Dialect = "https://json-schema.org/draft/2020-12/schema"
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("schema of settings: %w", err)
	}
	v := jsontext.Value(b)
	if err := v.Indent(jsontext.WithIndent("  ")); err != nil {
		return nil, fmt.Errorf("schema of settings: %w", err)
	}
	return v, nil
}

// schema is one level of a JSON Schema. Fields are in the order in which they are written.
type schema struct {
	Dialect     string         `json:"$schema,omitempty"`
	Type        string         `json:"type,omitempty"`
	Description string         `json:"description,omitempty"`
	Properties  *properties    `json:"properties,omitzero"`
	Required    []string       `json:"required,omitempty"`
	Additional  any            `json:"additionalProperties,omitzero"` // false or *schema
	Items       *schema        `json:"items,omitzero"`
	Default     jsontext.Value `json:"default,omitempty"`
	Enum        []string       `json:"enum,omitempty"`
	Pattern     string         `json:"pattern,omitempty"`
	Minimum     *int           `json:"minimum,omitzero"`
	MinLength   int            `json:"minLength,omitzero"`
	Secret      bool           `json:"x-secret,omitzero"`
	Address     bool           `json:"x-vendor-address,omitzero"`
	Duration    bool           `json:"x-duration,omitzero"`
}

// properties is an object that keeps its order.
type properties struct {
	names   []string
	schemas []*schema
}

// MarshalJSONTo writes the properties in order.
func (p *properties) MarshalJSONTo(enc *jsontext.Encoder) error {
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for i, name := range p.names {
		if err := enc.WriteToken(jsontext.String(name)); err != nil {
			return err
		}
		if err := json.MarshalEncode(enc, p.schemas[i]); err != nil {
			return err
		}
	}
	return enc.WriteToken(jsontext.EndObject)
}

var (
	secretType      = reflect.TypeFor[Secret]()
	durationType    = reflect.TypeFor[Duration]()
	stdDurationType = reflect.TypeFor[time.Duration]()
	textType        = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// maxSchemaDepth ends structs that contain themselves.
const maxSchemaDepth = 16

// durationPattern is what time.ParseDuration takes, without a sign.
const durationPattern = `^([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$|^0$`

func schemaOf(t reflect.Type, depth int) (*schema, error) {
	if depth > maxSchemaDepth {
		return nil, errors.New("nested too deep")
	}
	switch {
	case t == secretType:
		return &schema{Type: "string", Secret: true}, nil
	case t == durationType || t == stdDurationType:
		return &schema{Type: "string", Pattern: durationPattern, Duration: true}, nil
	case t.Kind() == reflect.Pointer:
		return schemaOf(t.Elem(), depth+1)
	case reflect.PointerTo(t).Implements(textType):
		return &schema{Type: "string"}, nil
	}
	switch t.Kind() {
	case reflect.Bool:
		return &schema{Type: "boolean"}, nil
	case reflect.String:
		return &schema{Type: "string"}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return &schema{Type: "integer"}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return &schema{Type: "integer", Minimum: new(int)}, nil
	case reflect.Float32, reflect.Float64:
		return &schema{Type: "number"}, nil
	case reflect.Slice:
		items, err := schemaOf(t.Elem(), depth+1)
		return &schema{Type: "array", Items: items}, err
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			return nil, fmt.Errorf("%v: the keys of a map must be strings", t)
		}
		values, err := schemaOf(t.Elem(), depth+1)
		return &schema{Type: "object", Additional: values}, err
	case reflect.Struct:
		return structSchema(t, depth)
	}
	return nil, fmt.Errorf("%v can't be a setting", t)
}

func structSchema(t reflect.Type, depth int) (*schema, error) {
	fields, err := settingFields(t)
	if err != nil {
		return nil, err
	}
	s := &schema{Type: "object", Properties: &properties{}, Additional: false}
	for _, f := range fields {
		p, err := schemaOf(f.typ, depth+1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		p.Description = f.doc
		p.Address = f.address
		p.Enum = f.enum
		if f.pattern != "" {
			p.Pattern = f.pattern
		}
		if f.hasDefault {
			p.Default = f.defaultJSON
		}
		if f.required {
			if p.Type == "string" {
				p.MinLength = 1 // a reference to a variable that is empty counts as missing
			}
			s.Required = append(s.Required, f.name)
		}
		s.Properties.names = append(s.Properties.names, f.name)
		s.Properties.schemas = append(s.Properties.schemas, p)
	}
	return s, nil
}

// isPlainStruct reports whether t is a struct that is written as an object.
func isPlainStruct(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != secretType && !reflect.PointerTo(t).Implements(textType)
}
