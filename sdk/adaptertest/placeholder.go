package adaptertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// withPlaceholders returns the text of a golden file with anyMark in place of what differs each time: texts where the
// former golden has a placeholder that still fits, and times near now.
func (x *exam) withPlaceholders(text []byte, former any) ([]byte, error) {
	var out bytes.Buffer
	dec := jsontext.NewDecoder(bytes.NewReader(text))
	enc := jsontext.NewEncoder(&out, jsontext.WithIndent("  "))
	for {
		token, err := dec.ReadToken()
		if errors.Is(err, io.EOF) {
			return out.Bytes(), nil
		}
		if err != nil {
			return nil, fmt.Errorf("read it: %w", err)
		}
		_, length := dec.StackIndex(dec.StackDepth())
		isName := dec.StackDepth() > 0 && length%2 == 1 && insideObject(dec)
		if token.Kind() == '"' && !isName {
			if mark := placeholder(token.String(), at(former, dec.StackPointer())); mark != "" {
				token = jsontext.String(mark)
			}
		}
		if err := enc.WriteToken(token); err != nil {
			return nil, fmt.Errorf("write it: %w", err)
		}
	}
}

func insideObject(dec *jsontext.Decoder) bool {
	kind, _ := dec.StackIndex(dec.StackDepth())
	return kind == '{'
}

// placeholder returns what takes the place of a text, "" if it stays.
func placeholder(text string, former any) string {
	if pattern, ok := former.(string); ok && strings.Contains(pattern, anyMark) && matches(pattern, text) {
		return pattern
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil && time.Since(t).Abs() < 24*time.Hour {
		return anyMark
	}
	return ""
}

// at returns what is at a JSON pointer of a tree, nil if nothing is.
func at(tree any, pointer jsontext.Pointer) any {
	for name := range pointer.Tokens() {
		switch t := tree.(type) {
		case map[string]any:
			tree = t[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(t) {
				return nil
			}
			tree = t[i]
		default:
			return nil
		}
	}
	if n, ok := tree.(json.Number); ok {
		return n.String()
	}
	return tree
}
