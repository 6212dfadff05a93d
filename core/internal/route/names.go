package route

import (
	"maps"
	"slices"

	"cel.dev/cel-go/common/ast"

	"patchbay/core/internal/finding"
)

// Declared has the names that adapters and rules declare, with their explanations.
type Declared struct {
	Attributes map[string]string // explanations by name
	// Declined and Events have explanations of the reasons of declined offers and of vendors' events, by channel and
	// code. The code AnyReason stands for all codes.
	Declined, Events map[string]map[string]string
}

// AddRules adds the attributes that rules set, without an explanation.
func (d *Declared) AddRules(rules []Rule) {
	if d.Attributes == nil {
		d.Attributes = map[string]string{}
	}
	for i := range rules {
		for name := range rules[i].Set {
			d.Attributes[name] = ""
		}
	}
}

// use is a name in a condition or text of a rule.
type use struct {
	name         string
	field        string
	line, column int
	member       string // path that data() reads in the attribute, otherwise the name; "" in texts
}

// CheckNames warns of attributes that no rule sets and no adapter declares, and of reasons that no event of the rule
// has.
func (t *Table) CheckNames(declared Declared, ch Channels) []Problem {
	var out []Problem
	attributes := maps.Clone(declared.Attributes)
	if attributes == nil {
		attributes = map[string]string{}
	}
	var names []string
	for i := range t.rules {
		maps.Copy(attributes, t.rules[i].rule.Set)
		names = append(names, t.rules[i].rule.Name)
	}
	for i := range t.rules {
		r := &t.rules[i]
		report := func(code finding.Code, u use, message, suggestion string) {
			out = append(out, Problem{Code: code, Index: i, Rule: r.rule.Name, Field: u.field, Line: u.line, Column: u.column,
				Message: message, Suggestion: suggestion})
		}
		for _, u := range append(slices.Clone(r.attributes()), r.rule.placeholders()...) {
			if _, known := attributes[u.name]; !known {
				hint, near := declared.correction(u, slices.Sorted(maps.Keys(attributes)))
				report(finding.UnknownAttribute, u, "no rule sets the attribute "+u.name+
					", and no adapter in use declares it; its value is always \"\""+hint, near)
			}
		}
		known, open := r.rule.reasons(declared, ch, names)
		for _, u := range r.reasons() {
			if !open && len(known) > 0 && u.name != "" && !slices.Contains(known, u.name) {
				report(finding.UnknownReason, u, "no event of this rule has the reason "+u.name, Closest(u.name, known))
			}
		}
	}
	return out
}

func (c *compiledRule) attributes() []use {
	if c.when == nil {
		return nil
	}
	return c.when.attributes
}

func (c *compiledRule) reasons() []use {
	if c.when == nil {
		return nil
	}
	return c.when.reasons
}

// placeholders returns the attributes in the placeholders of `say`.
func (r *Rule) placeholders() []use {
	var out []use
	for field, said := range r.Say.texts() {
		for _, at := range placeholder.FindAllStringSubmatchIndex(said, -1) {
			if at[4] >= 0 {
				line, column := positionOf(said, at[0])
				out = append(out, use{name: said[at[4]:at[5]], field: field, line: line, column: column})
			}
		}
	}
	return out
}

// texts returns the texts of a notice by their keys in the rule.
func (s *Say) texts() map[string]string {
	if len(s.Languages) == 0 {
		return map[string]string{"say": s.Default}
	}
	out := map[string]string{"say.default": s.Default}
	for tag, said := range s.Languages {
		out["say."+tag] = said
	}
	return out
}

// findNames records the attributes that the condition reads and the reasons that it compares with.
func (c *condition) findNames() {
	add := func(list *[]use, e, member ast.Expr) {
		if name, ok := literal(e); ok {
			line, column := c.position(e)
			path, _ := literal(member)
			*list = append(*list, use{name: name, field: "when", line: line, column: column, member: path})
		}
	}
	compare := func(x, value ast.Expr) {
		if isIdent(x, "reason") {
			add(&c.reasons, value, value)
		}
	}
	ast.PreOrderVisit(c.root, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		args := e.AsCall().Args()
		switch e.AsCall().FunctionName() {
		case "@attr", "@data":
			add(&c.attributes, args[1], args[len(args)-1])
			if _, ok := literal(args[1]); !ok {
				c.computed = true
			}
		case "_==_", "_!=_":
			compare(args[0], args[1])
			compare(args[1], args[0])
		case "@in":
			if args[1].Kind() == ast.ListKind {
				for _, item := range args[1].AsList().Elements() {
					compare(args[0], item)
				}
			}
		}
	}))
}
