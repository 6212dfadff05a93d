package config

import (
	"slices"

	"patchbay/sdk/settings/validate"
)

// CheckSettings checks a channel's settings, completed, against its adapter's JSON Schema (2020-12). It
// reports everything that is wrong, each with its place, and never a value; what follows from a problem that Load has
// found, such as a reference that can't be resolved, is left out.
func (c *Config) CheckSettings(channel string, schemaJSON []byte) []Problem {
	base := []string{"channels", channel, "settings"}
	validator, err := validate.Compile(schemaJSON)
	if err != nil {
		return []Problem{c.Problem("the adapter's schema can't be used", base...)}
	}
	values, err := c.complete(channel, validator.Schema, false)
	if err != nil {
		return []Problem{c.Problem(err.Error(), base...)}
	}
	var problems []Problem
	for _, v := range validator.Violations(values) {
		path := slices.Concat(base, v.Path)
		p := c.Problem(v.Message, path...)
		if v.Reason == validate.Unknown {
			p.Position = c.tree.atKey(path...)
			p.Message, p.Suggestion = unknownName("setting", path[len(path)-1], v.Known)
		}
		if !slices.ContainsFunc(c.problems, func(cause Problem) bool { return within(p.Path, cause.Path) && within(cause.Path, dotted(base)) }) {
			problems = append(problems, p)
		}
	}
	return tidy(problems)
}
