package route

import (
	"maps"
	"slices"
	"strings"

	"patchbay/sdk/envelope"
)

// Table is a compiled list of rules. It is immutable and safe for concurrent use.
type Table struct {
	rules    []compiledRule
	channels Channels
	index    map[Event]map[string]*candidates // by event and channel; "" stands for channels that Compile did not know
	words    wordSearch                       // of the index
}

type compiledRule struct {
	rule Rule
	when *condition // nil means always
}

// Compile checks rules and makes a table of them. It returns all problems in the order of the rules. The table is nil
// if a problem is an error. Compile copies the rules.
func Compile(rules []Rule, ch Channels) (*Table, []Problem) {
	lang := newLanguage(ch)
	lang.declared.AddRules(rules)
	t := &Table{rules: make([]compiledRule, len(rules)), channels: maps.Clone(ch)}
	problems := checkUnique(rules)
	for i := range rules {
		t.rules[i].rule = withDefaults(&rules[i])
		c := &checker{index: i, rule: &t.rules[i].rule, channels: ch}
		c.check()
		if rules[i].When != "" {
			when, bad := lang.compile(rules[i].When)
			for _, p := range bad {
				p.Field = "when"
				c.add(p)
			}
			if when != nil {
				c.checkContradiction(when)
			}
			t.rules[i].when = when
		}
		problems = append(problems, c.problems...)
	}
	problems = append(problems, t.checkReachable(lang)...)
	slices.SortStableFunc(problems, func(a, b Problem) int { return a.Index - b.Index })
	if hasErrors(problems) {
		return nil, problems
	}
	for i := range t.rules {
		if when := t.rules[i].when; when != nil {
			when.root, when.info = nil, nil
		}
	}
	t.buildIndex(ch)
	return t, problems
}

func hasErrors(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return !p.Code.IsWarning() })
}

// withDefaults returns a deep copy with the defaults filled in.
func withDefaults(r *Rule) Rule {
	n := *r
	n.When = strings.TrimSpace(r.When)
	n.Events = slices.Clone(r.Events)
	if len(n.Events) == 0 {
		n.Events = []Event{EventMessage}
	}
	n.From = slices.Clone(r.From)
	n.Copy = slices.Clone(r.Copy)
	n.Say.Languages = maps.Clone(r.Say.Languages)
	n.Set = maps.Clone(r.Set)
	if r.Offer != nil {
		o := *r.Offer
		o.To = slices.Clone(o.To)
		if o.Within == 0 {
			o.Within = DefaultWithin
		}
		n.Offer = &o
	}
	return n
}

// admits reports whether a rule's `from` admits the channel.
func (r *Rule) admits(channel string, role envelope.Role) bool {
	if len(r.From) == 0 {
		return true
	}
	for _, who := range r.From {
		if who == channel || who == string(role) {
			return true
		}
	}
	return false
}

// canBeAbout reports whether the rule admits the channel, and the event can have a subject channel of this role.
func (r *Rule) canBeAbout(e Event, channel string, role envelope.Role) bool {
	possible := subjectRoles(e)
	return r.admits(channel, role) && (possible == nil || slices.Contains(possible, role))
}

// Rules returns the number of rules.
func (t *Table) Rules() int { return len(t.rules) }

// Role returns the role of a channel, or "" if there is no such channel.
func (t *Table) Role(channel string) envelope.Role { return t.channels[channel] }

// Rule returns the i-th rule with its defaults filled in. It must not be changed.
func (t *Table) Rule(i int) *Rule { return &t.rules[i].rule }

// Names returns the names of the rules with the indexes, in order.
func (t *Table) Names(indexes map[int]bool) []string {
	var out []string
	for _, i := range slices.Sorted(maps.Keys(indexes)) {
		out = append(out, t.rules[i].rule.Name)
	}
	return out
}

// Indexes returns the indexes of the rules with the names.
func (t *Table) Indexes(names []string) map[int]bool {
	out := map[int]bool{}
	for i := range t.rules {
		if slices.Contains(names, t.rules[i].rule.Name) {
			out[i] = true
		}
	}
	return out
}
