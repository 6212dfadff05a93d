package adaptertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
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
		return []forgery{{group: "missing", what: place + ", which exam.yaml lists and in/" + in.name + ".http does not have", call: in}}
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
		alteration{"cut to its first byte", value[:1]}, alteration{"cut in its middle", value[:len(value)/2]},
		alteration{"made longer", value + "x"}, alteration{"doubled", value + value})
	for _, a := range []alteration{
		{"in another case", strings.ToUpper(value)}, {"in another case", strings.ToLower(value)}, {"with a word reversed", reversedWord(value)},
	} {
		if a.value != value {
			out = append(out, a)
		}
	}
	return out
}

// flip replaces the byte at i by another that may stand in a header: a digit by a digit, and a letter by one of the same case
// that is a hexadecimal digit, so that the form stays good. In base64 the other one differs in bits that count.
func flip(s string, i int) string {
	b := []byte(s)
	pick := func(c, low, high byte) { // one of two, by which half b[i] is in
		if b[i] <= c {
			b[i] = high
		} else {
			b[i] = low
		}
	}
	switch c := b[i]; {
	case strings.HasPrefix(s[i+1:], "==") && c != 'A':
		b[i] = 'A'
	case strings.HasPrefix(s[i+1:], "=="):
		b[i] = 'w'
	case '0' <= c && c <= '9':
		pick('3', '0', '8')
	case 'a' <= c && c <= 'z':
		pick('b', 'a', 'f')
	case 'A' <= c && c <= 'Z':
		pick('D', 'A', 'F')
	default:
		b[i] = 'q'
	}
	return string(b)
}

// reversedWord reverses the longest run of letters and digits, which of a signature leaves the form.
func reversedWord(s string) string {
	word := ""
	for _, w := range strings.FieldsFunc(s, func(r rune) bool { return !('0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z') }) {
		if len(w) > len(word) {
			word = w
		}
	}
	b := []byte(word)
	slices.Reverse(b)
	return strings.Replace(s, word, string(b), 1)
}
