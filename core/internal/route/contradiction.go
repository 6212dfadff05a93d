package route

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"

	"patchbay/core/internal/finding"
	"patchbay/sdk/envelope"
)

// maxAssumptions bounds the search for a contradiction in one condition. A condition with more cases is not checked.
const maxAssumptions = 20_000

// anotherText stands for all texts that a condition does not compare with.
const anotherText = "\x00"

// eventsWithReason are the events that have a reason. For the others `reason` is "".
var eventsWithReason = []Event{
	EventConnected, EventDisconnected, EventHandoverRequested, EventPassed, EventClosed, EventOfferFailed,
	EventDeliveryFailed,
}

// eventsWithoutText are the events for which `text` is "".
var eventsWithoutText = []Event{
	EventConnected, EventDisconnected, EventPassed, EventClosed, EventOfferFailed, EventIdle, EventUnanswered,
}

// checkContradiction warns of a condition that is false in all cases; see assumptions.
func (c *checker) checkContradiction(when *condition) {
	if when.never {
		c.add(Problem{Code: finding.NeverMatches, Field: "when", Line: 1, Column: 1,
			Message: "is always false: the rule never matches"})
		return
	}
	if slices.Contains(slices.Collect(maps.Values(c.channels)), "") {
		return // the role of a channel is not known
	}
	cases, ok := c.assumptions(comparedTexts(when.root))
	if !ok || len(cases) == 0 {
		return
	}
	isNever := func(parts ...ast.Expr) bool { // in every case, one of the parts is false
		return !slices.ContainsFunc(cases, func(a assumption) bool {
			return !slices.ContainsFunc(parts, func(e ast.Expr) bool { return a.eval(e) == never })
		})
	}
	parts := conjuncts(when.root)
	for i, part := range parts {
		message := ""
		switch {
		case isNever(part):
			message = "is always false" + c.explainNever(part) + ": the rule never matches"
		case i > 0 && isNever(parts[:i+1]...):
			message = "contradicts an earlier part of the condition: the rule never matches"
		default:
			continue
		}
		line, column := when.position(firstOf(part))
		c.add(Problem{Code: finding.NeverMatches, Field: "when", Line: line, Column: column, Message: message})
		return
	}
}

// explainNever returns the reason why an operand of the condition is always false, as the end of a message.
func (c *checker) explainNever(part ast.Expr) string {
	var events []string
	for _, e := range c.rule.Events {
		events = append(events, string(e))
	}
	about := strings.Join(events, " or ")
	hasReason := func(e Event) bool { return slices.Contains(eventsWithReason, e) }
	if _, uses := comparedTexts(part)["reason"]; uses && !slices.ContainsFunc(c.rule.Events, hasReason) {
		return fmt.Sprintf(", because event %s has no reason", about)
	}
	if len(c.rule.From) > 0 {
		about += " from " + strings.Join(c.rule.From, " or ")
	}
	return " for event " + about
}

// assumptions returns all cases in which a rule can be evaluated: the combinations of its events, their subject
// channels, and the values of the variables and attributes in uses. It returns false if there are more than
// maxAssumptions.
func (c *checker) assumptions(uses map[string][]string) ([]assumption, bool) {
	var out []assumption
	for _, event := range c.rule.Events {
		for name, role := range c.channels {
			if role == "" || !c.rule.canBeAbout(event, name, role) {
				continue
			}
			base := assumption{"channel": name, "role": string(role)}
			if slices.Contains(eventsWithoutText, event) {
				base["text"] = ""
			}
			if !slices.Contains(eventsWithReason, event) {
				base["reason"] = ""
			}
			if role == envelope.RoleCustomer {
				base["customer"] = name
			}
			if event == EventUnanswered {
				base["owner"], base["owner_role"] = name, string(role)
			}
			cases, ok := c.expand([]assumption{base}, uses)
			if out = append(out, cases...); !ok || len(out) > maxAssumptions {
				return nil, false
			}
		}
	}
	return out, true
}

// expand combines each case with all possible values of the variables and attributes in uses that the case lacks.
func (c *checker) expand(cases []assumption, uses map[string][]string) ([]assumption, bool) {
	for _, key := range slices.Sorted(maps.Keys(uses)) {
		if key == "owner_role" {
			key = "owner"
		}
		if _, known := cases[0][key]; known || key == "text" {
			continue
		}
		var next []assumption
		for _, values := range c.possibleValues(key, uses[key]) {
			for _, a := range cases {
				n := maps.Clone(a)
				maps.Copy(n, values)
				next = append(next, n)
			}
		}
		if len(next) > maxAssumptions {
			return nil, false
		}
		cases = next
	}
	return cases, len(cases) > 0
}

// possibleValues returns values of a variable or attribute that represent all its values, if conditions compare it
// only with the literals.
func (c *checker) possibleValues(key string, literals []string) []assumption {
	var out []assumption
	channels := func(roles ...envelope.Role) {
		for name, role := range c.channels {
			if slices.Contains(roles, role) {
				out = append(out, assumption{key: name})
			}
		}
	}
	switch key {
	case "owner":
		for name, role := range c.channels {
			if role == envelope.RoleBot || role == envelope.RoleAgent {
				out = append(out, assumption{"owner": name, "owner_role": string(role)})
			}
		}
	case "home":
		channels(envelope.RoleBot, envelope.RoleAgent)
	case "pending":
		channels(envelope.RoleBot, envelope.RoleAgent)
		out = append(out, assumption{key: ""})
	case "customer":
		channels(envelope.RoleCustomer)
	default:
		for _, s := range append(slices.Clone(literals), "", anotherText) {
			out = append(out, assumption{key: s})
		}
	}
	return out
}

// firstOf returns the leftmost operand of an expression.
func firstOf(e ast.Expr) ast.Expr {
	for e.Kind() == ast.CallKind {
		call := e.AsCall()
		switch {
		case call.IsMemberFunction():
			e = call.Target()
		case len(call.Args()) == 2 && strings.Contains(call.FunctionName(), "_") || call.FunctionName() == "@in":
			e = call.Args()[0]
		default:
			return e
		}
	}
	return e
}
