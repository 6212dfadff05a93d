package route

// Table is a compiled list of rules.
type Table struct {
	rules []compiled
}

type compiled struct {
	rule Rule
}

// Compile checks rules and makes a table of them. It reports all problems at once; the table is nil if one
// of them is an Error. Compile copies what it keeps.
func Compile(rules []Rule, ch Channels) (*Table, []Problem) {
	t := &Table{}
	for i := range rules {
		t.rules = append(t.rules, compiled{rule: rules[i]})
	}
	return t, nil
}

// Decide makes one pass over the rules in file order.
func (t *Table) Decide(f *Facts) Decision { return Decision{} }

// Explain says of each rule whether it matched, or the first reason why not.
func (t *Table) Explain(f *Facts) []Explanation { return nil }
