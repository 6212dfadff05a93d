package conformance

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"patchbay/sdk/envelope"
)

var hostileChecks = map[string]func(*probe){
	"hostile.survives": func(p *probe) { p.expect(p.hostile() != nil, "there are no bodies") },
	"hostile.status": func(p *probe) {
		for _, h := range p.hostile() {
			p.expect(h.got.Status < 500, "%s: answered with %d (%s)", h.what, h.got.Status, h.got.refused.GetText())
		}
	},
	"hostile.valid": func(p *probe) {
		for _, h := range p.hostile() {
			p.expect(!strings.Contains(h.got.lost, "invalid"), "%s: %s", h.what, h.got)
		}
	},
	"hostile.truncated": func(p *probe) {
		meant := func(e *envelope.Envelope) bool { return e.Kind != envelope.KindUnparsed }
		for _, h := range p.hostile() {
			p.expect(!h.cut || !slices.ContainsFunc(h.got.Envelopes, meant), "%s: a message was taken", h.what)
		}
	},
}

// hostile is a call with a broken body. Cut means that it is the beginning of a good JSON body.
type hostile struct {
	what string
	call *inbound
	cut  bool
	got  *received
}

// hostile makes all calls with broken bodies, once for the group.
func (p *probe) hostile() []*hostile {
	return once(p, "hostile", func() (all []*hostile) {
		for i, in := range p.data.in {
			all = append(all, hostileCalls(in, rand.New(rand.NewPCG(uint64(i), 1)))...) // the same in each test
		}
		const together = 32
		for frame := range slices.Chunk(all, together) {
			calls := make([]*inbound, len(frame))
			for i, h := range frame {
				calls[i] = h.call
			}
			results, err := p.receiveFrame(calls...)
			if err != nil { // one of them ends the process
				p.restart()
			}
			for i, h := range frame {
				if err == nil {
					h.got = results[i]
				} else {
					h.got = p.receive(h.call, h.what)
				}
			}
		}
		return all
	})
}

func hostileCalls(in *inbound, rnd *rand.Rand) (out []*hostile) {
	const maxPrefixes, maxMembers, random = 96, 80, 64
	body, tree := bytes.TrimSpace(in.body), in.tree()
	add := func(body []byte, cut bool, format string, args ...any) {
		what := "in/" + in.name + ".http with " + fmt.Sprintf(format, args...)
		out = append(out, &hostile{what: what, call: in.withBody(body), cut: cut})
	}
	for n := 0; n < len(body); n += max(1, len(body)/maxPrefixes) {
		add(body[:n], tree != nil, "its first %d bytes", n)
	}
	for range random {
		noise, changed := make([]byte, rnd.IntN(512)), append([]byte(" "), body...)
		for i := range noise {
			noise[i] = byte(rnd.Uint32())
		}
		for range 1 + rnd.IntN(4) {
			changed[rnd.IntN(len(changed))] = byte(rnd.Uint32())
		}
		add(noise, false, "random bytes")
		add(changed, false, "some bytes replaced")
	}
	for _, s := range append(slices.Clone(cases.Bodies), strings.Repeat("[", 20_000), strings.Repeat(`{"a":`, 20_000)) {
		add([]byte(s), false, "the body %.40q", s)
	}
	values := append(slices.Clone(cases.Values), strings.Repeat("[", 5000)+strings.Repeat("]", 5000),
		"\"\xff\xfe\xc0\xaf\"",
		`"`+strings.Repeat("x", 70<<10)+`"`)
	n := 0
	members("", tree, func(path string, _ any) {
		marked := in.withMember(path, "CONFORMANCE", true).body
		for _, v := range values[:len(values)*min(1, max(0, maxMembers-n))] {
			add(bytes.Replace(marked, []byte(`"CONFORMANCE"`), []byte(v), 1), false, "%s as %.20s", path, v)
		}
		n++
	})
	object, _ := tree.(map[string]any)
	for name := range object {
		for _, v := range []string{"null", `"other"`, "[]"} {
			add(append(fmt.Appendf(nil, "{%s:%s,", shown(name), v), bytes.TrimPrefix(body, []byte("{"))...), false,
				"member %s twice", name)
		}
	}
	return out
}
