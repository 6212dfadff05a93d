package config

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
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
