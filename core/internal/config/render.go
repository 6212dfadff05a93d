package config

import (
	"encoding/json"
	"regexp"

	"patchbay/sdk/settings"
)

// renderer turns settings into values for JSON, guided by the adapter's schema where it is known.
type renderer struct {
	values map[*node]resolved
	redact bool
}

func (r *renderer) value(n *node, s *settings.Schema) any {
	switch n.kind {
	case mapping:
		out := map[string]any{}
		for _, k := range n.keys {
			prop := s.Property(k.name)
			if k.value.kind == null && (prop.Has("object") || prop.Has("array")) {
				continue // a mapping or list with nothing below it is absent
			}
			out[k.name] = r.value(k.value, prop)
		}
		return out
	case list:
		out := make([]any, len(n.items))
		for i, item := range n.items {
			out[i] = r.value(item, s.Item())
		}
		return out
	case scalar:
		return r.scalar(n, s)
	}
	return nil
}

func (r *renderer) scalar(n *node, s *settings.Schema) any {
	v := r.values[n]
	if r.redact {
		switch {
		case v.secret:
			return v.shown
		case s == nil || s.Ref != "" || s.Secret:
			return redacted
		}
	}
	if n.yaml.ShortTag() == "!!str" && !v.secret {
		return v.text
	}
	if s != nil && len(s.Type) > 0 {
		return typed(v.text, s.Type)
	}
	if v.secret {
		return v.text
	}
	return typed(v.text, yamlTypes[n.yaml.ShortTag()])
}

// yamlTypes are the types that YAML gives to unquoted text, where the schema is not known.
var yamlTypes = map[string][]string{"!!bool": {"boolean"}, "!!int": {"integer"}, "!!float": {"number"}}

var (
	jsonInteger = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	jsonNumber  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
)

// typed returns a text as the first of the types that it is written as; else it stays a text, as it is: a
// number with zeros before it is a telephone number or an account.
func typed(text string, types []string) any {
	for _, t := range types {
		switch t {
		case "string":
			return text
		case "boolean":
			if text == "true" || text == "false" {
				return text == "true"
			}
		case "integer":
			if jsonInteger.MatchString(text) {
				return json.Number(text)
			}
		case "number":
			if jsonNumber.MatchString(text) {
				return json.Number(text)
			}
		}
	}
	return text
}
