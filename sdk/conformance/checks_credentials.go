package conformance

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

var credentialsChecks = map[string]func(*probe){
	"credentials.taken": func(p *probe) {
		taken := slices.ContainsFunc(p.data.in, func(in *inbound) bool { return p.receive(in).isAccepted() })
		p.expect(taken, "no in/*.http is accepted; the first is %s", p.receive(p.data.in[0]))
		p.expectForgeries("taken")
	},
	"credentials.missing": func(p *probe) {
		for _, in := range p.data.in {
			text := fmt.Sprint(in.target, in.header, string(in.body))
			for _, secret := range p.subject.secrets() {
				carries := len(secret) >= minSecret && strings.Contains(text, secret)
				p.expect(!carries || len(p.data.Credentials) > 0 || p.signer != nil,
					"%s contains a secret of the settings, and channel.yaml does not list its place", in)
			}
		}
		p.expectForgeries("missing")
	},
	"credentials.shape": func(p *probe) {
		for _, f := range p.forgeries() {
			if f.got.refused != nil {
				p.expectForm(f.what, f.got)
			}
		}
	},
	"credentials.silent": func(p *probe) {
		places := p.places(p.authentic())
		for _, f := range p.forgeries() {
			shown, secrets := string(f.got.body)+f.got.refused.GetText()+f.got.refused.GetField(), p.subject.secrets()
			for _, c := range places {
				secrets = append(secrets, c.value(f.call))
			}
			for _, v := range secrets {
				p.expect(len(v) < minSecret || !strings.Contains(shown, v), "%s: it repeats credentials: %.200s", f.what, shown)
			}
		}
	},
}

// forgery is an inbound call with its result. group is the name of the check that uses it, without "credentials.".
type forgery struct {
	group string
	what  string
	call  *inbound
	loose bool // each status 4xx is right, because the call is also malformed
	got   *received
}

type forge func(group, what string, call *inbound, loose bool)

func (p *probe) expectForgeries(group string) {
	for _, f := range p.forgeries() {
		switch {
		case f.group != group:
		case group == "taken":
			p.expect(f.got.isAccepted(), "%s: %s", f.what, f.got)
		default:
			refused := f.got.Status == 401 || f.loose && f.got.Status >= 400 && f.got.Status < 500
			p.expect(refused, "%s: %s, expected 401", f.what, f.got)
		}
	}
	p.skip("the test data have no such call; list credentials in channel.yaml, or the program that signs under sign")
}

// forgeries makes calls with bad credentials, and good calls at other times, once for all checks of credentials.
func (p *probe) forgeries() []*forgery {
	in := p.authentic()
	return once(p, "forgeries", func() (out []*forgery) {
		add := func(group, what string, call *inbound, loose bool) {
			out = append(out, &forgery{group, what, call, loose, p.receive(call, what)})
		}
		if p.signer != nil {
			p.forgeSignature(in, add)
		}
		for _, c := range p.places(in) {
			c.forge(p.sign(in), add)
		}
		return out
	})
}

// places returns the places of credentials in a call: those in channel.yaml, or else those of the signature.
func (p *probe) places(in *inbound) []credential {
	out := p.data.Credentials
	if p.signer != nil && len(out) == 0 {
		proof := p.prove(in, time.Now())
		for name := range proof.Header {
			out = append(out, credential{Header: name})
		}
		for name := range proof.Query {
			out = append(out, credential{Query: name})
		}
	}
	return out
}

// value returns the credential of a call without its scheme, "" if there is none.
func (c credential) value(in *inbound) string {
	switch {
	case c.Header != "":
		return strings.TrimPrefix(in.header.Get(c.Header), c.Scheme+" ")
	case c.Query != "":
		request, _ := http.NewRequest(in.method, in.target, nil) // it was parsed when it was loaded
		return request.FormValue(c.Query)
	}
	text, _ := valueAt(in.tree(), c.Body).(string)
	return text
}

// with returns a copy of a call with other values of the credential. No values remove it. A member has only one value.
func (c credential) with(in *inbound, values ...string) *inbound {
	switch {
	case c.Header != "":
		scheme, whole := strings.TrimSuffix(in.header.Get(c.Header), c.value(in)), []string(nil)
		for _, v := range values {
			whole = append(whole, scheme+v)
		}
		return in.withHeader(c.Header, whole...)
	case c.Query != "":
		return in.withQuery(c.Query, values...)
	case len(values) == 0:
		return in.withMember(c.Body, removed)
	}
	return in.withMember(c.Body, values[0])
}

// forge makes calls in which bad values replace the credential.
func (c credential) forge(in *inbound, add forge) {
	place, value := cmp.Or(c.Header, c.Query, c.Body), c.value(in)
	if value == "" {
		add("missing", place+" is listed in channel.yaml, but missing in "+in.String(), in, false)
		return
	}
	put := func(group, what string, values ...string) { add(group, place+" "+what, c.with(in, values...), false) }
	put("missing", "omitted")
	put("empty", "empty", "")
	for i := range value {
		put("altered", fmt.Sprintf("altered at position %d", i), flip(value, i))
	}
	for what, v := range map[string]string{
		"cut at its end": value[:len(value)-1], "cut at its beginning": value[1:], "cut to its first byte": value[:1],
		"made longer": value + "x", "in upper case": strings.ToUpper(value), "in lower case": strings.ToLower(value),
	} {
		if v != value {
			put("altered", what, v)
		}
	}
	if c.Body == "" {
		put("doubled", "twice, wrong and right", flip(value, 0), value)
		put("doubled", "twice, right and right", value, value)
		put("doubled", "twice, right and wrong", value, flip(value, 0))
		return
	}
	for _, v := range []any{nil, true, 0, []any{value}, map[string]any{"value": value}} {
		add("altered", fmt.Sprintf("%s as %T", place, v), in.withMember(c.Body, v), true)
	}
}

// flip replaces the byte at i by another one that is allowed in a header: a digit by a digit, a letter by a hexadecimal
// digit of the same case, so that hexadecimal texts stay valid. In base64, the decoded bytes also differ.
func flip(s string, i int) string {
	half, others := byte(0), "qq" // bytes up to half become the second byte of others, larger bytes the first
	switch c := s[i]; {
	case strings.HasPrefix(s[i+1:], "=="):
		half, others = 'A', "Aw"
	case '0' <= c && c <= '9':
		half, others = '3', "08"
	case 'a' <= c && c <= 'z':
		half, others = 'b', "af"
	case 'A' <= c && c <= 'Z':
		half, others = 'D', "AF"
	}
	if s[i] <= half {
		others = others[1:]
	}
	return s[:i] + others[:1] + s[i+1:]
}

// Differences between a signature's time and the clock: usual, outside every window, and the distance from its border.
const (
	clockSkew    = 10 * time.Second
	longAgo      = 25 * time.Hour
	windowMargin = 15 * time.Second
)

// forgeSignature makes calls with the signature of another call or of another time, and good calls at other times. It
// alters only data that the signature covers, that is, data whose change changes the signature.
func (p *probe) forgeSignature(in *inbound, add forge) {
	const maxBytes = 256
	now := time.Now()
	good, bare := p.prove(in, now), in
	for name := range good.Header {
		bare = bare.withHeader(name)
	}
	add("taken", "a good signature of the present time", good.addTo(in), false)
	add("missing", "the complete signature omitted", new(proof).addTo(bare), false)
	alter := func(what string, call *inbound, loose bool) {
		if !p.prove(call, now).equal(good) {
			add("signature", "a signature of the call before "+what, good.addTo(call), loose)
		}
	}
	alter("a blank was added behind the body", in.withBody(append(bytes.Clone(in.body), ' ')), false)
	alter("a blank was put before the body", in.withBody(append([]byte(" "), in.body...)), false)
	alter("the body was emptied", in.withBody(nil), true)
	alter("a query parameter was added", in.withQuery("conformance", "1"), false)
	alter("the host was replaced", in.with(func(in *inbound) { in.host = "other." + in.host }), false)
	path, query, _ := strings.Cut(in.target, "?")
	alter("the path was made longer", in.with(func(in *inbound) { in.target = path + "x?" + query }), true)
	for name := range bare.header {
		if v := in.header.Get(name); v != "" {
			alter("header "+name+" was altered", in.withHeader(name, flip(v, len(v)-1)), true)
		}
	}
	for i := 0; i < len(in.body); i += max(1, len(in.body)/maxBytes) {
		body := []byte(flip(string(in.body), i))
		alter(fmt.Sprintf("byte %d of the body was altered", i), in.withBody(body), !json.Valid(body))
	}
	offsets := map[time.Duration]string{clockSkew: "taken", longAgo: "time"}
	if w := p.data.Sign.Window; w > 0 {
		offsets[w-windowMargin], offsets[w+windowMargin] = "taken", "time"
	}
	for offset, group := range offsets {
		for _, by := range []time.Duration{offset, -offset} {
			if other := p.prove(in, time.Now().Add(by)); !other.equal(good) { // otherwise signatures have no time
				add(group, "a good signature of a time that differs from the clock by "+by.String(), other.addTo(in), false)
			}
		}
	}
}
