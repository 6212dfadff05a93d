package route

import (
	"slices"

	"patchbay/core/internal/finding"
)

// unreachable warns of rules that are never reached: for every input that such a rule matches, an earlier rule ends the
// evaluation.
func (t *Table) unreachable(ch Channels) []Problem {
	var out []Problem
	for j := range t.rules {
		later := &t.rules[j].rule
		by, all := "", true
		for _, e := range later.Events {
			i := slices.IndexFunc(t.rules[:j], func(c compiled) bool { return c.rule.covers(later, e, ch) })
			if i < 0 {
				all = false
				break
			}
			by = t.rules[i].rule.Name
		}
		if all && by != "" {
			out = append(out, Problem{Code: finding.NeverReached, Index: j, Rule: later.Name,
				Message: "is never reached: rule " + by + " ends the evaluation for every input that it matches"})
		}
	}
	return out
}

// covers reports whether r ends the evaluation for every input with event e that the later rule matches.
func (r *Rule) covers(later *Rule, e Event, ch Channels) bool {
	if r.Continue || r.After != later.After || r.When != "" && r.When != later.When {
		return false
	}
	return slices.Contains(r.Events, e) && r.coversFrom(later, ch)
}

func (r *Rule) coversFrom(later *Rule, ch Channels) bool {
	if len(r.From) == 0 {
		return true
	}
	if len(later.From) == 0 {
		return false
	}
	for _, who := range later.From {
		if !slices.Contains(r.From, who) && !slices.Contains(r.From, string(ch[who])) {
			return false
		}
	}
	return true
}
