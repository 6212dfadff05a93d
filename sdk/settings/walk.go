package settings

import (
	"bytes"
	stdjson "encoding/json"
	"iter"
	"slices"
	"strings"
)

// maxDepth limits the nesting of settings, because a schema or a struct may contain itself.
const maxDepth = 16

// Setting is one setting with its place below the channel's settings.
type Setting struct {
	*Schema
	Path     []string
	Required bool // must be set if the parent object is present
}

// Name returns the dotted path.
func (s *Setting) Name() string { return strings.Join(s.Path, ".") }

// All yields every named setting below s in the order of the schema, an object before its members.
func (s *Schema) All() iter.Seq[Setting] {
	return func(yield func(Setting) bool) { s.walk(nil, yield) }
}

func (s *Schema) walk(path []string, yield func(Setting) bool) bool {
	for _, p := range s.Properties {
		if len(path) == maxDepth {
			return true
		}
		at := append(slices.Clip(path), p.Name)
		if !yield(Setting{Schema: p.Schema, Path: at, Required: s.IsRequired(p.Name)}) || !p.Schema.walk(at, yield) {
			return false
		}
	}
	return true
}

// AddDefaults puts the defaults of missing settings into values. Numbers become encoding/json.Number. A missing object
// is added only if the defaults of its members make it complete.
func (s *Schema) AddDefaults(values map[string]any) { s.addDefaults(values, 0) }

func (s *Schema) addDefaults(values map[string]any, depth int) {
	if depth > maxDepth {
		return
	}
	for _, p := range s.Properties {
		have, present := values[p.Name]
		switch inner, isObject := have.(map[string]any); {
		case isObject:
			p.Schema.addDefaults(inner, depth+1)
		case present:
		case p.Schema.Default != nil:
			dec := stdjson.NewDecoder(bytes.NewReader(p.Schema.Default))
			dec.UseNumber()
			var v any
			if dec.Decode(&v) == nil {
				values[p.Name] = v
			}
		case p.Schema.Has("object"):
			added := map[string]any{}
			p.Schema.addDefaults(added, depth+1)
			if len(added) > 0 && p.Schema.isComplete(added) {
				values[p.Name] = added
			}
		}
	}
}

func (s *Schema) isComplete(object map[string]any) bool {
	return !slices.ContainsFunc(s.Required, func(name string) bool { _, ok := object[name]; return !ok })
}
