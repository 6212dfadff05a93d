package config

import (
	"strings"

	"patchbay/core/internal/route"
)

// routes checks and compiles the rules.
func (l *loader) routes(c *Config, f *items[fileRoute]) {
	for i := range f.list {
		within := &f.list[i].Offer.Within
		// For package route, 0 means the default, so a 0 in the file is reported here.
		l.require(within.node.kind != scalar || within.value != 0, within.node,
			"must be more than 0; without this key it is %s", shortDuration(route.DefaultWithin))
		after, most := &f.list[i].After, c.Conversations.CloseAfter
		l.require(after.value == 0 || most == 0 || after.value < most, after.node,
			"must be less than conversations.close_after (%s)", shortDuration(most))
		c.Routes = append(c.Routes, f.list[i].rule())
	}
	table, problems := route.Compile(c.Routes, c.Roles())
	c.Table = table
	for _, p := range problems {
		rule := f.list[p.Index].node
		l.addRuleProblem(rule, fieldOf(rule, p.Field), &p)
	}
}

// addRuleProblem reports a problem that package route found, at its position in the file.
func (l *loader) addRuleProblem(rule, field *node, p *route.Problem) {
	// A warning, such as one about a rule that is never reached, may be the consequence of a malformed rule.
	if l.isMalformed(field) || p.Field == "" && l.hasMalformed(rule) ||
		p.Code.IsWarning() && l.hasMalformed(rule.parent) {
		return
	}
	at := field.place()
	switch {
	case p.Key:
		at = field.keyPlace()
	case p.Line > 0:
		at = l.source.positionInside(field, p.Line, p.Column)
	}
	out := Problem{Code: p.Code, Position: at, Path: field.path(), Message: p.Message, Suggestion: p.Suggestion,
		Variable: p.Variable}
	if p.Code.IsWarning() {
		l.warnings = append(l.warnings, out)
		return
	}
	l.problems = append(l.problems, out)
}

// fieldOf returns the setting of a rule for a field name that package route uses in its problems.
func fieldOf(rule *node, field string) *node {
	if key, name, ok := strings.Cut(field, "."); ok && (key == "set" || key == "say") {
		return rule.find(key, name) // any text can be written in place of an attribute's name or a language tag
	}
	return rule.find(splitPath(field)...)
}

func (f *fileRoute) rule() route.Rule {
	r := route.Rule{
		Name: f.Name.value, From: f.From.texts(), When: string(f.When.value), After: f.After.value,
		Home: string(f.Home.value), Pass: string(f.Pass.value), Close: bool(f.Close.value), Drop: bool(f.Drop.value),
		Continue: bool(f.Continue.value), Copy: f.Copy.texts(), Say: f.Say.say(), To: string(f.To.value),
	}
	if f.After.node.kind == scalar && r.After == 0 {
		r.After = -1 // for package route, 0 means that the key is absent
	}
	for _, e := range f.Event.texts() {
		r.Events = append(r.Events, route.Event(e))
	}
	for _, attribute := range f.Set.list {
		if r.Set == nil {
			r.Set = map[string]string{}
		}
		r.Set[attribute.node.name] = attribute.value
	}
	if o := &f.Offer; o.node.kind < null {
		r.Offer = route.NewOffer(o.To.texts()...)
		if o.Within.node.kind == scalar {
			r.Offer.Within = o.Within.value
		}
		r.Offer.Else = string(o.Else.value)
		r.Offer.Hold = o.Hold.node.kind != scalar || o.Hold.value
	}
	return r
}

// say returns the notice. A single text, and the text of the key default, is its default.
func (f *fileSay) say() route.Say {
	var out route.Say
	for _, said := range f.texts.list {
		if said.node == f.node || said.node.name == "default" {
			out.Default = string(said.value)
			continue
		}
		if out.Languages == nil {
			out.Languages = map[string]string{}
		}
		out.Languages[said.node.name] = string(said.value)
	}
	return out
}
