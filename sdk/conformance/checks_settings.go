package conformance

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"patchbay/sdk/protocol/pluginpb"
)

var settingsChecks = map[string]func(*probe){
	"settings.good": func(p *probe) {
		c := p.config(p.subject.settings)
		for _, m := range p.validate(c) {
			p.expect(m.GetWarning(), "%s: %s", m.GetPath(), m.GetMessage())
		}
		reported := p.problems(c)
		p.expect(len(reported) == 0, "the settings %q are refused", reported)
	},
	"settings.unknown": func(p *probe) {
		const key = "conformance_unknown_key"
		p.expectProblem([]string{key}, "x")
		for s := range p.subject.schema.Schema.All() {
			if len(s.Properties) > 0 {
				p.expectProblem(append(s.Path, key), "x")
			}
		}
	},
	"settings.types": func(p *probe) {
		for s := range p.subject.schema.Schema.All() {
			var wrong any = "conformance" // for numbers, booleans, arrays, objects
			if s.Has("string") {
				wrong = []any{1}
			}
			if len(s.Type) > 0 {
				p.expectProblem(s.Path, wrong)
			}
		}
	},
	"settings.required": func(p *probe) {
		defer p.reset()
		for s := range p.subject.schema.Schema.All() {
			without := p.config(withSetting(p.subject.settings, s.Path, removed))
			if e := p.configure(without).GetError(); valueAt(p.subject.settings, s.Name()) != nil && e != nil {
				p.expect(len(p.problems(without)) > 0, "without %s, Configure gives %v, and nothing is reported", s.Name(), e)
			}
		}
		p.expect(true, "")
	},
	"settings.role": func(p *probe) {
		for _, r := range append(slices.Clone(cases.Roles), "conformance") {
			if slices.Contains(p.subject.desc.GetRoles(), r) {
				continue
			}
			c := p.config(p.subject.settings)
			c.Role = r
			found := slices.Contains(p.problems(c), "role")
			c.Name += "-in-another-role"
			p.expect(found || p.configure(c).GetError().GetField() == "role", "role %s is not refused", r)
		}
	},
	"settings.offline": func(p *probe) {
		before := p.vendor.conns.Load()
		p.restart()
		p.validate(p.config(p.subject.settings))
		p.expect(p.vendor.conns.Load() == before, "the vendor was called")
	},
	"configure.accepts": func(p *probe) {
		e := p.subject.endpoint.GetError()
		p.expect(e == nil, "refused: %s %s", e.GetField(), e.GetText())
	},
	"configure.endpoint": func(p *probe) {
		c := p.subject.endpoint
		p.expect(!p.can("receive") || len(c.GetPaths()) > 0 || c.GetSubscribes(), "it receives, and the channel has no path")
		for _, path := range c.GetPaths() {
			p.expect(newMux(path.GetPattern()) != nil, "path %q is not a pattern", path.GetPattern())
			p.expect(len(path.GetMethods()) > 0, "path %q takes no methods", path.GetPattern())
			n := path.GetMaxBody()
			p.expect(n >= 0 && n <= 7<<20, "path %q takes %d bytes", path.GetPattern(), n)
		}
		p.expectKnown("threads", []string{c.GetThreads()}, []string{"per_conversation", "per_epoch"})
		p.expectKnown("unknown", []string{c.GetUnknown()}, []string{"", "retry", "dead"})
	},
	"configure.same": func(p *probe) {
		again := p.configure(p.config(p.subject.settings))
		p.expect(proto.Equal(again, p.subject.endpoint), "%v, and at first %v", again, p.subject.endpoint)
	},
	"configure.refuses": func(p *probe) {
		name := textSetting(p)
		e := p.configure(p.config(withSetting(p.subject.settings, []string{name}, []any{1}))).GetError()
		p.expect(e.GetKind() == "invalid" && strings.Contains(e.GetText()+e.GetField(), name),
			"setting %s as an array gave %v, expected an error of kind invalid that names it", name, e)
		if delivers(p) {
			p.expectDelivery("after settings were refused")
		}
		p.reset()
	},
	"configure.in-flight": func(p *probe) {
		defer p.reset()
		b := p.hold()
		p.move()
		b.release()
		got := b.end()
		p.expect(got.succeeded(), "a delivery that was under way gave %s", got)
	},
	"configure.applies": func(p *probe) {
		defer p.reset()
		got := p.move().perform(act{})
		p.expect(got.script.count() > 0, "after the address was changed, a delivery did not reach it (%s)", got)
	},
}

// move configures the channel for another vendor, which the end of the group closes, and returns a probe with it.
func (p *probe) move() *probe {
	q := p.other()
	q.configure(q.config(q.fill()))
	return q
}

// fill returns the settings of the test data, with the address of the vendor.
func (p *probe) fill() map[string]any {
	all, err := fillSettings(p.subject.schema.Schema, p.data.Settings, p.vendor.base)
	if err != nil {
		p.abort(err)
	}
	return all
}

func (p *probe) validate(c *pluginpb.ChannelConfig) []*pluginpb.Problem {
	resp, err := p.subject.rpc.Validate(p.ctx, &pluginpb.ValidateRequest{Channel: c})
	p.require(err == nil, "Validate does not answer: %v", err)
	for _, m := range resp.GetProblems() {
		p.witness.hear("a problem of Validate", m.GetMessage())
	}
	return resp.GetProblems()
}

// problems returns the paths of the problems that the schema and Validate find.
func (p *probe) problems(c *pluginpb.ChannelConfig) (out []string) {
	var all map[string]any
	_ = json.Unmarshal(c.GetSettings(), &all) // they come from JSON
	if p.subject.invalid == nil {             // else see describe.schema
		for _, v := range p.subject.schema.Violations(all) {
			out = append(out, v.Name())
		}
	}
	for _, m := range p.validate(c) {
		if !m.GetWarning() {
			out = append(out, m.GetPath())
		}
	}
	return out
}

// expectProblem expects a problem at a path of settings, when it has a wrong value.
func (p *probe) expectProblem(path []string, value any) {
	reported := p.problems(p.config(withSetting(p.subject.settings, path, value)))
	name := strings.Join(path, ".")
	found := slices.ContainsFunc(reported, func(r string) bool {
		return strings.HasPrefix(r+".", name+".") || r != "" && strings.HasPrefix(name, r+".")
	})
	p.expect(found, "setting %s is wrong, and not reported with that path (reported: %q)", name, reported)
}

// newMux returns a mux with a pattern, nil if it is not one.
func newMux(pattern string) (mux *http.ServeMux) {
	if !strings.HasPrefix(pattern, "/") {
		return nil
	}
	defer func() {
		if recover() != nil {
			mux = nil
		}
	}()
	mux = http.NewServeMux()
	mux.Handle(pattern, http.NotFoundHandler())
	return mux
}
