package adaptertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"patchbay/sdk/envelope"
)

// hostile is a broken body. Cut means that it is the beginning of a good one.
type hostile struct {
	what string
	body []byte
	cut  bool
}

// Limits of what one golden body is turned into.
const (
	maxPrefixes = 96
	maxMembers  = 80
	randomCalls = 64
)

// checkHostile sends broken bodies with good credentials.
func checkHostile(x *exam) {
	survives := x.assert("hostile.survives", "no body ends the process or hangs")
	status := x.assert("hostile.status", "no body is answered with 5xx")
	valid := x.assert("hostile.valid", "no body gives an envelope that is invalid")
	cut := x.assert("hostile.truncated", "the beginning of a message is not taken for the message")
	all := []*Assertion{survives, status, valid, cut}
	if len(x.data.in) == 0 || !x.able("receive") {
		for _, a := range all {
			a.skip("the channel receives no calls")
		}
		return
	}
	for i, in := range x.data.in {
		rnd := rand.New(rand.NewPCG(uint64(i), 1)) // the same in each exam
		for _, h := range hostileBodies(in, rnd) {
			what := fmt.Sprintf("in/%s.http with %s", in.name, h.what)
			got, err := x.receive(in.with(h.body))
			if lost(err) {
				if !x.mourn(survives, what) {
					return
				}
				continue
			}
			if err == errHangs {
				survives.failf("%s: %v", what, err)
				return
			}
			survives.check(true, "")
			if !valid.check(err == nil, "%s: %v", what, err) {
				continue
			}
			status.check(got.status < 500, "%s: answered with %d (%s): refuse what can't be read with kind invalid", what, got.status,
				got.refused.GetText())
			if h.cut {
				cut.check(!meant(got), "%s: a message was taken", what)
			}
		}
	}
	cut.skip("no body of the exam data is JSON")
}

// meant reports whether a call gave an envelope that was understood.
func meant(r *received) bool {
	for _, e := range r.envelopes {
		if e.Kind != envelope.KindUnparsed {
			return true
		}
	}
	return false
}

// hostileBodies breaks a good body in every way.
func hostileBodies(in *inbound, rnd *rand.Rand) []hostile {
	body := bytes.TrimSpace(in.body)
	_, isJSON := in.bodyTree()
	var out []hostile
	step := max(1, len(body)/maxPrefixes)
	for n := 0; n < len(body); n += step {
		out = append(out, hostile{fmt.Sprintf("its first %d bytes", n), body[:n], isJSON})
	}
	for range randomCalls {
		b := make([]byte, rnd.IntN(512))
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		out = append(out, hostile{"random bytes", b, false})
	}
	for range randomCalls {
		b := bytes.Clone(body)
		for range 1 + rnd.IntN(4) {
			if len(b) > 0 {
				b[rnd.IntN(len(b))] = byte(rnd.Uint32())
			}
		}
		out = append(out, hostile{"some bytes replaced", b, false})
	}
	for _, s := range []string{
		"null", "true", "0", `""`, "[]", "{}", "[[]]", "[null]", "\x00", "\xef\xbb\xbf{}", `{"":""}`, "{} {}", "-", "1e999999",
	} {
		out = append(out, hostile{fmt.Sprintf("the body %q", s), []byte(s), false})
	}
	for _, deep := range []string{"[", `{"a":`} {
		out = append(out, hostile{"deep nesting", []byte(strings.Repeat(deep, 20_000)), false})
	}
	if isJSON {
		out = append(out, brokenMembers(in)...)
	}
	return out
}

// wrongValues take the place of each member of a body.
var wrongValues = []any{
	nil, true, json.Number("-1"), json.Number("0"), json.Number("1e400"), json.Number("9223372036854775808"),
	json.Number("0.00000000000000000001"), "", " ", "\x00", strings.Repeat("x", 70<<10), []any{}, []any{nil}, []any{[]any{}},
	map[string]any{}, map[string]any{"": nil}, "../../etc/passwd", "1/2/3/4/5", "\u202e\ufeff",
}

func brokenMembers(in *inbound) []hostile {
	tree, _ := in.bodyTree()
	var out []hostile
	n := 0
	members("", tree, func(path string, _ any) {
		if n++; n > maxMembers {
			return
		}
		for _, w := range wrongValues {
			out = append(out, hostile{fmt.Sprintf("%s as %.20s", path, shown(w)), in.withMember(path, w, true).body, false})
		}
		deep := in.withMember(path, "EXAM_PLACE", true).body
		for what, text := range map[string]string{
			"nested deeply":      strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
			"as invalid UTF-8":   "\"\xff\xfe\xc0\xaf\"",
			"with a lone escape": `"\ud800"`,
			"with a raw NUL":     "\"\x00\"",
		} {
			out = append(out, hostile{path + " " + what, bytes.Replace(deep, []byte(`"EXAM_PLACE"`), []byte(text), 1), false})
		}
	})
	return append(out, doubledMembers(in)...)
}

// doubledMembers repeats each member of the outermost object with another value.
func doubledMembers(in *inbound) []hostile {
	tree, _ := in.bodyTree()
	object, ok := tree.(map[string]any)
	if !ok {
		return nil
	}
	var out []hostile
	for name := range object {
		key, err := json.Marshal(name)
		if err != nil {
			continue
		}
		for _, v := range []string{"null", `"other"`, "[]"} {
			head := "{" + string(key) + ":" + v + ","
			b := append([]byte(head), bytes.TrimPrefix(bytes.TrimSpace(in.body), []byte("{"))...)
			out = append(out, hostile{fmt.Sprintf("member %s twice", name), b, false})
		}
	}
	return out
}
