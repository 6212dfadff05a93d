package adaptertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// node is one level of a settings schema, as far as the exam reads it.
type node struct {
	Type        string           `json:"type"`
	Description string           `json:"description"`
	Properties  map[string]*node `json:"properties"`
	Required    []string         `json:"required"`
	Default     any              `json:"default"`
	Enum        []any            `json:"enum"`
	Secret      bool             `json:"x-secret"`
	Address     bool             `json:"x-vendor-address"`
}

// settingsSchema is an adapter's schema, compiled.
type settingsSchema struct {
	root     *node
	compiled *jsonschema.Schema
}

// compileSchema reads a schema. It stands alone: nothing is fetched.
func compileSchema(text []byte) (*settingsSchema, error) {
	s := &settingsSchema{root: &node{}}
	if err := json.Unmarshal(text, s.root); err != nil {
		return nil, fmt.Errorf("not a JSON Schema: %w", err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("not a JSON Schema: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(jsonschema.SchemeURLLoader{})
	if err := c.AddResource("settings.json", doc); err != nil {
		return nil, fmt.Errorf("not a JSON Schema: %w", err)
	}
	if s.compiled, err = c.Compile("settings.json"); err != nil {
		return nil, fmt.Errorf("not a JSON Schema: %w", err)
	}
	return s, nil
}

// walk calls f for each setting, with its dotted path, parents first and in the order of names.
func (n *node) walk(path string, f func(path string, n *node)) {
	for _, name := range slices.Sorted(maps.Keys(n.Properties)) {
		p := n.Properties[name]
		f(joined(path, name), p)
		p.walk(joined(path, name), f)
	}
}

// paths returns the settings that have a mark.
func (s *settingsSchema) paths(marked func(*node) bool) []string {
	var out []string
	s.root.walk("", func(path string, n *node) {
		if marked(n) {
			out = append(out, path)
		}
	})
	return out
}

// required returns the paths of settings that are required as soon as what they are in is there.
func (s *settingsSchema) required() []string {
	var out []string
	var collect func(path string, n *node)
	collect = func(path string, n *node) {
		for _, name := range n.Required {
			out = append(out, joined(path, name))
		}
		for name, p := range n.Properties {
			collect(joined(path, name), p)
		}
	}
	collect("", s.root)
	return out
}

// withDefaults puts the defaults of n into settings, which it changes.
func (n *node) withDefaults(settings map[string]any) {
	for name, p := range n.Properties {
		if _, there := settings[name]; !there && p.Default != nil {
			settings[name] = p.Default
		}
		if inner, ok := settings[name].(map[string]any); ok {
			p.withDefaults(inner)
			continue
		}
		if _, there := settings[name]; !there && p.hasDefaults() {
			inner := map[string]any{}
			p.withDefaults(inner)
			settings[name] = inner
		}
	}
}

// hasDefaults reports whether an object that is left out has defaults within, and no required member.
func (n *node) hasDefaults() bool {
	if len(n.Required) > 0 {
		return false
	}
	for _, p := range n.Properties {
		if p.Default != nil || p.hasDefaults() {
			return true
		}
	}
	return false
}

// violations returns the dotted paths of settings that the schema refuses; a missing or unknown member counts by its own
// path.
func (s *settingsSchema) violations(settings map[string]any) []string {
	if s.compiled == nil {
		return nil // see describe.schema
	}
	text, err := json.Marshal(settings)
	if err != nil {
		return []string{""}
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return []string{""}
	}
	failed, ok := s.compiled.Validate(instance).(*jsonschema.ValidationError)
	if !ok {
		return nil
	}
	return violationPaths(failed)
}

func violationPaths(e *jsonschema.ValidationError) []string {
	if len(e.Causes) == 0 {
		return append([]string{strings.Join(e.InstanceLocation, ".")}, missingPaths(e)...)
	}
	var out []string
	for _, c := range e.Causes {
		out = append(out, violationPaths(c)...)
	}
	return out
}

// setting returns what is at a dotted path, and whether anything is.
func setting(tree map[string]any, path string) (any, bool) {
	var v any = tree
	for name := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[name]; !ok {
			return nil, false
		}
	}
	return v, true
}

// withSetting returns a copy of tree in which the value at path is replaced; a nil value removes it.
func withSetting(tree map[string]any, path string, value any) map[string]any {
	out := maps.Clone(tree)
	if out == nil {
		out = map[string]any{}
	}
	name, rest, deeper := strings.Cut(path, ".")
	switch {
	case deeper:
		inner, _ := out[name].(map[string]any)
		out[name] = withSetting(inner, rest, value)
	case value == nil:
		delete(out, name)
	default:
		out[name] = value
	}
	return out
}
