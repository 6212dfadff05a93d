package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"patchbay/sdk/settings"
)

// placeholderLength is the length of the keys of AICC, the only shipped adapter with a fixed length.
const placeholderLength = 43

// placeholder returns a value that a setting with an unknown value gets, so that its adapter can check the others.
// Equal references have equal placeholders.
func placeholder(s *settings.Schema, reference string) any {
	switch {
	case s == nil:
	case len(s.Enum) > 0:
		return json.RawMessage(s.Enum[0])
	case s.Address:
		return "https://unset.invalid"
	case s.Duration:
		return "1s"
	case s.Has("boolean"):
		return true
	case s.Has("integer") || s.Has("number"):
		return json.Number("1")
	}
	sum := sha256.Sum256([]byte(reference))
	return hex.EncodeToString(sum[:])[:placeholderLength]
}

// IsUnset reports whether the value of a channel's setting is unknown, see Options.NoSecrets. The setting is a dotted
// path below settings. An empty path means any of the settings.
func (c *Config) IsUnset(channel, setting string) bool {
	path := append([]string{"channels", channel, "settings"}, splitPath(setting)...)
	return c.root.find(path...).hasUnset()
}

// hasUnset reports whether the value of a setting or of anything below it is unknown.
func (n *node) hasUnset() bool {
	return n.resolved.unset || slices.ContainsFunc(n.children, (*node).hasUnset)
}
