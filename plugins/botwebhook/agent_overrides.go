package main

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"patchbay/sdk/text"
)

// Attributes that override the agent's settings for one call. Rules cannot set names with a dot. Each attribute
// therefore has a second name with underscores, which has priority: botwebhook_short_term_memory.
const (
	dotPrefix        = "botwebhook."
	underscorePrefix = "botwebhook_"

	overrideShort    = "short_term_memory"
	overrideLong     = "long_term_memory"
	overrideData     = "knowledge.data_ids"
	overrideGroups   = "knowledge.group_ids"
	overrideCitation = "corner_citation"
	overrideVariable = "custom_variables." // followed by the variable's name
)

// Limits of names in settings and attributes. GPTBots publishes none.
const (
	maxVariableName  = 256
	maxKnowledgeID   = 256
	maxKnowledgeList = 256
)

// none selects no knowledge, like an empty list. It is needed because rules cannot set an empty attribute.
const none = "none"

// overrides applies a delivery's attributes to the settings.
type overrides struct {
	attributes map[string]string
	omitted    []string // notes about invalid attributes
}

// chatConfig returns the overrides for a call, or nil, and notes about invalid attributes.
func (s *settings) chatConfig(attributes map[string]string) (*chatConfig, []string) {
	o := overrides{attributes: ownAttributes(attributes)}
	c := chatConfig{
		ShortTermMemory: o.boolean(overrideShort, s.ShortTermMemory),
		LongTermMemory:  o.boolean(overrideLong, s.LongTermMemory),
		CornerCitation:  o.boolean(overrideCitation, s.CornerCitation),
		CustomVariables: o.variables(s.CustomVariables),
	}
	var k knowledge
	if s.Knowledge != nil {
		k = *s.Knowledge
	}
	k.DataIDs, k.GroupIDs = o.list(overrideData, k.DataIDs), o.list(overrideGroups, k.GroupIDs)
	if k.DataIDs != nil || k.GroupIDs != nil {
		c.Knowledge = &k
	}
	if c.isEmpty() {
		return nil, o.omitted
	}
	return &c, o.omitted
}

func (c *chatConfig) isEmpty() bool {
	return c.ShortTermMemory == nil && c.LongTermMemory == nil && c.CornerCitation == nil && c.Knowledge == nil &&
		len(c.CustomVariables) == 0
}

// removeV2 removes the members that v1 does not support and returns notes about them. They come from attributes,
// because Configure refuses such settings.
func (c *chatConfig) removeV2() (omitted []string) {
	if c.Knowledge != nil && c.Knowledge.GroupIDs != nil {
		k := *c.Knowledge
		k.GroupIDs = nil
		c.Knowledge, omitted = &k, append(omitted, unsupportedByV1(overrideGroups))
		if k.DataIDs == nil {
			c.Knowledge = nil
		}
	}
	if c.CornerCitation != nil {
		c.CornerCitation, omitted = nil, append(omitted, unsupportedByV1(overrideCitation))
	}
	if len(c.CustomVariables) > 0 {
		c.CustomVariables, omitted = nil, append(omitted, unsupportedByV1(strings.TrimSuffix(overrideVariable, ".")))
	}
	return omitted
}

func unsupportedByV1(name string) string {
	return "attribute " + dotPrefix + name + " omitted: v1 does not support it"
}

// ownAttributes returns the attributes whose names have this adapter's prefix, or nil.
func ownAttributes(attributes map[string]string) map[string]string {
	var out map[string]string
	for name, value := range attributes {
		if strings.HasPrefix(name, dotPrefix) || strings.HasPrefix(name, underscorePrefix) {
			if out == nil {
				out = make(map[string]string, len(attributes))
			}
			out[name] = value
		}
	}
	return out
}

// find returns the value of an attribute and the name under which it is set.
func (o *overrides) find(name string) (value, as string, ok bool) {
	if o.attributes == nil {
		return "", "", false
	}
	for _, as := range []string{underscorePrefix + strings.ReplaceAll(name, ".", "_"), dotPrefix + name} {
		if value, ok := o.attributes[as]; ok {
			return value, as, true
		}
	}
	return "", "", false
}

func (o *overrides) omit(name, reason string) {
	o.omitted = append(o.omitted, "attribute "+name+" omitted: "+reason)
}

func (o *overrides) boolean(name string, fallback *bool) *bool {
	value, as, ok := o.find(name)
	switch {
	case !ok:
		return fallback
	case value == "true" || value == "false":
		b := value == "true"
		return &b
	}
	o.omit(as, "it is neither true nor false")
	return fallback
}

func (o *overrides) list(name string, fallback []string) []string {
	value, as, ok := o.find(name)
	if !ok {
		return fallback
	}
	if value = strings.TrimSpace(value); value == "" || value == none {
		return []string{}
	}
	ids := strings.Split(value, ",")
	for i := range ids {
		if ids[i] = strings.TrimSpace(ids[i]); !validKnowledgeID(ids[i]) {
			o.omit(as, "it is not a comma-separated list of ids")
			return fallback
		}
	}
	if len(ids) > maxKnowledgeList {
		o.omit(as, "it has too many ids")
		return fallback
	}
	return ids
}

// variables returns the defaults, overridden by the attributes.
func (o *overrides) variables(defaults map[string]string) map[string]string {
	var out map[string]string
	names := slices.Sorted(maps.Keys(o.attributes))
	for _, prefix := range []string{
		dotPrefix + overrideVariable, underscorePrefix + strings.ReplaceAll(overrideVariable, ".", "_"),
	} {
		for _, as := range names {
			name, ok := strings.CutPrefix(as, prefix)
			if !ok {
				continue
			}
			if !validVariableName(name) {
				o.omit(as, "it does not name a valid variable")
				continue
			}
			if out == nil {
				out = make(map[string]string, len(defaults)+1) // all calls share the settings' map
				maps.Copy(out, defaults)
			}
			out[name] = text.WithoutControls(o.attributes[as])
		}
	}
	if out == nil {
		return defaults
	}
	return out
}

func validVariableName(s string) bool {
	return s != "" && len(s) <= maxVariableName && !strings.ContainsFunc(s, unicode.IsControl)
}

func validKnowledgeID(s string) bool {
	return s != "" && len(s) <= maxKnowledgeID && strings.TrimSpace(s) == s && !strings.Contains(s, ",") &&
		!strings.ContainsFunc(s, unicode.IsControl)
}
