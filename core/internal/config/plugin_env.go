package config

import (
	"encoding/json"
	"strings"
)

// Env is the environment of a plugin as NAME=value. Its printed forms contain no values.
type Env []string

// String returns the names, with redacted values.
func (e Env) String() string {
	names := make([]string, len(e))
	for i, s := range e {
		name, _, _ := strings.Cut(s, "=")
		names[i] = name + "=" + redacted
	}
	return strings.Join(names, " ")
}

// GoString returns the names, with redacted values.
func (e Env) GoString() string { return e.String() }

// MarshalJSON returns the names, with redacted values.
func (e Env) MarshalJSON() ([]byte, error) { return json.Marshal(e.String()) }
