package config

import (
	"strconv"
	"strings"

	"patchbay/core/internal/route"
)

// routes checks and compiles the rules.
func (l *loader) routes(c *Config, file []fileRoute) {
	for i := range file {
		if o := file[i].Offer; o != nil && o.Within != nil && *o.Within == 0 { // to package route 0 is the default
			l.bad([]string{"routes", strconv.Itoa(i), "offer", "within"}, "", "must be more than 0; left out, it is %s", short(route.DefaultWithin))
		}
		c.Routes = append(c.Routes, file[i].rule())
	}
	table, problems := route.Compile(c.Routes, c.Roles())
	c.Table = table
	for _, p := range problems {
		path := routePath(p)
		// That a rule is never reached may follow from another one whose form is wrong.
		if l.follows(path) || p.Field == "" && l.brokenBelow(dotted(path)) || p.Severity == route.Warning && l.brokenBelow("routes") {
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
		if f.Offer.Within != nil {
			r.Offer.Within = *f.Offer.Within
		}
		r.Offer.Else = string(f.Offer.Else)
		r.Offer.Hold = f.Offer.Hold == nil || *f.Offer.Hold
	}
	return r
}
