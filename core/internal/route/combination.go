package route

import (
	"slices"
	"strings"

	"patchbay/core/internal/finding"
	"patchbay/sdk/envelope"
)

// actions returns the keys of a rule's actions in the order in which they take effect.
func (r *Rule) actions() []string {
	var out []string
	for _, a := range []struct {
		key     string
		present bool
	}{
		{"set", len(r.Set) > 0}, {"home", r.Home != ""}, {"pass", r.Pass != ""}, {"offer", r.Offer != nil},
		{"close", r.Close}, {"drop", r.Drop}, {"to", r.To != ""}, {"copy", len(r.Copy) > 0}, {"say", r.Say.IsSet()},
	} {
		if a.present {
			out = append(out, a.key)
		}
	}
	return out
}

// checkCombination reports a rule without actions, and keys that a rule must not combine.
func (c *checker) checkCombination() {
	actions := c.rule.actions()
	if len(actions) == 0 {
		c.report(finding.NoEffect, "", "", "does nothing; add an action, or `to: owner` to end the evaluation")
		return
	}
	var control []string
	for _, a := range actions {
		switch a {
		case "pass", "offer", "close":
			control = append(control, a)
		}
	}
	if len(control) > 1 {
		c.report(finding.ConflictingKeys, control[1], "",
			"a rule has at most one of pass, offer and close, this one has %s",
			strings.Join(control, " and "))
	}
	if c.rule.Drop && c.rule.To != "" {
		c.report(finding.ConflictingKeys, "to", "", "contradicts drop: a message is either delivered or dropped")
	}
	if !c.rule.Continue {
		return
	}
	for _, a := range actions {
		if a != "set" && a != "copy" {
			c.report(finding.ConflictingKeys, "continue", "", "can be combined with set and copy, but not with %s: "+
				"later rules could contradict it", a)
			return
		}
	}
}

// copyableEvents are the events of which observers can get copies.
var copyableEvents = []Event{
	EventMessage, EventConnected, EventDisconnected, EventHandoverRequested, EventPassed, EventClosed,
}

func joinEvents(list []Event) string {
	s := make([]string, len(list))
	for i := range list {
		s[i] = string(list[i])
	}
	return strings.Join(s, ", ")
}

// checkEventKeys checks the keys drop, to and copy, which apply only to some events.
func (c *checker) checkEventKeys() {
	r := c.rule
	other := slices.IndexFunc(r.Events, func(e Event) bool { return e != EventMessage })
	if other >= 0 {
		for _, key := range []string{"drop", "to"} {
			if slices.Contains(r.actions(), key) {
				c.report(finding.KeyNeedsEvent, key, "", "applies to messages, and event %q has none", r.Events[other])
			}
		}
	}
	other = slices.IndexFunc(r.Events, func(e Event) bool { return !slices.Contains(copyableEvents, e) })
	if other >= 0 && len(r.Copy) > 0 {
		c.report(finding.KeyNeedsEvent, "copy", "", "works on %s, not on event %q, which has no envelope",
			joinEvents(copyableEvents), r.Events[other])
	}
	if r.To == ToCustomer && len(r.From) > 0 &&
		!c.fromAny(envelope.RoleBot, envelope.RoleAgent, envelope.RoleObserver) {
		c.report(finding.KeyNeedsEvent, "to", ToOwner,
			"a message never goes back to its sender, and this rule is about customers")
	}
}

// checkUnique reports rules with the name of an earlier rule.
func checkUnique(rules []Rule) []Problem {
	first := map[string]int{}
	var out []Problem
	for i := range rules {
		name := rules[i].Name
		if name == "" {
			continue
		}
		if _, taken := first[name]; taken {
			out = append(out, Problem{Code: finding.DuplicateName, Index: i, Rule: name, Field: "name",
				Message: "an earlier rule has the name " + name + "; names must be unique"})
			continue
		}
		first[name] = i
	}
	return out
}
