package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

var credentialsChecks = map[string]func(*probe){
	"credentials.taken": func(p *probe) {
		taken := slices.ContainsFunc(p.data.in, func(in *inbound) bool { return p.receive(in).accepted() })
		p.expect(taken, "no in/*.http is taken; the first is %s", p.receive(p.data.in[0]))
		p.forged("taken")
	},
	"credentials.missing": func(p *probe) {
		for _, in := range p.data.in {
			text := fmt.Sprint(in.target, in.header, string(in.body))
			for _, secret := range p.subject.secrets() {
				carries := len(secret) >= minSecret && strings.Contains(text, secret)
				p.expect(!carries || len(p.data.Credentials) > 0 || p.signer != nil,
					"in/%s.http carries a secret of the settings, and channel.yaml does not say where", in.name)
			}
		}
		p.forged("missing")
	},
	"credentials.shape": func(p *probe) {
		for _, f := range p.forgeries() {
			if got := p.receive(f.call, f.what); got.refused != nil {
				p.expectForm(f.what, got)
			}
		}
	},
	"credentials.silent": func(p *probe) {
		for _, f := range p.forgeries() {
			got := p.receive(f.call, f.what)
			said := string(got.body) + got.refused.GetText() + got.refused.GetField()
			for _, v := range append([]string{f.value}, p.subject.secrets()...) {
				p.expect(len(v) < minSecret || !strings.Contains(said, v), "%s: it repeats credentials: %.200s", f.what, said)
			}
		}
	},
}

// forgery is an inbound call for the check of credentials that group names.
type forgery struct {
	group string
	what  string
	call  *inbound
	value string // of the presented credential, if any
	loose bool   // other refusals than 401 are right, too: the call is also malformed
}

func (p *probe) forged(group string) {
	for _, f := range p.forgeries() {
		if f.group != group {
			continue
		}
		got := p.receive(f.call, f.what)
		if group == "taken" {
			p.expect(got.accepted(), "%s: %s", f.what, got)
		} else {
			p.expect(got.Status == 401 || f.loose && got.Status >= 400 && got.Status < 500, "%s: %s, expected 401", f.what, got)
		}
	}
	p.skip("the test data have no such call; list credentials in channel.yaml, or the program that signs under sign")
}

// forgeries are calls with good credentials by other clocks, and with bad ones. Where channel.yaml lists no
// credentials, they are the places of the signature.
func (p *probe) forgeries() []forgery {
	in := p.authentic()
	return once(p, "forgeries", func() (out []forgery) {
		places := p.data.Credentials
		if p.signer != nil {
			out = p.signedForgeries(in)
		}
		if p.signer != nil && len(places) == 0 {
			good := p.prove(in, time.Now())
			for name := range good.Header {
				places = append(places, credential{Header: name})
			}
			for name := range good.Query {
				places = append(places, credential{Query: name})
			}
		}
		for _, c := range places {
			out = append(out, c.forgeries(p.sign(in))...)
		}
		return out
	})
}

func (c credential) forgeries(in *inbound) (out []forgery) {
	var place, value string
	var put func(value string) *inbound
	whole := in.header.Get(c.Header)
	switch {
	case c.Header != "":
		place, value = "header "+c.Header, strings.TrimPrefix(whole, c.Scheme+" ")
		put = func(v string) *inbound { return in.withHeader(c.Header, strings.TrimSuffix(whole, value)+v) }
	case c.Query != "":
		request, _ := http.NewRequest(in.method, in.target, nil) // it was parsed when it was loaded
		place, value = "query parameter "+c.Query, request.FormValue(c.Query)
		put = func(v string) *inbound { return in.withQuery(c.Query, v) }
	default:
		place = "member " + c.Body
		value, _ = valueAt(in.tree(), c.Body).(string)
		put = func(v string) *inbound { return in.withMember(c.Body, v, true) }
	}
	add := func(group, what, value string, call *inbound, loose bool) {
		out = append(out, forgery{group, place + " " + what, call, value, loose})
	}
	if value == "" {
		add("missing", "is listed in channel.yaml, and not in in/"+in.name+".http", "", in, false)
		return out
	}
	add("empty", "empty", "", put(""), false)
	for i := range value {
		add("altered", fmt.Sprintf("altered at position %d", i), flip(value, i), put(flip(value, i)), false)
	}
	for what, v := range map[string]string{
		"cut at its end": value[:len(value)-1], "cut at its beginning": value[1:], "cut to its first byte": value[:1],
		"cut in its middle": value[:len(value)/2], "made longer": value + "x", "doubled": value + value,
		"in upper case": strings.ToUpper(value), "in lower case": strings.ToLower(value),
		"with a word reversed": reversedWord(value),
	} {
		if v != value {
			add("altered", what, v, put(v), false)
		}
	}
	switch wrong := strings.TrimSuffix(whole, value) + flip(value, 0); {
	case c.Header != "":
		add("missing", "left out", "", in.withHeader(c.Header), false)
		add("doubled", "twice, right and right", value, in.withHeader(c.Header, whole, whole), false)
		add("doubled", "twice, right and wrong", value, in.withHeader(c.Header, whole, wrong), false)
		add("doubled", "twice, wrong and right", value, in.withHeader(c.Header, wrong, whole), false)
	case c.Query != "":
		add("missing", "left out", "", in.withQuery(c.Query, ""), false)
	default:
		add("missing", "left out", "", in.withMember(c.Body, nil, false), false)
		for _, v := range []any{nil, true, 0, []any{value}, map[string]any{"value": value}} {
			add("altered", fmt.Sprintf("as %T", v), "", in.withMember(c.Body, v, true), true)
		}
		if !strings.Contains(c.Body, ".") {
			head := fmt.Appendf(nil, "{%s:%s,", shown(c.Body), shown(wrong))
			body := append(head, bytes.TrimPrefix(bytes.TrimSpace(in.body), []byte("{"))...)
			add("doubled", "twice, wrong and right", value, in.withBody(body), true)
		}
	}
	return out
}

// flip replaces the byte at i by another that may stand in a header: a digit by a digit, and a letter by one of the
// same case that is a hexadecimal digit, so that the form stays good. In base64 the other one differs in bits that
// count.
func flip(s string, i int) string {
	var half byte // up to it, the byte becomes the second of others, else the first
	others := "qq"
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

// reversedWord reverses the longest run of letters and digits, which keeps the form of a signature.
func reversedWord(s string) string {
	words := strings.FieldsFunc(s, func(r rune) bool { return !('0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z') })
	word := slices.MaxFunc(append(words, ""), func(a, b string) int { return len(a) - len(b) })
	b := []byte(word)
	slices.Reverse(b)
	return strings.Replace(s, word, string(b), 1)
}

// Times of signatures that are tried: the difference of honest clocks, far outside of any window, and to both sides of
// a window's border.
const (
	clockSkew    = 10 * time.Second
	longAgo      = 25 * time.Hour
	windowMargin = 15 * time.Second
)

// signedForgeries are calls with the signature of another call or of another time, and good calls by other clocks. Only
// what the signature covers is altered: what changes the answer of the signer.
func (p *probe) signedForgeries(in *inbound) (out []forgery) {
	now := time.Now()
	add := func(group, what string, call *inbound, loose bool) {
		out = append(out, forgery{group: group, what: what, call: call.asSigned(), loose: loose})
	}
	good := p.prove(in, now)
	add("taken", "a good signature of now", good.of(in), false)
	bare := in
	for name := range good.Header {
		bare = bare.withHeader(name)
	}
	add("missing", "all of the signature left out", bare, false)
	alteredCalls(in, bare.header, func(what string, call *inbound, loose bool) {
		if !p.prove(call, now).equal(good) {
			add("signature", "a signature of the call before "+what, good.of(call), loose)
		}
	})
	offsets := map[time.Duration]string{clockSkew: "taken", longAgo: "time"}
	if w := p.data.Sign.Window; w > 0 {
		offsets[w-windowMargin], offsets[w+windowMargin] = "taken", "time"
	}
	for by, group := range offsets {
		for _, by := range []time.Duration{by, -by} {
			what, other := "a good signature of a clock that differs by "+by.String(), p.prove(in, now.Add(by))
			if other.equal(good) {
				return out // signatures have no time
			}
			add(group, what, other.of(in), false)
			for name := range good.Header {
				if group == "time" && other.Header[name] != good.Header[name] && len(good.Header)+len(good.Query) > 1 {
					add("time", what+" with the "+name+" of now", other.of(in).withHeader(name, good.Header[name]), false)
				}
			}
		}
	}
	return out
}

// alteredCalls adds calls that differ in one place, but not in the fields of a signature, which header lacks.
func alteredCalls(in *inbound, header http.Header, add func(what string, call *inbound, loose bool)) {
	const maxMembers, maxBytes = 24, 32
	add("a blank was added behind the body", in.withBody(append(bytes.Clone(in.body), ' ')), false)
	add("a blank was put before the body", in.withBody(append([]byte(" "), in.body...)), false)
	add("the body was emptied", in.withBody(nil), true)
	add("a query parameter was added", in.withQuery("conformance", "1"), false)
	path, host := in.withBody(in.body), in.withBody(in.body)
	before, query, _ := strings.Cut(in.target, "?")
	path.target = strings.TrimSuffix(before+"x?"+query, "?")
	host.host = "other." + in.host
	add("the path was made longer", path, true)
	add("the host was replaced", host, false)
	for name := range header {
		if v := in.header.Get(name); v != "" {
			add("header "+name+" was altered", in.withHeader(name, flip(v, len(v)-1)), true)
		}
	}
	n := 0
	members("", in.tree(), func(path string, v any) {
		var other any
		if t, ok := v.(string); ok && t != "" {
			other = flip(t, 0)
		} else if number, ok := v.(json.Number); ok {
			other = json.Number("1" + strings.TrimPrefix(number.String(), "-"))
		}
		if n++; other != nil && n <= maxMembers {
			add(path+" was altered", in.withMember(path, other, true), false)
		}
	})
	for i := 0; i < len(in.body); i += max(1, len(in.body)/maxBytes) {
		body := []byte(flip(string(in.body), i))
		add(fmt.Sprintf("byte %d of the body was altered", i), in.withBody(body), !json.Valid(body))
	}
}
