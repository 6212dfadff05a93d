package route

import (
	"fmt"
	"strings"
)

// Explanation is the reason why a rule matches an input or not.
type Explanation struct {
	Rule    string `json:"rule"`
	Matches bool   `json:"matches"`
	// Reached is false for the rules after the one that ended the evaluation. For these, Matches is the result that
	// they would have if they were reached.
	Reached bool   `json:"reached"`
	Reason  string `json:"reason,omitempty"` // why the rule does not match, or why its condition was not evaluated
	When    *Term  `json:"when,omitempty"`   // the condition; nil without one, or if it was not evaluated
	Effect  string `json:"effect,omitempty"` // keys of the effects of a rule that matches
}

// Explain evaluates all rules and explains each result. Decide returns the rules that match and are reached.
func (t *Table) Explain(f *Facts) []Explanation {
	lang := newLanguage(t.channels)
	out, reached := make([]Explanation, 0, len(t.rules)), true
	for i := range t.rules {
		e := t.rules[i].explain(lang, f, f.Done[i])
		e.Reached = reached
		if e.Matches {
			e.Effect = strings.Join(t.rules[i].rule.actions(), ", ")
			if reached = reached && t.rules[i].rule.Continue; reached {
				f = f.withAttributes(t.rules[i].rule.Set)
			}
		}
		out = append(out, e)
	}
	return out
}

func (c *compiledRule) explain(lang *language, f *Facts, done bool) Explanation {
	e := Explanation{Rule: c.rule.Name}
	switch {
	case done:
		e.Reason = "has matched before within the same input"
	case !c.rule.isAbout(f.Event):
		e.Reason = fmt.Sprintf("the event is %s, not %s", f.Event, joinEvents(c.rule.Events))
	case c.rule.After != f.After:
		e.Reason = fmt.Sprintf("the time is %s, not %s", f.After, c.rule.After)
	case !c.rule.admits(f.Channel, f.Role):
		e.Reason = fmt.Sprintf("the event is about %s (%s), not %s", f.Channel, f.Role, strings.Join(c.rule.From, " or "))
	case c.when == nil:
		e.Matches = true
	default:
		holds, err := c.when.holds(&input{facts: f})
		e.Matches, e.When = holds, lang.explain(c.when.source, f)
		switch {
		case err != nil:
			e.Reason = "the condition fails: " + err.Error()
		case !holds:
			e.Reason = "the condition is false"
		}
	}
	return e
}

// isAbout reports whether a rule has an event.
func (r *Rule) isAbout(e Event) bool {
	for _, of := range r.Events {
		if of == e {
			return true
		}
	}
	return false
}
