package conformance

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"patchbay/sdk/protocol/pluginpb"
)

var settingsChecks = map[string]func(*probe){
	"settings.good": func(p *probe) {
		for _, m := range p.validate(p.config(p.subject.settings)) {
			p.expect(m.GetWarning(), "%s: %s", m.GetPath(), m.GetMessage())
		}
		refused := p.violations(p.subject.settings)
		p.expect(len(refused) == 0, "the schema refuses %q", refused)
	},
	"settings.unknown": func(p *probe) {
		const key = "conformance_unknown_key"
		p.expectProblem(withSetting(p.subject.settings, []string{key}, "x"), key)
		for s := range p.subject.schema.Schema.All() {
			if path := append(s.Path, key); len(s.Properties) > 0 {
				p.expectProblem(withSetting(p.subject.settings, path, "x"), strings.Join(path, "."))
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
				p.expectProblem(withSetting(p.subject.settings, s.Path, wrong), s.Name())
			}
		}
	},
	"settings.required": func(p *probe) {
		defer p.reset()
		for s := range p.subject.schema.Schema.All() {
			without := withSetting(p.subject.settings, s.Path, nil)
			if e := p.configure(p.config(without)).GetError(); valueAt(p.subject.settings, s.Name()) != nil && e != nil {
				p.expect(len(p.problems(without)) > 0, "without %s, Configure refuses %s (%s), and nothing is reported", s.Name(),
					e.GetField(), e.GetText())
			}
		}
		p.expect(true, "")
	},
	"settings.role": func(p *probe) {
		for _, r := range append(slices.Clone(roles), "conformance") {
			if slices.Contains(p.subject.desc.GetRoles(), r) {
				continue
			}
			c := p.config(p.subject.settings)
			c.Role = r
			found := slices.ContainsFunc(p.validate(c), func(m *pluginpb.Problem) bool {
				return m.GetPath() == "role" &&
					!m.GetWarning()
			})
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
			p.expect(path.GetMaxBody() >= 0 && path.GetMaxBody() <= 7<<20, "path %q takes %d bytes", path.GetPattern(),
				path.GetMaxBody())
		}
		p.expectKnown("threads", []string{c.GetThreads()}, []string{"per_conversation", "per_epoch"})
		p.expectKnown("unknown", []string{c.GetUnknown()}, []string{"", "retry", "dead"})
	},
	"configure.same": func(p *probe) {
		again := p.configure(p.config(p.subject.settings))
		p.expect(proto.Equal(again, p.subject.endpoint), "the second answer is %v, the first was %v", again,
			p.subject.endpoint)
	},
	"configure.refuses": func(p *probe) {
		name := p.setting(isText).Name()
		e := p.configure(p.config(withSetting(p.subject.settings, []string{name}, []any{1}))).GetError()
		p.expect(e.GetKind() == "invalid", "setting %s as an array gave kind %q, expected invalid", name, e.GetKind())
		p.expect(strings.Contains(e.GetText()+e.GetField(), name), "the refusal %q does not name setting %s", e.GetText(),
			name)
		if delivers(p) {
			got := p.play(p.data.main("deliver"))
			p.expect(got.succeeded(), "after settings were refused, a delivery gave %s", got)
		}
		p.reset()
	},
	"configure.in-flight": func(p *probe) {
		_, moved := p.moved()
		defer p.reset()
		s := p.holding()
		b := p.hold(s)
		p.configure(p.config(moved))
		s.open()
		got := b.end()
		p.expect(got.succeeded(), "a delivery that was under way gave %s", got)
	},
	"configure.applies": func(p *probe) {
		other, moved := p.moved()
		defer p.reset()
		p.configure(p.config(moved))
		s := newScript(p.data.main("deliver"), nil)
		other.play(s)
		got := p.begin(act{exchange: p.data.main("deliver")}).end()
		p.expect(s.count() > 0, "after the address was changed, a delivery did not reach it (%s)", got)
	},
}

func (p *probe) moved() (*vendor, map[string]any) {
	other := p.newVendor()
	return other, p.fill(other.base)
}

func (p *probe) fill(base string) map[string]any {
	all, err := fillSettings(p.subject.schema.Schema, p.data.Settings, base)
	if err != nil {
		p.abort(err)
	}
	return all
}

func (p *probe) validate(c *pluginpb.ChannelConfig) []*pluginpb.Problem {
	ctx, cancel := context.WithTimeout(p.ctx, callTimeout)
	defer cancel()
	resp, err := p.subject.rpc.Validate(ctx, &pluginpb.ValidateRequest{Channel: c})
	p.require(err == nil, "Validate does not answer: %v", err)
	for _, m := range resp.GetProblems() {
		p.witness.hear("a problem of Validate", m.GetMessage())
	}
	return resp.GetProblems()
}

func (p *probe) violations(all map[string]any) (out []string) {
	if p.subject.invalid != nil {
		return nil // see describe.schema
	}
	for _, v := range p.subject.schema.Violations(all) {
		out = append(out, v.Name())
	}
	return out
}

func (p *probe) problems(all map[string]any) []string {
	out := p.violations(all)
	for _, m := range p.validate(p.config(all)) {
		if !m.GetWarning() {
			out = append(out, m.GetPath())
		}
	}
	return out
}

func (p *probe) expectProblem(all map[string]any, path string) {
	reported := p.problems(all)
	found := slices.ContainsFunc(reported, func(r string) bool {
		return strings.HasPrefix(r+".", path+".") || r != "" && strings.HasPrefix(path, r+".")
	})
	p.expect(found, "setting %s is wrong, and not reported with that path (reported: %q)", path, reported)
}

// newMux returns a mux with a pattern, nil if it is not one.
func newMux(pattern string) (mux *http.ServeMux) {
	defer func() {
		if recover() != nil {
			mux = nil
		}
	}()
	mux = http.NewServeMux()
	mux.Handle("/"+strings.TrimPrefix(pattern, "/"), http.NotFoundHandler())
	if !strings.HasPrefix(pattern, "/") {
		return nil
	}
	return mux
}
