package config

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// CheckSettings checks a channel's settings, completed, against its adapter's JSON Schema (2020-12). It
// reports everything that is wrong, each with its place, and never a value; what follows from a problem that Load has
// found, such as a reference that can't be resolved, is left out.
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
	return tidy(slices.DeleteFunc(x.problems, func(p Problem) bool {
		return slices.ContainsFunc(c.problems, func(cause Problem) bool { return within(p.Path, cause.Path) && within(cause.Path, dotted(base)) })
	}))
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
		return fmt.Sprintf("must be %s, not %s", strings.Join(typeNames(k.Want), " or "), typeNames([]string{k.Got})[0])
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

// typeNames names JSON types in words of the file.
func typeNames(types []string) []string {
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
