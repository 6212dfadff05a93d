package conformance

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/proto"

	"patchbay/sdk/protocol/pluginpb"
)

var setupChecks = map[string]func(*probe){
	"settings.good": func(p *probe) {
		c := p.config(p.subject.settings)
		for _, m := range p.validate(c) {
			p.expect(m.GetWarning(), "%s: %s", m.GetPath(), m.GetMessage())
		}
		reported := p.problems(c)
		p.expect(len(reported) == 0, "there are problems with the settings %q", reported)
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
				p.expect(len(p.problems(without)) > 0, "without %s, Configure returns %v, but no problem is found", s.Name(), e)
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
		pathless := c.GetSubscribes() || p.data.Role == "observer"
		p.expect(!p.can("receive") || len(c.GetPaths()) > 0 || pathless, "the ability receive needs a path; there is none")
		for _, path := range c.GetPaths() {
			p.expect(newMux(path.GetPattern()) != nil, "path %q is not a pattern", path.GetPattern())
			p.expect(len(path.GetMethods()) > 0, "path %q accepts no methods", path.GetPattern())
			n := path.GetMaxBody()
			p.expect(n >= 0 && n <= 7<<20, "path %q accepts %d bytes", path.GetPattern(), n)
		}
		p.expectKnown("threads", []string{c.GetThreads()}, []string{"per_conversation", "per_epoch"})
		p.expectKnown("unknown", []string{c.GetUnknown()}, []string{"", "retry", "dead"})
	},
	"configure.same": func(p *probe) {
		again := p.configure(p.config(p.subject.settings))
		p.expect(proto.Equal(again, p.subject.endpoint), "the endpoint is %v, at first it was %v", again, p.subject.endpoint)
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
		p.expect(got.isSuccess(), "a delivery that was under way gave %s", got)
	},
	"configure.applies": func(p *probe) {
		defer p.reset()
		got := p.move().perform(act{})
		p.expect(got.script.count(true) > 0, "after the address was changed, a delivery did not reach it (%s)", got)
	},
	"describe.identity": func(p *probe) {
		d := p.subject.desc
		p.expect(nameForm.MatchString(d.GetName()), "name is %q", d.GetName())
		p.expect(versionForm.MatchString(d.GetVersion()), "version is %q", d.GetVersion())
		p.expect(d.GetVendor() != "", "vendor is empty")
	},
	"describe.schema": func(p *probe) {
		p.require(p.subject.invalid == nil, "the settings schema can't be used: %v", p.subject.invalid)
		p.expect(p.subject.schema.Schema.Has("object"), `the settings schema is not of type "object"`)
	},
	"describe.documented": func(p *probe) {
		for s := range p.subject.schema.Schema.All() {
			p.expect(s.Description != "", "setting %s has no description", s.Name())
		}
	},
	"describe.secrets": func(p *probe) {
		for s := range p.subject.schema.Schema.All() {
			p.expect(s.Secret || !s.Has("string") || !secretName.MatchString(s.Path[len(s.Path)-1]),
				"setting %s looks like a secret", s.Name())
		}
	},
	"describe.address": func(p *probe) {
		marked := !p.can("deliver") && !p.can("fetch") && !p.can("subscribe")
		for s := range p.subject.schema.Schema.All() {
			text, _ := valueAt(p.subject.settings, s.Name()).(string)
			marked = marked || s.Address
			p.expect(s.Address || !strings.Contains(text, p.vendor.base),
				"setting %s has the vendor's address and is not marked", s.Name())
		}
		p.expect(marked, "no setting is marked")
	},
	"describe.roles": func(p *probe) {
		p.expectKnown("role", p.subject.desc.GetRoles(), cases.Roles)
		p.expectKnown("role of channel.yaml", []string{p.data.Role}, p.subject.desc.GetRoles())
	},
	"describe.abilities": func(p *probe) {
		p.expectKnown("ability", p.subject.desc.GetAbilities(), cases.Abilities)
		p.expect(p.can("receive") || p.can("deliver") || p.can("subscribe"), "receive, deliver and subscribe are missing")
		p.expect(!p.can("open") || p.can("deliver"), "the adapter has the ability open, but not deliver")
		p.expect(!p.subject.endpoint.GetSubscribes() || p.can("subscribe"),
			"the channel subscribes, and the ability is missing")
	},
	"describe.capabilities": func(p *probe) {
		c := p.subject.capabilities()
		p.expectKnown("part", c.GetParts(), slices.Concat(cases.Parts, cases.Media))
		p.expectKnown("event", c.GetEvents(), cases.Events)
		p.expectKnown("media", []string{c.GetMedia()}, []string{"", "link", "stream"})
		p.expect(p.can("deliver") == (len(c.GetParts())+len(c.GetEvents()) > 0),
			"the parts %q and events %q do not fit the ability deliver", c.GetParts(), c.GetEvents())
		n := c.GetTextBytes()
		p.expect(n == 0 || n >= 16, "text_bytes is %d, expected at least 16, or 0 for no limit", n)
		carries := slices.ContainsFunc(c.GetParts(), func(t string) bool { return slices.Contains(cases.Media, t) })
		p.expect(c.GetMedia() == "" || carries, "a form of media is declared, and none of %v is among the parts", cases.Media)
		p.expect(c.GetMediaBytes() >= 0, "media_bytes is %d", c.GetMediaBytes())
		for _, t := range c.GetMediaTypes() {
			_, _, err := mime.ParseMediaType(t)
			p.expect(err == nil && strings.Contains(t, "/"), "media type %q is not like image/png or image/*", t)
		}
	},
	"describe.health": func(p *probe) {
		ctx, cancel := context.WithTimeout(p.ctx, soon)
		defer cancel()
		h, err := healthpb.NewHealthClient(p.subject.conn).Check(ctx, &healthpb.HealthCheckRequest{Service: "plugin"})
		p.expect(h.GetStatus() == healthpb.HealthCheckResponse_SERVING, "service plugin is %s, error %v", h.GetStatus(), err)
		w, err := p.subject.rpc.WatchHealth(ctx, &pluginpb.WatchHealthRequest{})
		if err == nil {
			_, err = w.Recv()
		}
		p.expect(err == nil, "WatchHealth sends no state within %s: %v", soon, err)
	},
	"describe.reasons": func(p *probe) {
		for code, text := range p.subject.desc.GetReasonCodes() {
			p.expect(codeForm.MatchString(code) && text != "", "reason code %q is explained as %q", code, text)
		}
	},
	"wire.foreign": func(p *probe) {
		other, err := clientCertificate()
		p.require(err == nil, "%v", err)
		for what, certs := range map[string][]tls.Certificate{"no certificate": nil, "another certificate": {other}} {
			conn, err := dial(p.subject.socket, &tls.Config{InsecureSkipVerify: true, Certificates: certs})
			p.require(err == nil, "%v", err)
			ctx, cancel := context.WithTimeout(p.ctx, soon)
			_, err = pluginpb.NewPluginServiceClient(conn).Describe(ctx, &pluginpb.DescribeRequest{})
			p.expect(err != nil, "a client with %s got a response", what)
			cancel()
			_ = conn.Close()
		}
	},
	"wire.results": func(p *probe) {
		if receives(p) {
			p.expect(p.receive(p.data.in[0]).noResult == "", "%s has no result", p.data.in[0])
		}
		if delivers(p) {
			got := p.perform(act{limit: soon})
			p.expect(got.noResult == "", "a delivery has no result: %s", got)
		}
	},
}

// move configures the channel for another vendor and returns a probe with that vendor. The vendor ends with the group.
func (p *probe) move() *probe {
	q := p.other()
	q.configure(q.config(q.fill()))
	return q
}

// fill returns the settings of the test data, with the address of the vendor.
func (p *probe) fill() map[string]any {
	all, err := fillSettings(p.subject.schema.Schema, p.data.Settings, p.vendor.base)
	p.abortIf(err)
	return all
}

func (p *probe) validate(c *pluginpb.ChannelConfig) []*pluginpb.Problem {
	resp, err := p.subject.rpc.Validate(p.ctx, &pluginpb.ValidateRequest{Channel: c})
	p.require(err == nil, "Validate returned an error: %v", err)
	for _, m := range resp.GetProblems() {
		p.witness.inspect("a problem of Validate", m.GetMessage())
	}
	return resp.GetProblems()
}

// problems returns the paths of the problems that the schema and Validate find.
func (p *probe) problems(c *pluginpb.ChannelConfig) (out []string) {
	var all map[string]any
	_ = json.Unmarshal(c.GetSettings(), &all) // cannot fail: config encoded them
	if p.subject.invalid == nil {             // otherwise describe.schema fails
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

// expectProblem sets a wrong value at a path of the settings, and expects a problem at, above or below this path.
func (p *probe) expectProblem(path []string, value any) {
	reported := p.problems(p.config(withSetting(p.subject.settings, path, value)))
	name := strings.Join(path, ".")
	found := slices.ContainsFunc(reported, func(r string) bool {
		return strings.HasPrefix(r+".", name+".") || r != "" && strings.HasPrefix(name, r+".")
	})
	p.expect(found, "setting %s is wrong, and no problem has its path (the paths of the problems: %q)", name, reported)
}

// newMux returns a mux with a handler for pattern, nil if the pattern is invalid.
func newMux(pattern string) (valid *http.ServeMux) {
	if !strings.HasPrefix(pattern, "/") {
		return nil
	}
	defer func() { _ = recover() }() // from Handle
	mux := http.NewServeMux()
	mux.Handle(pattern, http.NotFoundHandler())
	return mux
}

var (
	nameForm    = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)
	versionForm = regexp.MustCompile(`^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
	codeForm    = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	secretName  = regexp.MustCompile(`(^|_)(secret|password|passwd|token|api_?key|private_key|secret_key)$`)
)

func (p *probe) expectKnown(what string, words, known []string) {
	p.expect(len(words) > 0 || what != "role", "no %s is listed", what)
	for _, w := range words {
		p.expect(slices.Contains(known, w), "%s is %q, expected one of %q", what, w, known)
	}
}
