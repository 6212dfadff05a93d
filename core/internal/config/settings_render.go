package config

import (
	"encoding/json"
	"regexp"

	"patchbay/sdk/settings"
)

// render returns a setting as a value for JSON, with the types of its schema. The schema may be nil. With redact, the
// result contains no confidential values.
func render(n *node, s *settings.Schema, redact bool) any {
	switch n.kind {
	case mapping:
		out := map[string]any{}
		for _, child := range n.children {
			member := s.Property(child.name)
			if child.kind == null && (member.Has("object") || member.Has("array")) {
				continue // a mapping or list without content counts as absent
			}
			out[child.name] = render(child, member, redact)
		}
		return out
	case list:
		out := make([]any, len(n.children))
		for i, item := range n.children {
			out[i] = render(item, s.Item(), redact)
		}
		return out
	case scalar:
		return renderScalar(n, s, redact)
	}
	return nil
}

func renderScalar(n *node, s *settings.Schema, redact bool) any {
	v := n.resolved
	switch {
	case redact && v.secret:
		return v.shown
	case redact && (s == nil || s.Ref != "" || s.Secret):
		return redacted
	case v.unset:
		return placeholder(s, v.shown)
	case n.isText() && !v.secret:
		return v.text
	case s != nil && len(s.Type) > 0:
		return asType(v.text, s.Type)
	case v.secret:
		return v.text
	}
	return asType(v.text, yamlTypes[n.yaml.ShortTag()])
}

// yamlTypes are the types that YAML gives to unquoted text. They apply to settings without a schema.
var yamlTypes = map[string][]string{"!!bool": {"boolean"}, "!!int": {"integer"}, "!!float": {"number"}}

var (
	jsonInteger = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	jsonNumber  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
)

// asType converts a text to the first of the types that it matches. It returns any other text unchanged, such as a
// number with leading zeros, which is a telephone number or an account.
func asType(text string, types []string) any {
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
