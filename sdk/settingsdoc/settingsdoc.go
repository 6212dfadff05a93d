// Package settingsdoc writes the table of an adapter's settings for its README, so that the table says what the program
// does.
package settingsdoc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk"
)

// The lines of a README between which the table stands.
const (
	Begin = "<!-- settings:begin -->"
	End   = "<!-- settings:end -->"
)

// level is what a schema says of one setting, as far as the table shows it.
type level struct {
	Type        string           `json:"type"`
	Description string           `json:"description"`
	Properties  jsontext.Value   `json:"properties"`
	Required    []string         `json:"required"`
	Items       *level           `json:"items"`
	Additional  jsontext.Value   `json:"additionalProperties"`
	Default     jsontext.Value   `json:"default"`
	Enum        []jsontext.Value `json:"enum"`
	Secret      bool             `json:"x-secret"`
	Duration    bool             `json:"x-duration"`
}

// Table returns a Markdown table of the settings that a JSON Schema describes, in the order of the schema; see sdk.Schema.
// Nested settings have their path.
func Table(schema []byte) (string, error) {
	var top level
	if err := json.Unmarshal(schema, &top); err != nil {
		return "", fmt.Errorf("read settings schema: %w", err)
	}
	var b strings.Builder
	b.WriteString("| setting | type | default | meaning |\n|---|---|---|---|\n")
	if err := top.rows(&b, ""); err != nil {
		return "", fmt.Errorf("read settings schema: %w", err)
	}
	return b.String(), nil
}

// rows writes a line for each setting below l, whose path is prefix.
func (l *level) rows(b *strings.Builder, prefix string) error {
	return members(l.Properties, func(name string, raw jsontext.Value) error {
		var s level
		if err := json.Unmarshal(raw, &s); err != nil {
			return fmt.Errorf("%s%s: %w", prefix, name, err)
		}
		if s.Type == "object" && len(s.Properties) > 0 {
			return s.rows(b, prefix+name+".")
		}
		fmt.Fprintf(b, "| `%s%s` | %s | %s | %s |\n", prefix, name, s.kind(), s.fallback(slices.Contains(l.Required, name)),
			cell(s.Description))
		return nil
	})
}

// members calls f for each member of an object, in order.
func members(v jsontext.Value, f func(string, jsontext.Value) error) error {
	if len(v) == 0 {
		return nil
	}
	dec := jsontext.NewDecoder(bytes.NewReader(v))
	if t, err := dec.ReadToken(); err != nil || t.Kind() != '{' {
		return errors.Join(err, errors.New("properties: not an object"))
	}
	for dec.PeekKind() != '}' {
		t, err := dec.ReadToken()
		if err != nil {
			return err
		}
		name := t.String()
		raw, err := dec.ReadValue()
		if err != nil {
			return err
		}
		if err := f(name, raw.Clone()); err != nil {
			return err
		}
	}
	return nil
}

func (l *level) kind() string {
	switch {
	case l.Secret:
		return "secret"
	case l.Duration:
		return "duration"
	case len(l.Enum) > 0:
		words := make([]string, len(l.Enum))
		for i, v := range l.Enum {
			words[i] = code(v)
		}
		return strings.Join(words, ", ")
	case l.Type == "array" && l.Items != nil:
		return "list of " + l.Items.kind()
	case l.Type == "object":
		return "map"
	}
	return l.Type
}

func (l *level) fallback(required bool) string {
	switch {
	case required:
		return "required"
	case len(l.Default) > 0:
		return code(l.Default)
	}
	return ""
}

// code shows a JSON value as one would write it in YAML.
func code(v jsontext.Value) string {
	if v.Kind() == '"' {
		var s string
		if json.Unmarshal(v, &s) == nil {
			return "`" + cell(s) + "`"
		}
	}
	return "`" + cell(string(v)) + "`"
}

// cell makes text fit for a table's cell.
func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", `\|`)
}

// ErrStale means that a document's table is not what the schema says.
var ErrStale = errors.New("the settings table is not what the schema says")

// Sync compares the table in the document of that path with the settings, a pointer to a zero value of the author's struct as
// in sdk.Description. With write it writes what differs; without, that is ErrStale.
func Sync(path string, settings any, write bool) error {
	schema, err := sdk.Schema(settings)
	if err != nil {
		return err
	}
	table, err := Table(schema)
	if err != nil {
		return err
	}
	have, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	want, err := Insert(string(have), table)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	case want == string(have):
		return nil
	case write:
		return os.WriteFile(path, []byte(want), 0o644)
	}
	return fmt.Errorf("%s: %w", path, ErrStale)
}

// ErrNoPlace means that a document has no place for the table.
var ErrNoPlace = errors.New("no line " + Begin + " with a line " + End + " behind it")

// Insert puts a table between the lines Begin and End of a document, in place of what stands there.
func Insert(doc, table string) (string, error) {
	before, rest, ok := strings.Cut(doc, Begin+"\n")
	_, after, closed := strings.Cut(rest, End)
	if !ok || !closed {
		return "", ErrNoPlace
	}
	return before + Begin + "\n" + table + End + after, nil
}
