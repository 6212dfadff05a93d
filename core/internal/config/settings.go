package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"patchbay/sdk/settings"
)

// redacted stands where a value must not be shown.
const redacted = "[redacted]"

// Settings are a channel's settings as written for its adapter. The zero value is an empty object. They never
// print their values: every formatting gives the redacted form.
type Settings struct {
	reveal func() []byte // a function, so that no formatting by reflection finds the values
	shown  string
}

// JSON returns the settings as a JSON object with secrets resolved. Hand it to the adapter, nobody else.
// Without the adapter's schema, a number is what YAML takes for one; see Config.CompleteSettings.
func (s Settings) JSON() []byte {
	if s.reveal == nil {
		return []byte("{}")
	}
	return s.reveal()
}

// Redacted returns the settings as a JSON object in which every value is hidden, except that references
// show what they refer to.
func (s Settings) Redacted() []byte {
	if s.shown == "" {
		return []byte("{}")
	}
	return []byte(s.shown)
}

// String returns the redacted form.
func (s Settings) String() string { return string(s.Redacted()) }

// GoString returns the redacted form.
func (s Settings) GoString() string { return string(s.Redacted()) }

// MarshalJSON returns the redacted form.
func (s Settings) MarshalJSON() ([]byte, error) { return s.Redacted(), nil }

// settings resolves a channel's settings once, so that checks, defaults and the adapter see the same values.
func (l *loader) settings(channel string) Settings {
	path := []string{"channels", channel, "settings"}
	n, _, whole := l.tree.find(path)
	if !whole || n.kind == null {
		return Settings{}
	}
	if n.kind != mapping {
		l.bad(path, "", "must be a mapping, not %s", n.kind)
		return Settings{}
	}
	l.resolveAll(n, path)
	r := renderer{values: l.tree.values}
	values := marshal(r.value(n, nil))
	r.redact = true
	return Settings{reveal: func() []byte { return values }, shown: string(marshal(r.value(n, nil)))}
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte("{}") // not possible: the renderer makes maps, lists, texts and checked numbers only
	}
	return b
}

// shellVariable is what people write who mean ${env:NAME}.
var shellVariable = regexp.MustCompile(`^\$[A-Za-z_][A-Za-z0-9_]*$`)

func (l *loader) resolveAll(n *node, path []string) {
	switch n.kind {
	case mapping:
		for _, k := range n.keys {
			l.resolveAll(k.value, append(path[:len(path):len(path)], k.name))
		}
	case list:
		for i, item := range n.items {
			l.resolveAll(item, append(path[:len(path):len(path)], fmt.Sprint(i)))
		}
	case scalar:
		r, err := l.shaper.resolver.resolve(n.text)
		if err != nil {
			for _, e := range unjoin(err) {
				l.bad(path, "", "%v", e)
			}
		}
		if shellVariable.MatchString(n.text) {
			l.warnings = append(l.warnings, Problem{Position: l.shaper.place(n), Path: dotted(path),
				Message: "begins like a variable of a shell, and is taken as it stands; a reference is written ${env:NAME}"})
		}
		l.tree.values[n] = r
	}
}

// settingsNode returns the settings of a channel; an empty mapping if it has none.
func (c *Config) settingsNode(channel string) (*node, error) {
	if _, ok := c.Channel(channel); !ok {
		return nil, fmt.Errorf("there is no channel %q", channel)
	}
	n, _, whole := c.tree.find([]string{"channels", channel, "settings"})
	if !whole || n.kind != mapping {
		return &node{kind: mapping}, nil
	}
	return n, nil
}

// CompleteSettings returns a channel's settings as JSON with secrets resolved, values of the types that the
// schema wants (0041771234567 stays as it is where a text is wanted), and the schema's defaults filled in: what
// the adapter gets. It does not check; see CheckSettings.
func (c *Config) CompleteSettings(channel string, schemaJSON []byte) ([]byte, error) {
	out, err := c.completeJSON(channel, schemaJSON, false)
	if err != nil {
		return nil, fmt.Errorf("complete settings of channel %s: %w", channel, err)
	}
	return marshal(out), nil
}

// RedactedSettings returns a channel's settings as JSON for people: secrets hidden, references as they are
// written, defaults filled in.
func (c *Config) RedactedSettings(channel string, schemaJSON []byte) ([]byte, error) {
	out, err := c.completeJSON(channel, schemaJSON, true)
	if err != nil {
		return nil, fmt.Errorf("show settings of channel %s: %w", channel, err)
	}
	return marshal(out), nil
}

func (c *Config) completeJSON(channel string, schemaJSON []byte, redact bool) (map[string]any, error) {
	s, err := settings.Parse(schemaJSON)
	if err != nil {
		return nil, errors.New("the adapter's schema is not valid JSON Schema")
	}
	return c.complete(channel, s, redact)
}

func (c *Config) complete(channel string, s *settings.Schema, redact bool) (map[string]any, error) {
	n, err := c.settingsNode(channel)
	if err != nil {
		return nil, err
	}
	r := renderer{values: c.tree.values, redact: redact}
	out := r.value(n, s).(map[string]any)
	s.AddDefaults(out)
	return out, nil
}
