package conformance

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

var outChecks = map[string]func(*probe){
	"out.requests": func(p *probe) {
		p.require(len(p.exchanges("deliver")) > 0 || len(p.subject.capabilities().GetParts()) == 0,
			"there is no delivery in the test data")
		p.expectRequests("deliver")
	},
	"out.golden": func(p *probe) { p.expectGolden("deliver") },
	"out.coverage": func(p *probe) {
		shown := map[string]bool{}
		for _, x := range p.examples("deliver") {
			e := readCall[delivery](p, x).Envelope
			shown[string(e.Kind)] = true
			for _, part := range e.Parts {
				shown[string(part.Type)] = true
			}
		}
		c := p.subject.capabilities()
		for _, declared := range append(slices.Clone(c.GetParts()), c.GetEvents()...) {
			p.expect(shown[declared], "%s is declared, and no out/*.http delivers one", declared)
		}
	},
	"out.text": func(p *probe) {
		most := int(p.subject.capabilities().GetTextBytes())
		text := strings.Repeat("界", most/3) + strings.Repeat("x", most%3)
		got := p.perform(act{change: func(c *pluginpb.DeliverCall) { c.GetSend().Assigned.Text = text }})
		p.expect(got.isSuccess(), "a text of %d bytes gave %s", most, got)
	},
	"out.pieces": func(p *probe) {
		const whole, piece = "conformance-whole-text", "conformance-piece-7"
		got := p.perform(act{change: func(c *pluginpb.DeliverCall) {
			setTexts(c, whole, "")
			c.GetSend().Assigned.Text = piece
		}})
		sent := got.script.requestText()
		p.expect(got.isSuccess() && strings.Contains(sent, piece) && !strings.Contains(sent, whole),
			"with assigned.text %q the outcome was %s, and the vendor got %.300q", piece, got, sent)
	},
	"out.parts": func(p *probe) {
		c, n := p.subject.capabilities(), 2 // texts
		if slices.Contains(c.GetParts(), string(envelope.PartImage)) && !c.GetSeparateMedia() {
			n = len(cases.Several)
		}
		x := p.data.main("deliver").with("envelope.parts", cases.Several[:n])
		if c.GetMedia() == "stream" && n > 2 {
			x = x.with("media", cases.SeveralMedia)
		}
		got := p.perform(act{exchange: x, what: "several parts"})
		sent := got.script.requestText()
		for i := range n {
			mark := fmt.Sprintf("conformance-part-%d", i)
			arrived := strings.Contains(sent, mark) || strings.Contains(sent, base64.StdEncoding.EncodeToString([]byte(mark)))
			p.expect(!got.isSuccess() || got.Receipt.Degraded != "" || arrived,
				"of a message with %d parts, the vendor did not get %s, and the receipt does not say so", n, mark)
		}
	},
	"odd.survives": func(p *probe) { p.expect(p.oddities() != nil, "there are no odd deliveries") },
	"odd.typed": func(p *probe) {
		for _, got := range p.oddities() {
			repeated := got.kind() == "transient" || got.kind() == "unknown"
			p.expect(!repeated, "%s gave %s, although the vendor accepts it", got.act, got)
		}
	},
	"channels.in": func(p *probe) {
		in, q := p.authentic(), p.second()
		got := q.receive(q.data.in[slices.Index(p.data.in, in)], "a second channel")
		p.expect(got.isAccepted(), "%s, changed to a call of channel %s: %s", in, q.data.Channel, got)
		got = p.receive(in, "a second channel")
		p.expect(got.isAccepted(), "%s, after channel %s was configured: %s", in, q.data.Channel, got)
	},
	"channels.out": func(p *probe) {
		q, first := p.second(), new(script)
		p.vendor.follow(first)
		got := q.perform(act{strict: true})
		problems := got.script.report()
		p.expect(got.isSuccess() && len(problems) == 0 && first.requestText() == "",
			"a delivery on channel %s gave %s; its requests differ (%q), and the vendor of channel %s got %q",
			q.data.Channel, got, problems, p.data.Channel, first.requestText())
		got = p.perform(act{})
		p.expect(got.isSuccess() && got.script.count(true) == 1, "then a delivery on channel %s gave %s", p.data.Channel, got)
	},
	"channels.credentials": func(p *probe) {
		in, q := p.authentic(), p.second()
		mixed := q.data.in[slices.Index(p.data.in, in)]
		same := true
		for _, c := range p.data.Credentials {
			same = same && c.value(mixed) == c.value(in)
			mixed = c.with(mixed, c.value(in))
		}
		if p.signer != nil { // sign the second channel's call with the secret of the first
			now := time.Now()
			signed := p.prove(mixed, now)
			same = same && signed.equal(q.prove(mixed, now))
			mixed = signed.addTo(mixed)
		}
		if same {
			p.skip("the credentials of both channels are the same; write others under second, and sign by channel")
		}
		got := q.receive(mixed, "the credentials of another channel")
		p.expect(got.Status == 401, "%s with credentials of channel %s on channel %s: %s", in, p.data.Channel,
			q.data.Channel, got)
	},
	"parallel.out": func(p *probe) {
		b := p.hold()
		got := p.begin(act{exchange: p.data.main("deliver"), limit: soon}).end()
		p.expect(got.isSuccess(), "while one delivery waited for the vendor, another gave %s", got)
		b.release()
		got = b.end()
		p.expect(got.isSuccess(), "the delivery that had waited gave %s", got)
	},
	"parallel.in": func(p *probe) {
		b, began := p.hold(), time.Now()
		got := p.receive(p.data.in[0])
		p.expect(got.noResult == "" && time.Since(began) <= soon, "while a delivery waited, %s needed %s: %s",
			p.data.in[0], time.Since(began).Round(time.Millisecond), got)
		b.release()
		b.end()
	},
	"cancel.soon": func(p *probe) {
		got, took := p.cancelDelivery()
		p.expect(got.noResult == "" && took <= soon, "the call went on for %s after it was canceled: %s", took, got)
	},
	"cancel.kind": func(p *probe) {
		got, _ := p.cancelDelivery()
		p.expect(got.kind() == "unknown" || got.kind() == "transient", "a canceled call gave %s", got)
	},
	"cancel.after": func(p *probe) {
		p.cancelDelivery()
		p.expectDelivery("after a canceled call")
	},
	"open.unable": func(p *probe) {
		x := &exchange{name: "unable", action: "open", call: []byte(`{"customer":{"role":"customer","id":"c"}}`)}
		p.expectKind(p.perform(act{exchange: x, what: "OpenAction, without the ability open"}), "unsupported")
	},
	"open.requests": func(p *probe) { p.expectRequests("open") },
	"open.golden": func(p *probe) {
		p.require(len(p.examples("open")) > 0 || p.o.Update, "no out/*.http opens a conversation with success")
		p.expectGolden("open")
	},
	"open.again": func(p *probe) { p.expectAgain("open") },
	"replies.sender": func(p *probe) {
		for _, x := range p.replyExamples() {
			for _, e := range p.perform(act{exchange: x}).replies() {
				p.expect(e.Kind != envelope.KindMessage || e.Sender.Role != envelope.RoleCustomer,
					"%s: the sender is the customer", x)
			}
		}
	},
	"replies.ids": func(p *probe) {
		for _, x := range p.replyExamples() {
			a, b := ids(p.perform(act{exchange: x}).replies()), ids(p.perform(act{exchange: x}).replies())
			p.expect(slices.Equal(a, b), "%s: the ids were %q and then %q", x, a, b)
		}
	},
	"media.requests": func(p *probe) { p.expectRequests("fetch") },
	"media.golden": func(p *probe) {
		brings := receives(p) && slices.ContainsFunc(p.data.in, func(in *inbound) bool {
			return slices.ContainsFunc(p.receive(in).Envelopes, func(e *envelope.Envelope) bool {
				return slices.ContainsFunc(e.Parts, func(part envelope.Part) bool { return part.Ref != "" && part.URL == "" })
			})
		})
		p.require(!brings || len(p.exchanges("fetch")) > 0, "calls have media with a ref, but no out/*.http fetches any")
		p.expectGolden("fetch")
	},
	"media.limit": func(p *probe) {
		p.expectKind(p.perform(act{exchange: p.fetchExample(), most: 1, what: "at most 1 byte"}), "unsupported")
	},
	"media.broken": func(p *probe) {
		got := p.perform(act{exchange: p.fetchExample(), effect: truncate, what: "a response that is cut"})
		p.expect(got.Error != nil, "%s gave %s, expected an error", got.act, got)
	},
	"media.faults": func(p *probe) {
		for _, f := range cases.Fetch {
			p.expectFault(&f, p.perform(act{exchange: p.fetchExample(), fault: &f}))
		}
	},
	"media.attached": func(p *probe) {
		got := p.perform(act{exchange: p.attachExample()})
		p.expect(got.isSuccess(), "%s gave %s", got.act, got)
	},
	"media.large": func(p *probe) {
		data := strings.Repeat("0123456789abcdef", large/16)
		if p.can("fetch") {
			defer p.reset()
			got := p.fetchLink([]string{"127.0.0.0/8"}, respond(200, data, map[string]string{"Content-Type": "image/png"}))
			whole := got.Fetched != nil && got.Fetched.SHA256 == checksum([]byte(data))
			p.expect(whole, "a linked medium of %d bytes gave %s", large, got)
		}
		if takesMedia(large)(p) {
			got := p.perform(act{exchange: p.attachExample().with("media.0.data", data)})
			n := len(got.script.requestText())
			p.expect(got.isSuccess() && n > large, "a medium of %d bytes gave %s, and the vendor got %d bytes", large, got, n)
		}
	},
	"subscribe.requests": func(p *probe) {
		p.require(len(p.exchanges("subscribe")) > 0, "the channel subscribes, and no out/*.http is an example of it")
		p.expectRequests("subscribe")
	},
	"subscribe.golden": func(p *probe) { p.expectGolden("subscribe") },
	"subscribe.again":  func(p *probe) { p.expectAgain("subscribe") },
	"subscribe.faults": func(p *probe) {
		for _, x := range p.examples("subscribe") {
			for _, f := range cases.Subscribe {
				react := onFirstRequest(f.react())
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

// setTexts replaces the texts of a delivery, and the values of its attributes. An empty value replaces nothing.
func setTexts(c *pluginpb.DeliverCall, text, attribute string) {
	e, _ := protocol.DecodeEnvelope(c.GetSend().GetEnvelope()) // the suite made it
	for i, part := range e.Parts {
		if part.Text != "" {
			e.Parts[i].Text = cmp.Or(text, part.Text)
		}
	}
	for name, value := range e.Attributes {
		e.Attributes[name] = cmp.Or(attribute, value)
	}
	c.GetSend().Envelope, _ = protocol.EncodeEnvelope(e)
}

// exchanges performs all exchanges of an action, once for a group.
func (p *probe) exchanges(action string) []*outcome {
	return once(p, "exchanges", func() (out []*outcome) {
		for _, x := range p.data.out {
			if x.action == action {
				out = append(out, p.perform(act{exchange: x, strict: action != "subscribe"})) // polls are not counted
			}
		}
		return out
	})
}

func (p *probe) expectRequests(action string) {
	for _, got := range p.exchanges(action) {
		problems := got.script.report()
		p.expect(len(problems) == 0, "%s: %s", got.act, strings.Join(problems, "; "))
	}
	p.skip("there is no such call in the test data")
}

func (p *probe) expectGolden(action string) {
	for _, got := range p.exchanges(action) {
		if p.expect(got.noResult == "", "%s: %s", got.act, got) {
			p.compare("out", got.act.name, got)
		}
	}
	p.skip("there is no such call in the test data")
}

func (p *probe) expectAgain(action string) {
	for _, x := range p.examples(action) {
		p.perform(act{exchange: x})
		got := p.perform(act{exchange: x})
		p.expect(got.isSuccess(), "%s, repeated, gave %s", x, got)
	}
}

func (p *probe) replyExamples() []*exchange {
	return slices.DeleteFunc(p.examples("deliver"), func(x *exchange) bool {
		return len(goldenOutcome(p.data.dir, x.name).replies()) == 0
	})
}

// oddities delivers each example with each change of cases.Odd, once for the group.
func (p *probe) oddities() []*outcome {
	return once(p, "odd", func() (out []*outcome) {
		for _, x := range p.examples("deliver") {
			for _, o := range cases.Odd {
				odd := x
				for path, v := range o.Set {
					odd = odd.with(path, v)
				}
				change := func(c *pluginpb.DeliverCall) { setTexts(c, o.Text, o.Attributes) }
				out = append(out, p.perform(act{exchange: odd, what: o.What, change: change}))
			}
		}
		return out
	})
}

// cancelDelivery cancels a delivery while the vendor holds its request. took is the time from Cancel to the result.
func (p *probe) cancelDelivery() (got *outcome, took time.Duration) {
	b, began := p.hold(), time.Now()
	_, err := p.subject.rpc.Cancel(p.ctx, &pluginpb.CancelRequest{Deliver: []uint64{b.id}})
	p.expect(err == nil, "Cancel returned an error: %v", err)
	return b.end(), time.Since(began)
}

// second configures a second channel of the same adapter, with another fault server as its vendor. The examples of the
// first channel are used again, with the values under second in channel.yaml.
func (p *probe) second() *probe {
	return once(p, "second", func() *probe {
		q, d := p.other(), *p.data
		q.data = &d
		d.Channel += "-2"
		var texts []string // pairs: a text and its replacement
		members("", d.Second, func(path string, v any) {
			if _, deeper := v.(map[string]any); deeper {
				return
			}
			if was, ok := valueAt(d.Settings, path).(string); ok {
				texts = append(texts, was, fmt.Sprint(v))
			}
			d.Settings = withSetting(d.Settings, strings.Split(path, "."), v)
		})
		resp := q.configure(q.config(q.fill()))
		p.require(resp.GetError() == nil, "a second channel was refused: %s", resp.GetError().GetText())
		p.abortIf(d.loadMessages(strings.NewReplacer(append(texts, vendorMark, q.vendor.base)...)))
		for i, in := range p.data.in {
			if n := slices.Index(p.subject.endpoint.GetPaths(), p.pathOf(in)); n >= 0 && n < len(resp.GetPaths()) {
				first, second := p.subject.endpoint.GetPaths()[n].GetPattern(), resp.GetPaths()[n].GetPattern()
				d.in[i].target = strings.Replace(d.in[i].target, first, second, 1)
			}
		}
		return q
	})
}

// large is the size in bytes of a medium that does not fit into one message of the protocol.
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
	p.require(i >= 0, "the channel gets media as bytes, and no out/*.http attaches any")
	return p.data.out[i]
}
