package config

import (
	"encoding/json"
	"fmt"
	"regexp"

	"patchbay/core/internal/finding"
	"patchbay/sdk/settings"
)

// redacted replaces confidential values.
const redacted = "[redacted]"

// Settings are the settings of a channel that its adapter gets. The zero value is an empty object. All printed forms
// are redacted.
type Settings struct {
	reveal func() []byte // a function, so that formatting by reflection does not show the values
	shown  string        // the redacted form
}

// JSON returns the settings as a JSON object with secrets resolved, for the adapter only. Without the adapter's schema,
// YAML decides which values are numbers; see Config.CompleteSettings.
func (s Settings) JSON() []byte {
	if s.reveal == nil {
		return []byte("{}")
	}
	return s.reveal()
}

// Redacted returns the settings as a JSON object in which every value is redacted and references are as written.
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

// settings resolves the references in a channel's settings once, so that checks, defaults and the adapter see the same
// values.
func (l *loader) settings(n *node) Settings {
	if n.kind == absent || n.kind == null {
		return Settings{}
	}
	if n.kind != mapping {
		l.bad(finding.WrongType, n, "must be a mapping, not %s; keys: the settings of the adapter", n.kind)
		return Settings{}
	}
	l.resolveAll(n)
	values := marshal(render(n, nil, false))
	return Settings{reveal: func() []byte { return values }, shown: string(marshal(render(n, nil, true)))}
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte("{}") // not possible: render makes maps, lists, texts and checked numbers only
	}
	return b
}

// shellVariable matches a value that was probably meant as ${env:NAME}.
var shellVariable = regexp.MustCompile(`^\$[A-Za-z_][A-Za-z0-9_]*$`)

func (l *loader) resolveAll(n *node) {
	for _, child := range n.children {
		l.resolveAll(child)
	}
	if n.kind != scalar {
		return
	}
	var errs []error
	n.resolved, errs = l.resolver.resolve(n.text)
	for _, err := range errs {
		l.bad(referenceCode(err), n, "%v", err)
	}
	if shellVariable.MatchString(n.text) {
		l.warnings = append(l.warnings, Problem{Code: finding.ShellVariable, Position: n.at, Path: n.path(),
			Message: "looks like a shell variable and is used literally; write a reference as ${env:NAME}"})
	}
}

// CompleteSettings returns a channel's settings as JSON for its adapter. The references are resolved, the values have
// the types of the schema, and the schema's defaults are added. If the schema has a string, 0041771234567 keeps its
// zeros. CompleteSettings does not check the settings; see CheckSettings.
func (c *Config) CompleteSettings(channel string, schema []byte) ([]byte, error) {
	s, err := settings.Parse(schema)
	if err != nil {
		return nil, fmt.Errorf("complete settings of channel %s: the adapter's schema is not a valid JSON Schema", channel)
	}
	out, err := c.complete(channel, s, false)
	if err != nil {
		return nil, fmt.Errorf("complete settings of channel %s: %w", channel, err)
	}
	return marshal(out), nil
}

func (c *Config) complete(channel string, s *settings.Schema, redact bool) (map[string]any, error) {
	if _, ok := c.Channel(channel); !ok {
		return nil, fmt.Errorf("there is no channel %q", channel)
	}
	out, ok := render(c.root.find("channels", channel, "settings"), s, redact).(map[string]any)
	if !ok {
		out = map[string]any{}
	}
	s.AddDefaults(out)
	return out, nil
}
