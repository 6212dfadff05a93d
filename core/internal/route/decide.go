package route

import (
	"fmt"
	"slices"
	"strings"
)

// Decide makes one pass over the rules in file order. The first match that does not say `continue` stops it. A
// condition that fails counts as no match and is reported.
func (t *Table) Decide(f *Facts) Decision {
	var (
		d   Decision
		cur cursor
		in  = input{facts: f}
	)
	t.candidates(f, &cur)
	for i, ok := cur.next(); ok; i, ok = cur.next() {
		c := &t.rules[i]
		if !c.rule.from(f.Channel, f.Role) {
			continue
		}
		if c.when != nil {
			holds, err := c.when.holds(&in)
			if err != nil {
				d.Errors = append(d.Errors, RuleError{Index: i, Rule: c.rule.Name, Err: err})
			}
			if !holds {
				continue
			}
		}
		d.Steps = append(d.Steps, Step{Index: i, Rule: &c.rule})
		if !c.rule.Continue {
			break
		}
	}
	return d
}

// The reasons for no match, in the order in which they are looked at.
const (
	WhyEvent = "event"
	WhyFrom  = "from"
	WhyWhen  = "when"
	WhyError = "error"
)

// Explain says of each rule whether it matched, or the first reason why not. It agrees with Decide.
func (t *Table) Explain(f *Facts) []Explanation {
	in := input{facts: f}
	out := make([]Explanation, len(t.rules))
	stopped := ""
	for i := range t.rules {
		c := &t.rules[i]
		x := Explanation{Index: i, Rule: c.rule.Name, Reached: stopped == ""}
		if !x.Reached {
			x.Detail = "not reached: " + stopped + " stopped the pass"
			out[i] = x
			continue
		}
		x.Why, x.Detail = c.why(f, &in)
		x.Matched = x.Why == ""
		if x.Matched && !c.rule.Continue {
			stopped = c.rule.Name
		}
		out[i] = x
	}
	return out
}

// why returns the first reason for no match, or "".
func (c *compiled) why(f *Facts, in *input) (why, detail string) {
	if !slices.Contains(c.rule.Events, f.Event) {
		return WhyEvent, fmt.Sprintf("the event is %s, the rule wants %s", f.Event, list(c.rule.Events))
	}
	if !c.rule.from(f.Channel, f.Role) {
		return WhyFrom, fmt.Sprintf("the event is about %s (%s), the rule wants %s", f.Channel, f.Role, list(c.rule.From))
	}
	if c.when == nil {
		return "", ""
	}
	holds, err := c.when.holds(in)
	switch {
	case err != nil:
		return WhyError, "the condition failed: " + err.Error()
	case !holds:
		return WhyWhen, "the condition is false"
	}
	return "", ""
}

func list[T ~string](items []T) string {
	s := make([]string, len(items))
	for i := range items {
		s[i] = string(items[i])
	}
	return strings.Join(s, " or ")
}
