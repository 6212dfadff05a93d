package route

import "maps"

// Decide evaluates the rules in file order, up to the first matching rule without `continue`. The conditions of later
// rules can read the attributes that a matching rule sets. A rule whose condition fails does not match, and
// Decision.Errors has the error. Decide skips the rules in f.Done and the rules whose `after` is not f.After.
func (t *Table) Decide(f *Facts) Decision {
	var d Decision
	in := input{facts: f}
	cur := t.candidates(&in)
	for i, ok := cur.next(); ok; i, ok = cur.next() {
		c := &t.rules[i]
		if f.Done[i] || c.rule.After != f.After {
			continue
		}
		matches, err := c.matches(in.facts, &in)
		if err != nil {
			d.Errors = append(d.Errors, RuleError{Index: i, Rule: c.rule.Name, Err: err})
		}
		if !matches {
			continue
		}
		d.Steps = append(d.Steps, Step{Index: i, Rule: &c.rule})
		if !c.rule.Continue {
			break
		}
		if len(c.rule.Set) > 0 {
			in.facts = in.facts.withAttributes(c.rule.Set)
			for name := range c.rule.Set {
				delete(in.parsed, name)
			}
			cur = t.candidates(&in)
			cur.skip(i)
		}
	}
	return d
}

// withAttributes returns the facts after a rule has set attributes.
func (f *Facts) withAttributes(set map[string]string) *Facts {
	out := *f
	out.Attributes = make(map[string]string, len(f.Attributes)+len(set))
	maps.Copy(out.Attributes, f.Attributes)
	maps.Copy(out.Attributes, set)
	return &out
}

// Handles reports whether a rule has the event.
func (t *Table) Handles(e Event) bool { return len(t.index[e]) > 0 }

// matches reports whether a rule matches. The caller has checked its event and `after`.
func (c *compiledRule) matches(f *Facts, in *input) (bool, error) {
	if !c.rule.admits(f.Channel, f.Role) {
		return false, nil
	}
	if c.when == nil {
		return true, nil
	}
	return c.when.holds(in)
}
