package adaptertest

import (
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// missingPaths returns the paths of members that a violation is about, rather than of their object.
func missingPaths(e *jsonschema.ValidationError) []string {
	var names []string
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		names = k.Missing
	case *kind.AdditionalProperties:
		names = k.Properties
	}
	var out []string
	for _, n := range names {
		out = append(out, joined(strings.Join(e.InstanceLocation, "."), n))
	}
	return out
}
