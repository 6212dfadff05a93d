package settings

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The lines of a document that enclose the table of settings.
const (
	TableBegin = "<!-- settings:begin -->"
	TableEnd   = "<!-- settings:end -->"
)

// Errors of SyncTable.
var (
	ErrTableOutdated = errors.New("the settings table differs from the schema")
	ErrNoTable       = errors.New("no line " + TableBegin + " followed by a line " + TableEnd)
)

// table returns a Markdown table of the settings in the order of the schema. The name of a nested setting is its dotted
// path.
func (s *Schema) table() string {
	var b strings.Builder
	b.WriteString("| setting | type | default | meaning |\n|---|---|---|---|\n")
	for p := range s.All() {
		if len(p.Properties) > 0 {
			continue // each of its members has a line
		}
		initial := ""
		switch {
		case p.Required:
			initial = "required"
		case p.Default != nil:
			initial = code(p.Default)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", p.Name(), p.kind(), initial, cell(p.Description))
	}
	return b.String()
}

// kind describes the type of a value.
func (s *Schema) kind() string {
	switch {
	case s.Secret:
		return "secret"
	case s.Duration:
		return "duration"
	case len(s.Enum) > 0:
		words := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			words[i] = code(v)
		}
		return strings.Join(words, ", ")
	case s.Has("array") && s.Items != nil:
		return "list of " + s.Items.kind()
	case s.Has("object"):
		return "map"
	}
	return strings.Join(s.Type, " or ")
}

// code returns a JSON value as it is written in YAML.
func code(v jsontext.Value) string {
	var s string
	if json.Unmarshal(v, &s) == nil {
		return "`" + cell(s) + "`"
	}
	return "`" + cell(string(v)) + "`"
}

// cell returns text in a form that fits into a cell of a Markdown table.
func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", `\|`)
}

// SyncTable compares the table in the document at path with the schema of a settings struct, see Of. If they differ, it
// updates the document if write is true, and otherwise returns ErrTableOutdated.
func SyncTable(path string, settings any, write bool) error {
	s, err := Of(settings)
	if err != nil {
		return err
	}
	have, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	want, err := insertTable(string(have), s.table())
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	case want == string(have):
		return nil
	case write:
		return os.WriteFile(path, []byte(want), 0o644)
	}
	return fmt.Errorf("%s: %w", path, ErrTableOutdated)
}

// insertTable replaces the text between the lines TableBegin and TableEnd of a document.
func insertTable(document, table string) (string, error) {
	before, rest, ok := strings.Cut(document, TableBegin+"\n")
	_, after, closed := strings.Cut(rest, TableEnd)
	if !ok || !closed {
		return "", ErrNoTable
	}
	return before + TableBegin + "\n" + table + TableEnd + after, nil
}
