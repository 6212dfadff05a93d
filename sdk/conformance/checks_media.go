package conformance

import (
	"slices"
	"strings"

	"patchbay/sdk/envelope"
)

var mediaChecks = map[string]func(*probe){
	"media.requests": func(p *probe) { p.expectRequests("fetch") },
	"media.golden": func(p *probe) {
		brings := receives(p) && slices.ContainsFunc(p.data.in, func(in *inbound) bool {
			return slices.ContainsFunc(p.receive(in).Envelopes, func(e *envelope.Envelope) bool {
				return slices.ContainsFunc(e.Parts, func(part envelope.Part) bool { return part.Ref != "" && part.URL == "" })
			})
		})
		p.require(!brings || len(p.exchanges("fetch")) > 0, "its calls bring media with a ref, and no out/*.http fetches any")
		p.expectGolden("fetch")
	},
	"media.limit": func(p *probe) {
		p.expectKind(p.perform(act{exchange: p.fetchExample(), most: 1, what: "at most 1 byte"}), "unsupported")
	},
	"media.broken": func(p *probe) {
		got := p.perform(act{exchange: p.fetchExample(), effect: truncates, what: "an answer that is cut"})
		p.expect(got.Error != nil, "%s gave %s, expected an error", got.act, got)
	},
	"media.faults": func(p *probe) {
		for _, f := range cases.Fetch {
			p.expectFault(&f, p.perform(act{exchange: p.fetchExample(), fault: &f}))
		}
	},
	"media.attached": func(p *probe) {
		got := p.perform(act{exchange: p.attachExample()})
		p.expect(got.succeeded(), "%s gave %s", got.act, got)
	},
	"media.large": func(p *probe) {
		data := strings.Repeat("0123456789abcdef", large/16)
		if p.can("fetch") {
			defer p.reset()
			got := p.fetchLink([]string{"127.0.0.0/8"}, answers(200, data, map[string]string{"Content-Type": "image/png"}))
			whole := got.Fetched != nil && got.Fetched.SHA256 == checksum([]byte(data))
			p.expect(whole, "a linked medium of %d bytes gave %s", large, got)
		}
		if takesMedia(large)(p) {
			x := *p.attachExample()
			tree, _ := decodeJSON(x.call) // it was valid when it was loaded
			tree, _ = edit(tree, "media.0.data", func(any) any { return data })
			x.call = goldenText(tree)
			got := p.perform(act{exchange: &x})
			n := len(got.script.heard())
			p.expect(got.succeeded() && n > large, "a medium of %d bytes gave %s, and the vendor got %d bytes", large, got, n)
		}
	},
	"subscribe.requests": func(p *probe) {
		p.require(len(p.exchanges("subscribe")) > 0, "the channel subscribes, and no out/*.http does")
		p.expectRequests("subscribe")
	},
	"subscribe.golden": func(p *probe) { p.expectGolden("subscribe") },
	"subscribe.again":  func(p *probe) { p.expectAgain("subscribe") },
	"subscribe.faults": func(p *probe) {
		for _, x := range p.examples("subscribe") {
			for _, f := range cases.Subscribe {
				react := firstOnly(f.react())
				got := p.perform(act{exchange: x, effect: react, prepare: react, what: f.What})
				if got.Error != nil { // the gateway subscribes again
					p.expectKind(got, "transient", "throttled", "unknown")
					got = p.perform(act{exchange: x})
				}
				want := len(goldenOutcome(p.data.dir, x.name).Emitted.Envelopes)
				p.expect(got.Emitted != nil && len(got.Emitted.Envelopes) == want, "%s: %s", got.act, got)
			}
		}
	},
}

// large is the size of media that are larger than a message.
const large = 9 << 20

func (p *probe) fetchExample() *exchange {
	all := p.examples("fetch")
	if len(all) == 0 {
		p.skip("no exchange of the test data fetches a medium")
	}
	return all[0]
}

func (p *probe) attachExample() *exchange {
	i := slices.IndexFunc(p.data.out, func(x *exchange) bool {
		if x.action != "deliver" {
			return false
		}
		d := readCall[delivery](p, x)
		return len(d.Media) > 0 && d.Media[0].URL == ""
	})
	p.require(i >= 0, "media are wanted as bytes, and no out/*.http attaches any")
	return p.data.out[i]
}
