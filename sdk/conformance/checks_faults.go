package conformance

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
)

var faultsChecks = map[string]func(*probe){
	"faults.broken": func(p *probe) {
		for _, x := range p.faultExchanges() {
			if g := goldenOutcome(p.data.dir, x.name); g == nil || g.Error != nil {
				continue
			}
			p.expectHonest(act{exchange: x, effect: truncate, what: "a response that is cut"}, false)
			for _, body := range append(slices.Clone(cases.Responses), strings.Repeat("x", 9<<20)) {
				broken := respond(0, body, map[string]string{"Content-Type": "application/json"})
				a := act{exchange: x, effect: broken, what: fmt.Sprintf("the response %.40q", body)}
				p.expectHonest(a, strings.HasPrefix(body, "<"))
			}
		}
		p.skip("no exchange has a golden success")
	},
	"faults.refused": func(p *probe) {
		defer p.reset()
		q := p.other()
		// Nothing listens at this end of a connection, and no program gets its port. The port of a closed listener can
		// still accept connections: a process that is being started has a copy of the listener until its exec.
		held, err := net.Dial("tcp", strings.TrimPrefix(q.vendor.base, "http://"))
		p.abortIf(err)
		defer held.Close()
		q.vendor.base = "http://" + held.LocalAddr().String()
		q.configure(q.config(q.fill()))
		p.expectKind(p.perform(act{what: "a port at which nothing listens"}), "transient")
	},
	"faults.once": func(p *probe) {
		for _, got := range p.faults() {
			// an unauthorized request had no effect, so the adapter may repeat it with new credentials; 429 asks for a pause
			n, check := got.script.count(got.act.fault.Check != "throttled"), got.act.fault.Check
			p.expect(n <= 1 || check == "unauthorized", "%s: the request was made %d times", got.act, n)
		}
	},
	"faults.prepare": func(p *probe) {
		for _, x := range p.faultExchanges() {
			prepared := slices.ContainsFunc(x.steps, func(s *step) bool { return !s.effect })
			for i := 0; prepared && i < len(cases.Prepare); i++ {
				f := &cases.Prepare[i]
				p.reset() // so that the adapter prepares again
				got := p.perform(act{exchange: x, prepare: f.react(), limit: f.Limit, what: f.What})
				if got.script.count(true) == 0 { // otherwise the adapter did not need to prepare
					p.expectFault(f, got)
				}
			}
		}
		p.skip("no exchange has requests before the one with the effect")
	},
	"faults.heals": func(p *probe) {
		p.faults()
		p.expectDelivery("after the faults")
		for _, x := range p.faultExchanges() {
			var asked atomic.Int32 // requests marked once
			count := func(w http.ResponseWriter, r *http.Request, s *step) {
				if s.once {
					asked.Add(1)
				}
				writeResponse(w, r, s)
			}
			p.perform(act{exchange: x}) // so that the adapter has a token
			p.perform(act{exchange: x, prepare: count, effect: respond(401, "{}", nil), what: "401"})
			p.perform(act{exchange: x, prepare: count})
			p.expect(asked.Load() > 0 || len(x.tokens()) == 0, "%s: after 401, the adapter did not ask for another token", x)
		}
	},
	"guard.private": func(p *probe) {
		c := p.config(p.subject.settings)
		c.Allow = nil
		defer p.reset()
		p.configure(c)
		before := p.vendor.conns.Load()
		got := p.perform(act{what: "an address that is not allowed"})
		p.expectKind(got, "permanent")
		p.expect(p.vendor.conns.Load() == before, "%s connected to 127.0.0.1, which allow does not name", got.act)
	},
	"guard.links": func(p *probe) {
		defer p.reset()
		got := p.fetchLink(nil, nil)
		p.expect(got.kind() == "permanent" && got.script.requestText() == "",
			"a link to 127.0.0.1, which allow_links does not name, gave %s, expected permanent and no request", got)
		if other, err := newVendor("127.0.0.2"); err == nil { // some systems have only one loopback address
			defer other.close()
			redirect := respond(302, "", map[string]string{"Location": other.base + "/private"})
			got = p.fetchLink([]string{"127.0.0.1/32"}, redirect)
			p.expect(got.Error != nil && other.conns.Load() == 0, "a link that redirects to another address gave %s", got)
		}
	},
	"guard.redirects": func(p *probe) {
		for _, status := range []int{302, 307} {
			location := map[string]string{"Location": p.vendor.base + "/conformance-redirect"}
			got := p.perform(act{effect: respond(status, "", location)})
			followed := strings.Contains(got.script.requestText(), "/conformance-redirect")
			p.expect(!followed, "a redirect with status %d was followed: %s", status, got)
		}
	},
	"guard.responses": func(p *probe) {
		const most, endless = 64 << 20, 128 << 20 // most: 8 MiB and the socket buffers; Linux grows one to 32 MiB
		sent := make(chan int, 8)
		endlessly := func(w http.ResponseWriter, _ *http.Request, s *step) {
			w.WriteHeader(s.status)
			n, err := w.Write([]byte(`{"conformance": "`))
			for block := bytes.Repeat([]byte("x"), 1<<20); err == nil && n < endless; n += len(block) {
				_, err = w.Write(block)
			}
			sent <- n
		}
		got := p.perform(act{effect: endlessly})
		n := <-sent
		p.expect(n <= most, "of an endless response %d MiB were read: %s", n>>20, got)
	},
}

func (p *probe) expectFaults(check string) {
	for _, got := range p.faults() {
		if got.act.fault.Check == check {
			p.expectFault(got.act.fault, got)
		}
	}
}

// faultExchanges returns the exchanges to which the faults apply: the main delivery and the main open.
func (p *probe) faultExchanges() (out []*exchange) {
	for _, action := range []string{"deliver", "open"} {
		if x := p.data.main(action); x != nil && p.can(action) {
			out = append(out, x)
		}
	}
	return out
}

// faults performs faultExchanges with each fault, once for the group.
func (p *probe) faults() []*outcome {
	return once(p, "faults", func() (out []*outcome) {
		for _, x := range p.faultExchanges() {
			for i := range cases.Faults {
				out = append(out, p.perform(act{exchange: x, fault: &cases.Faults[i]}))
			}
		}
		return out
	})
}

// expectHonest expects an error, or a success without data that the golden one lacks. A web page is never a success.
func (p *probe) expectHonest(a act, page bool) {
	got, golden := p.perform(a), goldenOutcome(p.data.dir, a.name)
	switch {
	case got.noResult != "", page && got.Error == nil:
		p.expect(false, "%s: %s", a, got)
	case got.Error != nil:
		p.expect(got.kind() != "transient" || a.action == "open" || p.subject.capabilities().GetIdempotent(),
			"%s gave %s, so a call that the vendor accepted would be made twice", a, got)
	case got.Opened != nil:
		thread := strings.ReplaceAll(got.Opened.Thread, p.vendor.base, vendorMark)
		p.expect(golden.Opened != nil && matches(golden.Opened.Thread, thread), "%s opened the thread %q", a, thread)
	case golden.Receipt != nil:
		id, n := got.Receipt.VendorID, len(got.replies())
		p.expect((id == "" || matches(golden.Receipt.VendorID, id)) && n == len(golden.replies()),
			"%s gave success with the vendor's id %q and %d replies", a, id, n)
	}
}

// fetchLink fetches a medium by a link to the vendor, while links to these networks are allowed.
func (p *probe) fetchLink(allowed []string, react reaction) *outcome {
	c := p.config(p.subject.settings)
	c.AllowLinks = allowed
	p.configure(c)
	link := &step{effect: true, method: "GET", target: "/conformance-link", status: 200}
	call := fmt.Appendf(nil, `{"part": {"type": "image", "url": %q}}`, p.vendor.base+link.target)
	x := &exchange{name: "link", action: "fetch", call: call, steps: []*step{link}}
	return p.perform(act{exchange: x, effect: react})
}
