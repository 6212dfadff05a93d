package config

import (
	"slices"

	"patchbay/core/internal/finding"
	"patchbay/sdk/settings"
	"patchbay/sdk/settings/validate"
)

var violationCodes = map[validate.Reason]finding.Code{
	validate.Invalid: finding.InvalidSetting, validate.Missing: finding.MissingSetting,
	validate.Unknown: finding.UnknownSetting,
}

// CheckSettings checks a channel's completed settings against its adapter's JSON Schema (2020-12) and returns all
// problems with their positions, never with values. It leaves out the consequences of problems that Load found, such
// as a reference that cannot be resolved.
func (c *Config) CheckSettings(channel string, schema []byte) []Problem {
	base := c.root.find("channels", channel, "settings")
	validator, err := validate.Compile(schema)
	if err != nil {
		return []Problem{base.problem(finding.AdapterFailed, "the adapter's schema cannot be used")}
	}
	values, err := c.complete(channel, validator.Schema, false)
	if err != nil {
		return []Problem{base.problem(finding.InvalidSetting, err.Error())}
	}
	var problems []Problem
	for _, v := range validator.Violations(values) {
		n := base.find(v.Path...)
		if c.isConsequence(n, base) || n.resolved.unset {
			continue
		}
		p := n.problem(violationCodes[v.Reason], v.Message)
		if v.Reason == validate.Unknown {
			p.Position = n.keyPlace()
			p.Message, p.Suggestion = unknownName("setting", n.name, v.Known)
		}
		problems = append(problems, p)
	}
	problems = append(problems, checkSecrets(base, validator.Schema, false)...)
	for _, p := range checkTexts(base, validator.Schema) {
		known := func(q Problem) bool { return q.Path == p.Path }
		if !slices.ContainsFunc(problems, known) {
			problems = append(problems, p)
		}
	}
	return c.source.addExcerpts(tidy(problems))
}

// checkTexts returns a problem for each number, true or false where the schema has a text. A value such as
// 0041771234567 is accepted as a text: it is a number in YAML, but not in JSON.
func checkTexts(n *node, s *settings.Schema) []Problem {
	var out []Problem
	for _, child := range n.children {
		member := s.Property(child.name)
		if n.kind == list {
			member = s.Item()
		}
		out = append(out, checkTexts(child, member)...)
	}
	if n.kind != scalar || n.isText() || n.resolved.secret || s == nil || !slices.Equal(s.Type, settings.Types{"string"}) {
		return out
	}
	const remedy = "; write it in quotes"
	switch text := n.resolved.text; {
	case jsonNumber.MatchString(text):
		out = append(out, n.problem(finding.InvalidSetting, "must be a text, not a number"+remedy))
	case text == "true" || text == "false":
		out = append(out, n.problem(finding.InvalidSetting, "must be a text, not true or false"+remedy))
	}
	return out
}

// isConsequence reports whether Load found a problem with a setting or with one that contains it, up to base.
func (c *Config) isConsequence(n, base *node) bool {
	return slices.ContainsFunc(c.problems, func(cause Problem) bool {
		return within(n.path(), cause.Path) && within(cause.Path, base.path())
	})
}
