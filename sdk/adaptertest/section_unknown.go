package adaptertest

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
		x.sameAs(header, in, plain, in.withHeader("X-Exam-Unknown", "1").withQuery("exam_unknown", "1"),
			"an unknown header field and query parameter")
		for _, path := range x.data.Enums {
			call := in.withMember(path, "EXAM_UNKNOWN", true)
			if call == in {
				continue
			}
			got, err := x.receive(call)
			values.check(err == nil && got.accepted(),
				"in/%s.http with an unknown value of %s: %s: keep what you do not know as unparsed, "+
					"or leave it out", in.name, path, x.answered(got, err))
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
	a.check(same, "in/%s.http with %s: %s; vendors add such things without notice: ignore them", in.name, what,
		x.answered(got, err))
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
