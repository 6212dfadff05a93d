// Package settings makes, reads and documents the JSON Schema of an adapter's settings.
//
// A Go adapter describes the settings of a channel as a struct with tags:
//
//   - json names the setting; "-" leaves a field out
//   - doc describes it for operators
//   - patchbay has comma-separated words: required, vendor-address, default=…, enum=a|b and, as the last one, pattern=…
//
// Of makes the Schema of such a struct, and Values decodes a channel's settings into it. Parse reads the schema of any
// adapter, also of one that is not written in Go.
package settings

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Schema is one level of a JSON Schema (2020-12), with the keywords that settings use. The fields are in the order of
// output.
type Schema struct {
	Dialect     string           `json:"$schema,omitempty"`
	Ref         string           `json:"$ref,omitempty"` // only where Parse cannot resolve it
	Defs        Properties       `json:"$defs,omitempty"`
	Type        Types            `json:"type,omitempty"`
	Description string           `json:"description,omitempty"`
	Properties  Properties       `json:"properties,omitzero"`
	Required    []string         `json:"required,omitempty"`
	Additional  Additional       `json:"additionalProperties,omitzero"`
	Items       *Schema          `json:"items,omitzero"`
	Default     jsontext.Value   `json:"default,omitzero"`
	Enum        []jsontext.Value `json:"enum,omitempty"`
	Pattern     string           `json:"pattern,omitempty"`
	Minimum     jsontext.Value   `json:"minimum,omitzero"`
	MinLength   jsontext.Value   `json:"minLength,omitzero"`
	Secret      bool             `json:"x-secret,omitzero"`         // never shown
	Address     bool             `json:"x-vendor-address,omitzero"` // an address that the adapter calls
	Duration    bool             `json:"x-duration,omitzero"`       // written like 5s or 1h30m
}

// Property is a named member of an object.
type Property struct {
	Name   string
	Schema *Schema
}

// Properties are the members of an object, in order.
type Properties []Property

// Types are the JSON types that a value may have. A single type is written as a string instead of a list.
type Types []string

// Additional are the members that an object may have in addition to its Properties: any, none, or members that match a
// Schema.
type Additional struct {
	Denied bool
	Schema *Schema
}

// Parse reads a JSON Schema. It resolves references to the schema's own $defs, so the result may contain itself.
func Parse(text []byte) (*Schema, error) {
	root := &Schema{}
	if err := json.Unmarshal(text, root); err != nil {
		return nil, fmt.Errorf("parse settings schema: %w", err)
	}
	r := resolver{defs: root.Defs, seen: map[*Schema]bool{}}
	return r.resolve(root), nil
}

// Text returns the schema as an indented JSON document. It fails on a schema that contains itself.
func (s *Schema) Text() ([]byte, error) {
	text, err := json.Marshal(s, jsontext.WithIndent("  "))
	if err != nil {
		return nil, fmt.Errorf("write settings schema: %w", err)
	}
	return text, nil
}

// Property returns the schema of the member with this name, or nil if it is not known. s may be nil.
func (s *Schema) Property(name string) *Schema {
	if s == nil {
		return nil
	}
	if p := s.Properties.get(name); p != nil {
		return p
	}
	return s.Additional.Schema
}

// Item returns the schema of a list's items, nil if it is not known. s may be nil.
func (s *Schema) Item() *Schema {
	if s == nil {
		return nil
	}
	return s.Items
}

// At returns the schema of the setting at a path, nil if none is known. Items of a list are named by their number.
func (s *Schema) At(path ...string) *Schema {
	for _, name := range path {
		next := s.Property(name)
		if next == nil {
			next = s.Item()
		}
		s = next
	}
	return s
}

// Has reports whether a value of the type is allowed. s may be nil.
func (s *Schema) Has(typ string) bool { return s != nil && slices.Contains(s.Type, typ) }

// IsRequired reports whether an object must have the member of that name.
func (s *Schema) IsRequired(name string) bool { return slices.Contains(s.Required, name) }

func (p Properties) get(name string) *Schema {
	for i := range p {
		if p[i].Name == name {
			return p[i].Schema
		}
	}
	return nil
}

// Names returns the names of the properties, sorted.
func (p Properties) Names() []string {
	names := make([]string, len(p))
	for i := range p {
		names[i] = p[i].Name
	}
	slices.Sort(names)
	return names
}

// maxReferences bounds a chain of references.
const maxReferences = 16

// resolver replaces references by the definitions that they name.
type resolver struct {
	defs Properties
	seen map[*Schema]bool
}

// resolve returns the schema that s refers to, or s itself, with all schemas below it resolved.
func (r *resolver) resolve(s *Schema) *Schema {
	for range maxReferences {
		name, ok := strings.CutPrefix(s.Ref, "#/$defs/")
		target := r.defs.get(name)
		if !ok || target == nil {
			break
		}
		s = target
	}
	if r.seen[s] {
		return s
	}
	r.seen[s] = true
	for i := range s.Properties {
		s.Properties[i].Schema = r.resolve(s.Properties[i].Schema)
	}
	if s.Items != nil {
		s.Items = r.resolve(s.Items)
	}
	if s.Additional.Schema != nil {
		s.Additional.Schema = r.resolve(s.Additional.Schema)
	}
	return s
}
