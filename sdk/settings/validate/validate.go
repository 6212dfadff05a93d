// Package validate checks settings against an adapter's JSON Schema.
package validate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"patchbay/sdk/settings"
)

// Validator checks settings against one schema.
type Validator struct {
	Schema   *settings.Schema
	compiled *jsonschema.Schema
}

// Reason classifies a violation.
type Reason int

// The reasons.
const (
	Invalid Reason = iota // the value does not match the schema
	Missing               // a required setting is absent
	Unknown               // the schema has no such setting
)

// Violation is one setting that the schema does not accept.
type Violation struct {
	Path    []string // below the channel's settings; items of a list are named by their number
	Reason  Reason
	Message string   // never contains the value, which may be a secret
	Known   []string // for an unknown setting: the possible names, sorted
}

// Name returns the dotted path.
func (v *Violation) Name() string { return strings.Join(v.Path, ".") }

// Compile compiles a schema. It does not fetch references.
func Compile(schema []byte) (*Validator, error) {
	parsed, err := settings.Parse(schema)
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, fmt.Errorf("parse settings schema: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(jsonschema.SchemeURLLoader{})
	if err := c.AddResource("settings.json", doc); err != nil {
		return nil, fmt.Errorf("compile settings schema: %w", err)
	}
	compiled, err := c.Compile("settings.json")
	if err != nil {
		return nil, fmt.Errorf("compile settings schema: %w", err)
	}
	return &Validator{Schema: parsed, compiled: compiled}, nil
}

// Violations checks a settings object and returns everything that the schema does not accept.
func (v *Validator) Violations(object map[string]any) []Violation {
	text, err := json.Marshal(object)
	if err != nil {
		return []Violation{{Message: "is not JSON"}}
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return []Violation{{Message: "is not JSON"}}
	}
	failed, ok := v.compiled.Validate(instance).(*jsonschema.ValidationError)
	if !ok {
		return nil
	}
	return v.violations(failed)
}

func (v *Validator) violations(e *jsonschema.ValidationError) []Violation {
	var out []Violation
	for _, cause := range e.Causes {
		out = append(out, v.violations(cause)...)
	}
	if len(e.Causes) > 0 {
		return out
	}
	s := v.Schema.At(e.InstanceLocation...)
	if s == nil {
		s = &settings.Schema{}
	}
	member := func(name string) []string { return append(slices.Clip(e.InstanceLocation), name) }
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			message := "missing"
			if p := s.Property(name); p != nil && p.Description != "" {
				message += "; it is: " + p.Description
			}
			out = append(out, Violation{Path: member(name), Reason: Missing, Message: message})
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			out = append(out, Violation{Path: member(name), Reason: Unknown, Message: "unknown setting",
				Known: s.Properties.Names()})
		}
	default:
		out = append(out, Violation{Path: e.InstanceLocation, Message: describe(e.ErrorKind, s)})
	}
	return out
}

// describe returns the message of a violation, without the value.
func describe(e jsonschema.ErrorKind, s *settings.Schema) string {
	switch k := e.(type) {
	case *kind.Type:
		if k.Got == "null" {
			return "is empty; give it a value or leave it out"
		}
		want := make([]string, len(k.Want))
		for i, t := range k.Want {
			want[i] = typeName(t)
		}
		return fmt.Sprintf("must be %s, not %s", strings.Join(want, " or "), typeName(k.Got))
	case *kind.Enum:
		options := make([]string, len(k.Want))
		for i, w := range k.Want {
			options[i] = fmt.Sprint(w)
		}
		return "must be one of " + strings.Join(options, ", ")
	case *kind.Const:
		return fmt.Sprintf("must be %v", k.Want)
	case *kind.Pattern:
		if s.Duration {
			return "is not a duration; write a number with a unit, such as 30s, 15m or 72h"
		}
		return "does not match the pattern " + k.Want
	case *kind.MinLength:
		return fmt.Sprintf("must have at least %d characters", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("must have at most %d characters", k.Want)
	case *kind.Minimum:
		return "must be at least " + k.Want.RatString()
	case *kind.Maximum:
		return "must be at most " + k.Want.RatString()
	case *kind.MinItems:
		return fmt.Sprintf("must have at least %d entries", k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("must have at most %d entries", k.Want)
	}
	return "does not match the adapter's schema"
}

// typeName returns the name of a JSON type in a configuration file.
func typeName(t string) string {
	names := map[string]string{"string": "a text", "integer": "a whole number", "number": "a number",
		"boolean": "true or false", "array": "a list", "object": "a mapping", "null": "empty"}
	if name, ok := names[t]; ok {
		return name
	}
	return t
}
