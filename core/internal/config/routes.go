package config

import (
	"cmp"
	"strconv"
	"strings"

	"patchbay/core/internal/route"
)

// routes checks and compiles the rules.
func (l *loader) routes(c *Config, file []fileRoute) {
	for i := range file {
		c.Routes = append(c.Routes, file[i].rule())
	}
	table, problems := route.Compile(c.Routes, c.Roles())
	c.Table = table
	for _, p := range problems {
		path := routePath(p)
		if l.follows(path) || p.Field == "" && l.brokenBelow(dotted(path)) {
			continue
		}
		at := l.tree.at(path...)
		if p.Line > 0 {
			at = l.tree.inside(path, p.Line, p.Column)
		}
		out := Problem{Position: at, Path: dotted(path), Message: p.Message, Suggestion: p.Suggestion}
		if p.Severity == route.Warning {
			l.warnings = append(l.warnings, out)
			continue
		}
		l.problems = append(l.problems, out)
	}
}

// routePath returns the path of a rule's problem.
func routePath(p route.Problem) []string {
	path := []string{"routes", strconv.Itoa(p.Index)}
	if name, ok := strings.CutPrefix(p.Field, "set."); ok {
		return append(path, "set", name) // the name of an attribute can have dots
	}
	return append(path, splitPath(p.Field)...)
}

func (f *fileRoute) rule() route.Rule {
	r := route.Rule{
		Name: f.Name, From: f.From, When: string(f.When), Set: f.Set, Home: string(f.Home), Pass: string(f.Pass),
		Close: bool(f.Close), Drop: bool(f.Drop), Continue: bool(f.Continue), Copy: f.Copy, Say: string(f.Say), To: string(f.To),
	}
	for _, e := range f.Event {
		r.Events = append(r.Events, route.Event(e))
	}
	if f.Offer != nil {
		r.Offer = route.NewOffer(f.Offer.To...)
		r.Offer.Within = cmp.Or(f.Offer.Within, route.DefaultWithin)
		r.Offer.Else = string(f.Offer.Else)
		r.Offer.Hold = f.Offer.Hold == nil || *f.Offer.Hold
	}
	return r
}
