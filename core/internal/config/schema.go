package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// schema is as much of a JSON Schema as is needed to read, complete and explain settings. Validation itself is
// the library's.
type schema struct {
	Ref         string             `json:"$ref"`
	Defs        map[string]*schema `json:"$defs"`
	Type        typeList           `json:"type"`
	Description string             `json:"description"`
	Properties  map[string]*schema `json:"properties"`
	Required    []string           `json:"required"`
	Additional  additional         `json:"additionalProperties"`
	Items       *schema            `json:"items"`
	Default     json.RawMessage    `json:"default"`
	Enum        []any              `json:"enum"`
	Secret      bool               `json:"x-secret"`
	Duration    bool               `json:"x-duration"`
}

// typeList is a type or a list of types.
type typeList []string

// UnmarshalJSON reads both forms.
func (t *typeList) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte("[")) {
		return json.Unmarshal(b, (*[]string)(t))
	}
	*t = typeList{""}
	return json.Unmarshal(b, &(*t)[0])
}

// additional is false, true or a schema.
type additional struct{ schema *schema }

// UnmarshalJSON reads all forms.
func (a *additional) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte("{")) {
		a.schema = &schema{}
		return json.Unmarshal(b, a.schema)
	}
	return nil
}

// follow resolves a reference to the schema's own definitions; s may be nil.
func (s *schema) follow(root *schema) *schema {
	for range 16 {
		if s == nil || s.Ref == "" || root == nil {
			return s
		}
		name, ok := strings.CutPrefix(s.Ref, "#/$defs/")
		if !ok {
			return s
		}
		s = root.Defs[name]
	}
	return s
}

func (s *schema) property(name string) *schema {
	switch {
	case s == nil:
		return nil
	case s.Properties[name] != nil:
		return s.Properties[name]
	}
	return s.Additional.schema
}

func (s *schema) item() *schema {
	if s == nil {
		return nil
	}
	return s.Items
}

// container reports whether the schema wants a mapping or a list.
func (s *schema) container() bool {
	return s != nil && (slices.Contains(s.Type, "object") || slices.Contains(s.Type, "array"))
}

// fill adds the defaults of properties that are missing. A missing mapping is made up only if its own
// defaults make it complete.
func (s *schema) fill(v any, root *schema) {
	s = s.follow(root)
	m, ok := v.(map[string]any)
	if s == nil || !ok {
		return
	}
	for name, prop := range s.Properties {
		prop = prop.follow(root)
		if prop == nil {
			continue
		}
		if have, ok := m[name]; ok {
			prop.fill(have, root)
			continue
		}
		if prop.Default != nil {
			var d any
			dec := json.NewDecoder(bytes.NewReader(prop.Default))
			dec.UseNumber()
			if dec.Decode(&d) == nil {
				m[name] = d
			}
			continue
		}
		if len(prop.Properties) == 0 || !slices.Contains(prop.Type, "object") {
			continue
		}
		made := map[string]any{}
		prop.fill(made, root)
		missing := slices.ContainsFunc(prop.Required, func(r string) bool { _, ok := made[r]; return !ok })
		if len(made) > 0 && !missing {
			m[name] = made
		}
	}
}

// walk returns the schema of the setting at a path, nil if there is none.
func (s *schema) walk(path []string, root *schema) *schema {
	s = s.follow(root)
	for _, name := range path {
		if s == nil {
			return nil
		}
		if p := s.property(name); p != nil {
			s = p.follow(root)
			continue
		}
		s = s.Items.follow(root)
	}
	return s
}

// CheckSettings checks a channel's settings, completed, against its adapter's JSON Schema (2020-12). It
// reports everything that is wrong, each with its place, and never a value.
func (c *Config) CheckSettings(channel string, schemaJSON []byte) []Problem {
	base := []string{"channels", channel, "settings"}
	fail := func(message string) []Problem {
		return []Problem{{Position: c.At(base...), Path: dotted(base), Message: message}}
	}
	out, s, err := c.complete(channel, schemaJSON, false)
	if err != nil {
		return fail(err.Error())
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaJSON))
	if err != nil {
		return fail("the adapter's schema is not valid JSON")
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(jsonschema.SchemeURLLoader{}) // a schema stands alone: nothing is fetched or read
	if err := compiler.AddResource("settings.json", doc); err != nil {
		return fail("the adapter's schema can't be used")
	}
	compiled, err := compiler.Compile("settings.json")
	if err != nil {
		return fail("the adapter's schema can't be used")
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(marshal(out)))
	if err != nil {
		return fail("can't be checked")
	}
	e, failed := compiled.Validate(instance).(*jsonschema.ValidationError)
	if !failed {
		return nil
	}
	x := &explainer{config: c, base: base, schema: s}
	x.explain(e)
	return tidy(x.problems)
}

// explainer turns the library's errors into problems.
type explainer struct {
	config   *Config
	base     []string
	schema   *schema
	problems []Problem
}

func (x *explainer) add(at Position, path []string, suggestion, format string, args ...any) {
	x.problems = append(x.problems, Problem{Position: at, Path: dotted(path), Suggestion: suggestion,
		Message: fmt.Sprintf(format, args...)})
}

func (x *explainer) explain(e *jsonschema.ValidationError) {
	for _, cause := range e.Causes {
		x.explain(cause)
	}
	if len(e.Causes) > 0 {
		return
	}
	path := slices.Concat(x.base, e.InstanceLocation)
	s := x.schema.walk(e.InstanceLocation, x.schema)
	if s == nil {
		s = &schema{}
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			doc := s.Properties[name].follow(x.schema)
			message := "missing"
			if doc != nil && doc.Description != "" {
				message += "; it is: " + doc.Description
			}
			x.add(x.config.At(path...), append(slices.Clip(path), name), "", "%s", message)
		}
	case *kind.AdditionalProperties:
		known := slices.Sorted(maps.Keys(s.Properties))
		for _, name := range k.Properties {
			at := append(slices.Clip(path), name)
			message, near := unknownName("setting", name, known)
			x.add(x.config.tree.atKey(at...), at, near, "%s", message)
		}
	default:
		x.add(x.config.At(path...), path, "", "%s", wording(e.ErrorKind, s))
	}
}

// wording says what a value should be; the value itself may be a secret.
func wording(e jsonschema.ErrorKind, s *schema) string {
	switch k := e.(type) {
	case *kind.Type:
		if k.Got == "null" {
			return "is empty; give it a value or leave it out"
		}
		return fmt.Sprintf("must be %s, not %s", strings.Join(typeWordsOf(k.Want), " or "), typeWordsOf([]string{k.Got})[0])
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
			return "is no duration; write a number with a unit, such as 30s, 15m or 72h"
		}
		return "does not have the form " + k.Want
	case *kind.Format:
		return "does not have the form of a " + k.Want
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
	return "does not fit the adapter's schema"
}

// typeWordsOf names JSON types in words of the file.
func typeWordsOf(types []string) []string {
	names := map[string]string{"string": "a text", "integer": "a whole number", "number": "a number",
		"boolean": "true or false", "array": "a list", "object": "a mapping", "null": "empty"}
	out := make([]string, len(types))
	for i, t := range types {
		if out[i] = names[t]; out[i] == "" {
			out[i] = t
		}
	}
	return out
}
