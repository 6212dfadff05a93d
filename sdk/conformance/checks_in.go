package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"

	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

var inChecks = map[string]func(*probe){
	"in.reachable": func(p *probe) {
		p.require(len(p.data.in) > 0, "there are no calls of the vendor in the test data")
		for _, in := range p.data.in {
			path := p.pathOf(in)
			kind, _, _ := mime.ParseMediaType(in.header.Get("Content-Type"))
			types, what := path.GetContentTypes(), fmt.Sprintf("in/%s.http: path %q", in.name, path.GetPattern())
			p.expect(path != nil, "in/%s.http: %s is on no path of the channel", in.name, in.target)
			p.expect(slices.Contains(path.GetMethods(), in.method), "%s does not take %s", what, in.method)
			p.expect(len(types) == 0 || slices.Contains(types, kind), "%s takes %v, not %q", what, types, kind)
			p.expect(len(in.body) <= mostBody(path), "%s takes %d bytes, not %d", what, mostBody(path), len(in.body))
		}
	},
	"in.golden": func(p *probe) {
		p.require(len(p.data.in) > 0, "there are no calls of the vendor in the test data")
		for _, in := range p.data.in {
			if got := p.receive(in); p.expect(got.lost == "", "in/%s.http: %s", in.name, got) {
				p.compare("in", in.name, got)
			}
		}
	},
	"duplicates.same":    func(p *probe) { p.expectSameIDs(func() {}) },
	"duplicates.restart": func(p *probe) { p.expectSameIDs(p.restart) },
	"duplicates.key": func(p *probe) {
		const key = "0190d1c2-7c4b-4a58-9d3b-6f1f6c1f0001"
		for attempt := int32(1); attempt <= 2; attempt++ {
			got := p.perform(act{change: func(c *pluginpb.DeliverCall) { c.Key, c.Attempt = key, attempt }})
			p.expect(strings.Contains(got.script.heard(), key), "attempt %d does not carry the key %s", attempt, key)
		}
	},
	"oversize.padded": func(p *probe) {
		in := p.authentic()
		if in.tree() == nil {
			p.skip("in/%s.http is not JSON", in.name)
		}
		room := max(mostBody(p.pathOf(in))-len(in.body), 0)
		got := p.receive(in.withBody(append(bytes.Clone(in.body), bytes.Repeat([]byte(" "), room)...)), "blanks")
		p.expect(got.accepted(), "in/%s.http with %d blanks: %s", in.name, room, got)
	},
	"unknown.members": func(p *probe) {
		p.expectSame("unknown members in each object", func(in *inbound) *inbound {
			if in.tree() == nil {
				return in
			}
			return in.withTree(withStrangers(in.tree()))
		})
	},
	"unknown.header": func(p *probe) {
		p.expectSame("an unknown header field and query parameter", func(in *inbound) *inbound {
			return in.withHeader("X-Conformance", "1").withQuery("conformance", "1")
		})
	},
	"unknown.values": func(p *probe) {
		for _, in := range p.data.in {
			for _, path := range p.data.Enums {
				if call := in.withMember(path, "CONFORMANCE_UNKNOWN"); call != in && p.receive(in).accepted() {
					got := p.receive(call, "an unknown value of "+path)
					p.expect(got.accepted(), "in/%s.http with an unknown value of %s: %s", in.name, path, got)
				}
			}
		}
		p.skip("channel.yaml names no member under enums")
	},
	"refusals.template": func(p *probe) {
		c := p.subject.endpoint
		p.expect(c.GetRefusalContentType() != "", "the refusal has no content type")
		for _, mark := range []string{"{{status}}", "{{text}}"} {
			p.expect(strings.Contains(c.GetRefusalBody(), mark), "the refusal's body has no %s: %s", mark, c.GetRefusalBody())
		}
	},
	"refusals.json": func(p *probe) {
		filled := fillTemplate(p.subject.endpoint, 413, `with "quotes" and \ and newline`+"\n")
		p.expect(json.Valid(filled), "the filled template is not JSON: %s", filled)
	},
	"refusals.form": func(p *probe) {
		in, refused := p.authentic(), false
		for _, body := range []string{"", "{", "[]", `"x"`, "\x00"} {
			what := fmt.Sprintf("the body %q", body)
			if got := p.receive(in.withBody([]byte(body)), what); got.refused != nil {
				refused = true
				p.expectForm(what, got)
			}
		}
		p.expect(refused, "an empty body, { and [] are all taken")
	},
}

// pathOf returns the endpoint's path that a request is for, nil if there is none.
func (p *probe) pathOf(in *inbound) *pluginpb.Path {
	req, err := http.NewRequest(in.method, in.target, nil)
	for _, path := range p.subject.endpoint.GetPaths() {
		if mux := newMux(path.GetPattern()); mux != nil && err == nil {
			if _, found := mux.Handler(req); found != "" {
				return path
			}
		}
	}
	return nil
}

func mostBody(p *pluginpb.Path) int {
	if n := int(p.GetMaxBody()); n > 0 {
		return n
	}
	return 1 << 20
}

// expectSameIDs makes each call twice, with between in the middle.
func (p *probe) expectSameIDs(between func()) {
	first := map[string][]string{}
	for _, in := range p.data.in {
		first[in.name] = ids(p.receive(in).Envelopes)
	}
	between()
	for _, in := range p.data.in {
		if was, again := first[in.name], ids(p.receive(in).Envelopes); len(again) > 0 {
			p.expect(slices.Equal(was, again), "in/%s.http: the ids were %q and then %q", in.name, was, again)
		}
	}
	p.skip("no call of the test data has ids, and without them no repeated message is recognised")
}

// ids returns thread and vendor id of envelopes that have one.
func ids(list []*envelope.Envelope) (out []string) {
	for _, e := range list {
		if e.VendorID != "" {
			out = append(out, e.Thread+" "+e.VendorID)
		}
	}
	return out
}

func (p *probe) expectSame(what string, change func(*inbound) *inbound) {
	for _, in := range p.data.in {
		plain := p.receive(in)
		if !plain.accepted() {
			continue
		}
		got := p.receive(change(in), what)
		same := slices.EqualFunc(got.Envelopes, plain.Envelopes, func(a, b *envelope.Envelope) bool {
			return a.Kind == b.Kind && a.Text() == b.Text()
		})
		p.expect(got.accepted() && same, "in/%s.http with %s: %s, without: %s", in.name, what, got, plain)
	}
	p.skip("no call of the test data is taken")
}

func withStrangers(tree any) any {
	switch t := tree.(type) {
	case map[string]any:
		out := map[string]any{"xConformance": map[string]any{"a": []any{true, nil, "x"}}}
		for name, v := range t {
			out[name] = withStrangers(v)
		}
		return out
	case []any:
		for i, v := range t {
			t[i] = withStrangers(v)
		}
	}
	return tree
}

// expectForm expects a refusal in the form of the template: if that is JSON, with its members.
func (p *probe) expectForm(what string, got *received) {
	if !p.refusesJSON() {
		p.expect(len(got.body) > 0 || p.subject.endpoint.GetRefusalBody() == "", "%s: the refusal has no body", what)
		return
	}
	var want, have map[string]any
	_ = json.Unmarshal(fillTemplate(p.subject.endpoint, got.Status, "text"), &want) // empty if it is no object
	_ = json.Unmarshal(got.body, &have)
	p.expect(want == nil || have != nil, "%s: the refusal is not JSON: %.200q", what, got.body)
	for name := range want {
		_, ok := have[name]
		p.expect(ok, "%s: the refusal %s has no member %s of the template", what, got.body, name)
	}
}
