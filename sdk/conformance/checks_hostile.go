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

// hostile is the result of a call with a broken body. Cut means that it is the beginning of a good JSON body.
type hostile struct {
	what string
	cut  bool
	got  *received
}

// hostile makes calls with broken bodies, once for the group.
func (p *probe) hostile() []hostile {
	return once(p, "hostile", func() (out []hostile) {
		for i, in := range p.data.in {
			rnd := rand.New(rand.NewPCG(uint64(i), 1)) // the same in each test
			in.breakBody(rnd, func(body []byte, cut bool, format string, args ...any) {
				what := fmt.Sprintf(format, args...)
				out = append(out, hostile{"in/" + in.name + ".http with " + what, cut, p.receive(in.withBody(body), what)})
			})
		}
		return out
	})
}

func (in *inbound) breakBody(rnd *rand.Rand, add func(body []byte, cut bool, format string, args ...any)) {
	const maxPrefixes, maxMembers, random = 96, 80, 64
	body, tree := bytes.TrimSpace(in.body), in.tree()
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
		"\"\xff\xfe\xc0\xaf\"", `"`+strings.Repeat("x", 70<<10)+`"`)
	n := 0
	members("", tree, func(path string, _ any) {
		marked := in.withMember(path, "CONFORMANCE").body
		for _, v := range values[:len(values)*min(1, max(0, maxMembers-n))] {
			add(bytes.Replace(marked, []byte(`"CONFORMANCE"`), []byte(v), 1), false, "%s as %.20s", path, v)
		}
		n++
	})
}
