package adaptertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// forgery is an inbound call with credentials that must be refused.
type forgery struct {
	group string // id of the assertion, without the section
	what  string
	call  *inbound
	value string // what is presented; "" if nothing
	// loose allows other refusals than 401, for calls that are malformed before they are forged.
	loose bool
}

// checkCredentials forges a call in every way and expects 401.
func checkCredentials(x *exam) {
	groups := map[string]*Assertion{
		"missing": x.assert("credentials.missing", "without credentials a call is refused with 401"),
		"empty":   x.assert("credentials.empty", "so is one with empty credentials"),
		"altered": x.assert("credentials.altered", "so is one with credentials that are altered in any position, cut or longer"),
		"doubled": x.assert("credentials.doubled", "so is one with two sets of credentials"),
		"shape":   x.assert("credentials.shape", "the refusal has the vendor's form"),
		"silent":  x.assert("credentials.silent", "the refusal repeats nothing of the credentials"),
	}
	in := x.authentic()
	if in == nil || len(x.data.Credentials) == 0 {
		for _, a := range groups {
			if in != nil {
				a.skip("exam.yaml names no credentials: list under credentials where calls carry them (header, query or body)")
			} else {
				a.skip("no call of the exam data is taken")
			}
		}
		return
	}
	in = x.data.Sign.signed(in, time.Now())
	for i, c := range x.data.Credentials {
		list := forgeries(c, in)
		if i == 0 {
			list = append(list, x.data.Sign.forged(in)...)
		}
		for _, f := range list {
			a := groups[f.group]
			got, err := x.receive(f.call)
			if lost(err) {
				if !x.mourn(a, f.what) {
					return
				}
				continue
			}
			if !a.check(err == nil, "%s: %v", f.what, err) {
				continue
			}
			if a.check(!got.accepted(), "%s: the call was taken", f.what) {
				a.check(got.status == 401 || f.loose && got.status >= 400 && got.status < 500,
					"%s: refused with %d, expected 401: return sdk.Unauthorized", f.what, got.status)
				x.checkShape(groups["shape"], f.what, got)
				x.checkSilent(groups["silent"], f, got)
			}
		}
	}
}

// authentic returns the first inbound call that is taken.
func (x *exam) authentic() *inbound {
	if !x.able("receive") {
		return nil
	}
	for _, in := range x.data.in {
		if got, err := x.receive(in); err == nil && got.accepted() {
			return in
		}
	}
	return nil
}

// forgeries returns all forged forms of a call.
func forgeries(c credential, in *inbound) []forgery {
	var place, value string
	var put func(value string) *inbound
	switch {
	case c.Header != "":
		place = "header " + c.Header
		whole := httpHeader(in.header).Get(c.Header)
		value = strings.TrimPrefix(whole, c.Scheme+" ")
		prefix := strings.TrimSuffix(whole, value)
		put = func(v string) *inbound { return in.withHeader(c.Header, prefix+v) }
	case c.Query != "":
		place = "query parameter " + c.Query
		if _, raw, ok := strings.Cut(in.target, "?"); ok {
			q, _ := url.ParseQuery(raw)
			value = q.Get(c.Query)
		}
		put = func(v string) *inbound { return in.withQuery(c.Query, v) }
	default:
		place, value = "member "+c.Body, in.member(c.Body)
		put = func(v string) *inbound { return in.withMember(c.Body, v, true) }
	}
	if value == "" {
		return []forgery{{group: "missing", what: place + ": is not in in/" + in.name + ".http", call: in}}
	}
	out := []forgery{{group: "empty", what: place + " empty", call: put("")}}
	for _, v := range alterations(value) {
		out = append(out, forgery{group: "altered", what: place + " " + v.what, call: put(v.value), value: v.value})
	}
	return append(out, gone(c, in, place, value)...)
}

// gone are the forgeries without credentials, and with two.
func gone(c credential, in *inbound, place, value string) []forgery {
	switch {
	case c.Header != "":
		whole := httpHeader(in.header).Get(c.Header)
		wrong := strings.TrimSuffix(whole, value) + flip(value, 0)
		return []forgery{
			{group: "missing", what: place + " left out", call: in.withHeader(c.Header)},
			{group: "doubled", what: place + " twice, right and right", call: in.withHeader(c.Header, whole, whole), value: value},
			{group: "doubled", what: place + " twice, right and wrong", call: in.withHeader(c.Header, whole, wrong), value: value},
			{group: "doubled", what: place + " twice, wrong and right", call: in.withHeader(c.Header, wrong, whole), value: value},
		}
	case c.Query != "":
		return []forgery{{group: "missing", what: place + " left out", call: in.withQuery(c.Query, "")}}
	}
	out := []forgery{{group: "missing", what: place + " left out", call: in.withMember(c.Body, nil, false)}}
	for _, v := range []any{nil, true, json.Number("0"), []any{value}, map[string]any{"value": value}} {
		out = append(out, forgery{
			group: "altered", what: fmt.Sprintf("%s as %T", place, v), call: in.withMember(c.Body, v, true), loose: true,
		})
	}
	if !strings.Contains(c.Body, ".") {
		name, _ := json.Marshal(c.Body)
		wrong, _ := json.Marshal(flip(value, 0))
		head := append(append(append([]byte("{"), name...), ':'), append(wrong, ',')...)
		out = append(out, forgery{
			group: "doubled", what: place + " twice, wrong and right",
			call: in.with(append(head, bytes.TrimPrefix(bytes.TrimSpace(in.body), []byte("{"))...)), value: value, loose: true,
		})
	}
	return out
}

type alteration struct{ what, value string }

// alterations are values that differ from a credential in one position, in length or in case.
func alterations(value string) []alteration {
	var out []alteration
	for i := range value {
		out = append(out, alteration{fmt.Sprintf("altered at position %d", i), flip(value, i)})
	}
	out = append(out,
		alteration{"cut at its end", value[:len(value)-1]}, alteration{"cut at its beginning", value[1:]},
		alteration{"made longer", value + "x"}, alteration{"doubled", value + value})
	for _, v := range []string{strings.ToUpper(value), strings.ToLower(value)} {
		if v != value {
			out = append(out, alteration{"in another case", v})
		}
	}
	return out
}

// flip replaces the byte at i by another that may stand in a header.
func flip(s string, i int) string {
	b := []byte(s)
	if b[i] == 'q' {
		b[i] = 'p'
	} else {
		b[i] = 'q'
	}
	return string(b)
}

func (x *exam) checkSilent(a *Assertion, f forgery, got *received) {
	said := string(got.body) + got.refused.GetText() + got.refused.GetField()
	for _, v := range append([]string{f.value}, x.secrets()...) {
		if len(v) >= minSecret {
			a.check(!strings.Contains(said, v), "%s: the refusal repeats credentials: %.200s", f.what, said)
		}
	}
}
