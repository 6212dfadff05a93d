package conformance

import (
	"bytes"
	"cmp"
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
			types, what := path.GetContentTypes(), fmt.Sprintf("%s: path %q", in, path.GetPattern())
			p.expect(path != nil, "%s: %s is on no path of the channel", in, in.target)
			p.expect(slices.Contains(path.GetMethods(), in.method), "%s does not accept %s", what, in.method)
			p.expect(len(types) == 0 || slices.Contains(types, kind), "%s accepts %v, not %q", what, types, kind)
			p.expect(len(in.body) <= mostBody(path), "%s accepts %d bytes, not %d", what, mostBody(path), len(in.body))
		}
	},
	"in.golden": func(p *probe) {
		p.require(len(p.data.in) > 0, "there are no calls of the vendor in the test data")
		for _, in := range p.data.in {
			if got := p.receive(in); p.expect(got.noResult == "", "%s: %s", in, got) {
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
			p.expect(strings.Contains(got.script.requestText(), key), "attempt %d does not carry the key %s", attempt, key)
		}
	},
	"oversize.padded": func(p *probe) {
		in := p.authentic()
		if in.tree() == nil {
			p.skip("%s is not JSON", in)
		}
		room := max(mostBody(p.pathOf(in))-len(in.body), 0)
		got := p.receive(in.withBody(append(bytes.Clone(in.body), bytes.Repeat([]byte(" "), room)...)), "blanks")
		p.expect(got.isAccepted(), "%s with %d blanks: %s", in, room, got)
	},
	"unknown.members": func(p *probe) {
		p.expectSame("unknown members and half a surrogate pair in each object", func(in *inbound) *inbound {
			stranger := func(any) any { return map[string]any{"a": []any{true, nil, "HALF"}} }
			tree, _ := edit(in.tree(), "xConformance", stranger)
			members("", in.tree(), func(path string, v any) {
				if _, ok := v.(map[string]any); ok {
					tree, _ = edit(tree, path+".xConformance", stranger)
				}
			})
			if in.tree() == nil {
				return in
			}
			return in.withBody(bytes.ReplaceAll(in.withTree(tree).body, []byte("HALF"), []byte(`\ud83d`)))
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
				if call := in.withMember(path, "CONFORMANCE_UNKNOWN"); call != in && p.receive(in).isAccepted() {
					got := p.receive(call, "an unknown value of "+path)
					p.expect(got.isAccepted(), "%s with an unknown value of %s: %s", in, path, got)
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
		p.expect(refused, "an empty body, { and [] are all accepted")
	},
	"hostile.survives": func(p *probe) { p.expect(p.hostile() != nil, "there are no bodies") },
	"hostile.status": func(p *probe) {
		for _, h := range p.hostile() {
			p.expect(h.got.Status < 500, "%s: refused with %d (%s)", h.what, h.got.Status, h.got.refused.GetText())
		}
	},
	"hostile.valid": func(p *probe) {
		for _, h := range p.hostile() {
			p.expect(!strings.Contains(h.got.noResult, "invalid"), "%s: %s", h.what, h.got)
		}
	},
	"hostile.truncated": func(p *probe) {
		meant := func(e *envelope.Envelope) bool { return e.Kind != envelope.KindUnparsed }
		for _, h := range p.hostile() {
			p.expect(!h.cut || !slices.ContainsFunc(h.got.Envelopes, meant), "%s: a message was accepted", h.what)
		}
	},
}

// pathOf returns the path of the channel that matches a request, nil if there is none.
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

func mostBody(p *pluginpb.Path) int { return cmp.Or(int(p.GetMaxBody()), 1<<20) }

// expectSameIDs makes all calls, runs between, makes all calls again, and expects the same ids.
func (p *probe) expectSameIDs(between func()) {
	first := map[string][]string{}
	for _, in := range p.data.in {
		first[in.name] = ids(p.receive(in).Envelopes)
	}
	between()
	for _, in := range p.data.in {
		if was, again := first[in.name], ids(p.receive(in).Envelopes); len(again) > 0 {
			p.expect(slices.Equal(was, again), "%s: the ids were %q and then %q", in, was, again)
		}
	}
	p.skip("no call of the test data has ids; without ids, the gateway cannot recognize repeated messages")
}

// ids returns the thread and the vendor id of each envelope that has a vendor id.
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
		if !plain.isAccepted() {
			continue
		}
		got := p.receive(change(in), what)
		same := slices.EqualFunc(got.Envelopes, plain.Envelopes, func(a, b *envelope.Envelope) bool {
			return a.Kind == b.Kind && a.Text() == b.Text()
		})
		p.expect(got.isAccepted() && same, "%s with %s: %s, without: %s", in, what, got, plain)
	}
	p.skip("no call of the test data is accepted")
}

// expectForm expects all members of a JSON template in a refusal. For other templates with a body, it expects a body.
func (p *probe) expectForm(what string, got *received) {
	if !p.refusesJSON() {
		p.expect(len(got.body) > 0 || p.subject.endpoint.GetRefusalBody() == "", "%s: the refusal has no body", what)
		return
	}
	var want, have map[string]any
	_ = json.Unmarshal(fillTemplate(p.subject.endpoint, got.Status, "text"), &want) // nil if it is no object
	_ = json.Unmarshal(got.body, &have)
	p.expect(want == nil || have != nil, "%s: the refusal is not JSON: %.200q", what, got.body)
	for name := range want {
		_, ok := have[name]
		p.expect(ok, "%s: the refusal %s has no member %s of the template", what, got.body, name)
	}
}

// hostile is the result of a call with a broken body. cut means that the body is the beginning of a JSON body.
type hostile struct {
	what string
	cut  bool
	got  *received
}

// hostile makes calls with broken bodies, once for the group.
func (p *probe) hostile() []hostile {
	return once(p, "hostile", func() (out []hostile) {
		for _, in := range p.data.in {
			add := func(body []byte, cut bool, format string, args ...any) {
				what := fmt.Sprintf(format, args...)
				out = append(out, hostile{in.String() + " with " + what, cut, p.receive(in.withBody(body), what)})
			}
			body, tree := bytes.TrimSpace(in.body), in.tree()
			for n := 0; n < len(body); n += max(1, len(body)/96) {
				changed := bytes.Clone(body)
				changed[n] = ^changed[n]
				add(changed, false, "byte %d inverted", n)
				add(body[:n], tree != nil, "its first %d bytes", n)
			}
			for _, s := range append(slices.Clone(cases.Bodies), strings.Repeat("[", 20_000), strings.Repeat(`{"a":`, 20_000)) {
				add([]byte(s), false, "the body %.40q", s)
			}
			values := append(slices.Clone(cases.Values), strings.Repeat("[", 5000)+strings.Repeat("]", 5000),
				"\"\xff\xfe\xc0\xaf\"", `"`+strings.Repeat("x", 70<<10)+`"`)
			members("", tree, func(path string, _ any) {
				marked := in.withMember(path, "CONFORMANCE").body
				for _, v := range values {
					add(bytes.Replace(marked, []byte(`"CONFORMANCE"`), []byte(v), 1), false, "%s as %.20s", path, v)
				}
			})
		}
		return out
	})
}
