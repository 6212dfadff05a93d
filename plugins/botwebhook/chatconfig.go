package main

import (
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Attributes that override the agent's settings for one call. Rules can't set names with a dot, so each has a second
// name with underscores, which wins: botwebhook_short_term_memory.
const (
	dotted      = "botwebhook."
	underscored = "botwebhook_"

	overrideShort    = "short_term_memory"
	overrideLong     = "long_term_memory"
	overrideData     = "knowledge.data_ids"
	overrideGroups   = "knowledge.group_ids"
	overrideCitation = "corner_citation"
	overrideVariable = "custom_variables." // and the variable's name
)

// Limits of what settings and attributes can name. The vendor publishes none.
const (
	maxVariableName  = 256
	maxKnowledgeID   = 256
	maxKnowledgeList = 256
)

// none chooses no knowledge at all, as does a list that is empty: a rule can't set an empty attribute.
const none = "none"

// overrides reads a delivery's attributes on top of the settings.
type overrides struct {
	attributes map[string]string
	lost       []string // what could not be used, for operators
}

// chatConfig returns what this call overrides, nil if nothing, and which attributes could not be used.
func (s *settings) chatConfig(attributes map[string]string) (*chatConfig, []string) {
	o := overrides{attributes: attributes}
	c := chatConfig{
		ShortTermMemory: o.truth(overrideShort, s.ShortTermMemory),
		LongTermMemory:  o.truth(overrideLong, s.LongTermMemory),
		CornerCitation:  o.truth(overrideCitation, s.CornerCitation),
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
	if c.empty() {
		return nil, o.lost
	}
	return &c, o.lost
}

func (c *chatConfig) empty() bool {
	return c.ShortTermMemory == nil && c.LongTermMemory == nil && c.CornerCitation == nil && c.Knowledge == nil &&
		len(c.CustomVariables) == 0
}

// onlyV1 takes away what v1 of the API does not know, and names it if it comes from attributes: settings are refused.
func (c *chatConfig) onlyV1() (lost []string) {
	if c.Knowledge != nil && c.Knowledge.GroupIDs != nil {
		k := *c.Knowledge
		k.GroupIDs = nil
		c.Knowledge, lost = &k, append(lost, unknownToV1(overrideGroups))
		if k.DataIDs == nil {
			c.Knowledge = nil
		}
	}
	if c.CornerCitation != nil {
		c.CornerCitation, lost = nil, append(lost, unknownToV1(overrideCitation))
	}
	if len(c.CustomVariables) > 0 {
		c.CustomVariables, lost = nil, append(lost, unknownToV1(strings.TrimSuffix(overrideVariable, ".")))
	}
	return lost
}

func unknownToV1(name string) string {
	return "attribute " + dotted + name + " left out: v1 does not know it"
}

// find returns an attribute by either name, and the name that it has.
func (o *overrides) find(name string) (value, as string, ok bool) {
	for _, as := range []string{underscored + strings.ReplaceAll(name, ".", "_"), dotted + name} {
		if value, ok := o.attributes[as]; ok {
			return value, as, true
		}
	}
	return "", "", false
}

func (o *overrides) bad(as, why string) { o.lost = append(o.lost, "attribute "+as+" left out: "+why) }

func (o *overrides) truth(name string, otherwise *bool) *bool {
	value, as, ok := o.find(name)
	switch {
	case !ok:
		return otherwise
	case value == "true" || value == "false":
		is := value == "true"
		return &is
	}
	o.bad(as, "not true or false")
	return otherwise
}

func (o *overrides) list(name string, otherwise []string) []string {
	value, as, ok := o.find(name)
	if !ok {
		return otherwise
	}
	if value = strings.TrimSpace(value); value == "" || value == none {
		return []string{}
	}
	ids := strings.Split(value, ",")
	for i := range ids {
		if ids[i] = strings.TrimSpace(ids[i]); !knowledgeID(ids[i]) {
			o.bad(as, "not a list of ids with commas between them")
			return otherwise
		}
	}
	if len(ids) > maxKnowledgeList {
		o.bad(as, "too many ids")
		return otherwise
	}
	return ids
}

// variables returns the defaults with what attributes say in their place.
func (o *overrides) variables(defaults map[string]string) map[string]string {
	var out map[string]string
	names := slices.Sorted(maps.Keys(o.attributes))
	for _, prefix := range []string{dotted + overrideVariable, underscored + strings.ReplaceAll(overrideVariable, ".", "_")} {
		for _, as := range names {
			name, ok := strings.CutPrefix(as, prefix)
			if !ok {
				continue
			}
			if !variableName(name) {
				o.bad(as, "not the name of a variable")
				continue
			}
			if out == nil {
				out = make(map[string]string, len(defaults)+1) // the settings' own map belongs to all calls
				maps.Copy(out, defaults)
			}
			out[name] = o.attributes[as]
		}
	}
	if out == nil {
		return defaults
	}
	return out
}

func variableName(s string) bool {
	return s != "" && len(s) <= maxVariableName && !strings.ContainsFunc(s, unicode.IsControl)
}

func knowledgeID(s string) bool {
	return s != "" && len(s) <= maxKnowledgeID && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, unicode.IsControl) &&
		!strings.Contains(s, ",")
}
