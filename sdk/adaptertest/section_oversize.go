package adaptertest

import (
	"bytes"
	"fmt"
	"net/http"
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
		padded.check(err == nil && got.accepted(), "in/%s.http with blanks up to the %d bytes that the path takes: %s",
			in.name, most,
			x.answered(got, err))
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
		member.check(err == nil && got.status < 500, "%s: %s", what, x.answered(got, err))
	})
}

// answered is what came of an inbound call, for a finding.
func (x *exam) answered(r *received, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case r.refused != nil:
		text := fmt.Sprintf("refused with %d: %s", r.status, strings.TrimSpace(r.refused.GetField()+" "+r.refused.GetText()))
		if r.status == http.StatusUnauthorized && x.signer == nil {
			text += " (if the vendor signs what it sends, say how under sign in exam.yaml)"
		}
		return text
	}
	return fmt.Sprintf("answered with %d, %d envelopes", r.status, len(r.envelopes))
}
