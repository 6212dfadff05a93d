package conformance

import (
	"context"
	"crypto/tls"
	"mime"
	"regexp"
	"slices"
	"strings"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"patchbay/sdk/protocol/pluginpb"
)

var (
	nameForm    = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)
	versionForm = regexp.MustCompile(`^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
	codeForm    = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	// secretName matches the names of settings that are secrets.
	secretName = regexp.MustCompile(`(^|_)(secret|password|passwd|token|api_?key|private_key|secret_key)$`)
)

var describeChecks = map[string]func(*probe){
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
		p.expect(p.can("receive") || p.can("deliver") || p.can("subscribe"), "it has none of receive, deliver and subscribe")
		p.expect(!p.can("open") || p.can("deliver"), "it opens conversations and does not deliver")
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
		p.expect(c.GetMedia() == "" || carries, "media are wanted, and none of %v is among the parts", cases.Media)
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
		p.expect(err == nil, "WatchHealth gives no state within %s: %v", soon, err)
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
			p.expect(err != nil, "a client with %s got an answer", what)
			cancel()
			_ = conn.Close()
		}
	},
	"wire.answers": func(p *probe) {
		if receives(p) {
			p.expect(p.receive(p.data.in[0]).lost == "", "in/%s.http has no result", p.data.in[0].name)
		}
		if delivers(p) {
			got := p.perform(act{limit: soon})
			p.expect(got.lost == "", "a delivery has no result: %s", got)
		}
	},
}

func (p *probe) expectKnown(what string, words, known []string) {
	p.expect(len(words) > 0 || what != "role", "no %s is listed", what)
	for _, w := range words {
		p.expect(slices.Contains(known, w), "%s is %q, expected one of %q", what, w, known)
	}
}
