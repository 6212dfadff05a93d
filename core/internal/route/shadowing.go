package route

import (
	"slices"
	"strings"

	"patchbay/core/internal/finding"
)

// checkReachable warns of rules that are never reached: for every input that such a rule matches, earlier rules end the
// evaluation.
func (t *Table) checkReachable(l *language) []Problem {
	var out []Problem
	for j := range t.rules {
		by := t.coveringRules(j, l)
		if len(by) == 0 {
			continue
		}
		later := &t.rules[j].rule
		message := "is never reached: rule " + by[0] + " ends the evaluation for every input that it matches"
		if len(by) > 1 {
			message = "is never reached: for every input that it matches, one of the rules " + strings.Join(by, ", ") +
				" ends the evaluation"
		}
		out = append(out, Problem{Code: finding.NeverReached, Index: j, Rule: later.Name, Message: message})
	}
	return out
}

// coveringRules returns the names of earlier rules that together cover all inputs of rule j, or nil.
func (t *Table) coveringRules(j int, l *language) []string {
	later := &t.rules[j]
	var covering []*Rule
	for i := range t.rules[:j] {
		if r := &t.rules[i]; l.covers(r, later, len(t.rules) <= maxCompared) && !t.setsBetween(i, j) {
			covering = append(covering, &r.rule)
		}
	}
	var by []string
	for _, e := range later.rule.Events {
		for name, role := range l.channels {
			if !later.rule.canBeAbout(e, name, role) {
				continue
			}
			i := slices.IndexFunc(covering, func(r *Rule) bool {
				return slices.Contains(r.Events, e) && r.admits(name,
					role)
			})
			if i < 0 {
				return nil
			}
			if !slices.Contains(by, covering[i].Name) {
				by = append(by, covering[i].Name)
			}
		}
	}
	slices.Sort(by)
	return by
}

// setsBetween reports whether a rule between two others can set an attribute that the condition of the first of them
// reads.
func (t *Table) setsBetween(first, last int) bool {
	reader, later := &t.rules[first], &t.rules[last].rule
	if reader.when == nil {
		return false
	}
	for i := first + 1; i < last; i++ {
		r := &t.rules[i].rule
		shared := func(e Event) bool { return slices.Contains(r.Events, e) && slices.Contains(later.Events, e) }
		if !r.Continue || len(r.Set) == 0 || !slices.ContainsFunc(reader.rule.Events, shared) {
			continue
		}
		if reader.when.computed || slices.ContainsFunc(reader.when.attributes, func(u use) bool {
			_, sets := r.Set[u.name]
			return sets
		}) {
			return true
		}
	}
	return false
}

// maxCompared is the maximum number of rules in a table whose different conditions are compared. In a longer table, a
// rule covers another one only if it has no condition or the same condition.
const maxCompared = 500

// covers reports whether a rule ends the evaluation for every input that the later rule matches, among the inputs
// whose event and channel both rules admit. If compare is false, it does not compare different conditions.
func (l *language) covers(r, later *compiledRule, compare bool) bool {
	switch {
	case r.rule.Continue || r.rule.After != later.rule.After:
		return false
	case r.rule.When == "" || r.rule.When == later.rule.When:
		return true
	}
	return compare && r.when != nil && later.when != nil &&
		!excludeEachOther(r.when.requirements, later.when.requirements) && l.implies(later.when.root, r.when.root)
}

// excludeEachOther reports whether two conditions require different values of the same variable or attribute.
func excludeEachOther(a, b []requirement) bool {
	return len(a) > 0 && len(b) > 0 && !slices.ContainsFunc(a, func(x requirement) bool {
		return slices.ContainsFunc(b, func(y requirement) bool {
			return x.key != y.key || x.key == wordKey || x.value == y.value
		})
	})
}
