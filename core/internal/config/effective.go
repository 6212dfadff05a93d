package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"patchbay/sdk/settings"
)

// Effective is a setting that is in force, with the source of its value.
type Effective struct {
	Key string `json:"key"`
	// Value is redacted if it can be a secret. References in settings, env and args are as written.
	Value  string `json:"value"`
	Source string `json:"source"` // default, file or environment
	Place  string `json:"place"`  // position in the file, or the name of the variable; "" for a default
}

// Effective returns all settings, sorted by the first key of their paths, with the rules at the end. Settings with the
// same first key are in the order of the file, then the defaults. The settings schema of an adapter contains the
// defaults of its channels' settings, and marks those that are secrets. Without the schema, all values of these
// settings are redacted.
func (c *Config) Effective(schemas map[string][]byte) []Effective {
	var out []Effective
	c.collect(c.root, schemas, &out)
	for i := range c.Channels {
		ch := &c.Channels[i]
		owner := c.root.find("channels", ch.Name, "owner")
		if ch.Owner != "" && owner.kind == absent {
			from := c.root.find("conversations", "owner")
			out = append(out, Effective{Key: owner.path(), Value: ch.Owner, Source: from.sourceKind(),
				Place: from.at.String()})
		}
	}
	slices.SortStableFunc(out, func(a, b Effective) int { return strings.Compare(sortKey(a.Key), sortKey(b.Key)) })
	return out
}

// sortKey returns the first key of a path, or a text that is greater than all keys for a path in a rule.
func sortKey(key string) string {
	first, _, _ := strings.Cut(key, ".")
	if strings.HasPrefix(first, "routes") {
		return "\xff"
	}
	return first
}

func (c *Config) collect(n *node, schemas map[string][]byte, out *[]Effective) {
	if n.parent != nil && n.parent.parent != nil && n.isConfidential() {
		c.collectConfidential(n, schemas, out)
		return
	}
	for _, child := range n.children {
		c.collect(child, schemas, out)
	}
	if n.kind != scalar {
		return
	}
	value := n.text
	if n.sourceKind() == "file" && strings.Contains(value, "${") && !n.isBelow("routes") {
		value = n.resolved.shown
	}
	*out = append(*out, n.effective(value))
}

func (n *node) effective(value string) Effective {
	e := Effective{Key: n.path(), Value: value, Source: n.sourceKind()}
	switch e.Source {
	case "file":
		e.Place = n.at.String()
	case "environment":
		e.Place = strings.TrimPrefix(n.at.File, "environment ")
	}
	return e
}

func (n *node) sourceKind() string {
	switch {
	case n.isDefault || n.kind == absent:
		return "default"
	case n.at.Line == 0:
		return "environment"
	}
	return "file"
}

// collectConfidential adds settings, env or args, in which values can be secrets.
func (c *Config) collectConfidential(n *node, schemas map[string][]byte, out *[]Effective) {
	values := render(n, nil, true)
	if ch, ok := c.Channel(n.parent.name); ok && n.name == "settings" {
		if s, err := settings.Parse(schemas[ch.Adapter]); err == nil {
			if complete, err := c.complete(ch.Name, s, true); err == nil {
				values = complete
			}
		}
	}
	n.flatten(values, out)
}

// flatten adds the single values of the setting n. The values are the rendered form of n.
func (n *node) flatten(values any, out *[]Effective) {
	switch v := values.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			n.child(name).flatten(v[name], out)
		}
	case []any:
		for i, item := range v {
			n.child(strconv.Itoa(i)).flatten(item, out)
		}
	case json.Number:
		*out = append(*out, n.effective(v.String()))
	default:
		*out = append(*out, n.effective(fmt.Sprint(v)))
	}
}
