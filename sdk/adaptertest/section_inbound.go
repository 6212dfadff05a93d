package adaptertest

import (
	"bytes"
	"fmt"
	"strings"
)

// checkOversize sends bodies as large as the path takes.
func checkOversize(x *exam) {
	padded := x.assert("oversize.padded", "a good body filled with blanks up to the limit is taken")
	member := x.assert("oversize.member", "a member as long as the limit is taken or refused, and nothing worse")
	in := x.authentic()
	if in == nil {
		padded.skip("no call of the exam data is taken")
		member.skip("no call of the exam data is taken")
		return
	}
	most := 1 << 20
	if p := x.pathOf(in); p.GetMaxBody() > 0 {
		most = int(p.GetMaxBody())
	}
	tree, isJSON := in.bodyTree()
	if !isJSON {
		padded.skip("in/%s.http is not JSON", in.name)
		member.skip("in/%s.http is not JSON", in.name)
		return
	}
	if n := most - len(in.body); n > 0 {
		got, err := x.receive(in.with(append(bytes.Clone(in.body), bytes.Repeat([]byte(" "), n)...)))
		padded.check(err == nil && got.accepted(), "in/%s.http with blanks up to the %d bytes that the path takes: %s", in.name, most,
			answered(got, err))
		if lost(err) && x.revive() != nil {
			return
		}
	}
	members("", tree, func(path string, v any) {
		if _, ok := v.(string); !ok || x.deaths >= maxDeaths {
			return
		}
		n := most - len(in.withMember(path, "", true).body)
		call := in.withMember(path, strings.Repeat("y", max(n, 0)), true)
		got, err := x.receive(call)
		what := fmt.Sprintf("in/%s.http with %s of %d bytes", in.name, path, n)
		if lost(err) {
			x.mourn(member, what)
			return
		}
		member.check(err == nil && got.status < 500, "%s: %s", what, answered(got, err))
	})
}

// answered is what came of an inbound call, for a finding.
func answered(r *received, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case r.refused != nil:
		return fmt.Sprintf("refused with %d: %s %s", r.status, r.refused.GetField(), r.refused.GetText())
	}
	return fmt.Sprintf("answered with %d, %d envelopes", r.status, len(r.envelopes))
}

// checkUnknown sends good calls with something more in them.
func checkUnknown(x *exam) {
	fields := x.assert("unknown.members", "unknown members of a body change nothing")
	values := x.assert("unknown.values", "unknown values of lists that may grow are not refused")
	header := x.assert("unknown.header", "unknown header fields and query parameters change nothing")
	tried := false
	for _, in := range x.data.in {
		plain, err := x.receive(in)
		if err != nil || !plain.accepted() {
			continue
		}
		tried = true
		x.sameAs(fields, in, plain, x.withStrangers(in), "unknown members in each object")
		x.sameAs(header, in, plain, in.withHeader("X-Exam-Unknown", "1").withQuery("exam_unknown", "1"), "an unknown header field and query parameter")
		for _, path := range x.data.Enums {
			call := in.withMember(path, "EXAM_UNKNOWN", true)
			if call == in {
				continue
			}
			got, err := x.receive(call)
			values.check(err == nil && got.accepted(), "in/%s.http with an unknown value of %s: %s: keep what you do not know as unparsed, "+
				"or leave it out", in.name, path, answered(got, err))
			if lost(err) && x.revive() != nil {
				return
			}
		}
	}
	for _, a := range []*Assertion{fields, header} {
		if !tried {
			a.skip("no call of the exam data is taken")
		}
		a.skip("no body of the exam data is JSON")
	}
	values.skip("exam.yaml names no member under enums")
}

// sameAs checks that a changed call gives as many envelopes of the same kinds as the plain one.
func (x *exam) sameAs(a *Assertion, in *inbound, plain *received, changed *inbound, what string) {
	if changed == nil {
		return
	}
	got, err := x.receive(changed)
	if lost(err) {
		x.mourn(a, "in/"+in.name+".http with "+what)
		return
	}
	same := err == nil && got.accepted() && len(got.envelopes) == len(plain.envelopes)
	for i := 0; same && i < len(plain.envelopes); i++ {
		same = got.envelopes[i].Kind == plain.envelopes[i].Kind && got.envelopes[i].Text() == plain.envelopes[i].Text()
	}
	a.check(same, "in/%s.http with %s: %s; vendors add such things without notice: ignore them", in.name, what, answered(got, err))
}

// withStrangers adds an unknown member to each object of a body; nil if it is not JSON.
func (x *exam) withStrangers(in *inbound) *inbound {
	tree, ok := in.bodyTree()
	if !ok {
		return nil
	}
	var add func(v any) any
	add = func(v any) any {
		switch t := v.(type) {
		case map[string]any:
			out := map[string]any{"xExamUnknown": map[string]any{"a": []any{true, nil, "x"}}}
			for k, inner := range t {
				out[k] = add(inner)
			}
			return out
		case []any:
			out := make([]any, len(t))
			for i, inner := range t {
				out[i] = add(inner)
			}
			return out
		}
		return v
	}
	return in.withTree(add(tree))
}
