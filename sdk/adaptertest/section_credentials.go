package adaptertest

import (
	"strings"
	"time"
)

// checkCredentials forges a call in every way and expects 401.
func checkCredentials(x *exam) {
	groups := map[string]*Assertion{
		"missing": x.assert("credentials.missing", "a call without credentials is refused with 401"),
		"empty":   x.assert("credentials.empty", "a call with empty credentials is refused with 401"),
		"altered": x.assert("credentials.altered", "a call with credentials altered in any position, cut or made longer is refused with 401"),
		"doubled": x.assert("credentials.doubled", "a call with two sets of credentials is refused with 401"),
		"shape":   x.assert("credentials.shape", "the refusal has the vendor's form"),
		"silent":  x.assert("credentials.silent", "the refusal repeats nothing of the credentials"),
	}
	in := x.authentic()
	if in == nil || len(x.data.Credentials) == 0 {
		x.checkListed(groups["missing"])
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
			if a.check(!got.accepted(), "%s: the call was taken: return sdk.Unauthorized", f.what) {
				a.check(got.status == 401 || f.loose && got.status >= 400 && got.status < 500,
					"%s: refused with %d, expected 401: return sdk.Unauthorized", f.what, got.status)
				x.checkShape(groups["shape"], f.what, got)
				x.checkSilent(groups["silent"], f, got)
			}
		}
	}
}

// checkListed fails if calls carry what is secret and exam.yaml does not say where.
func (x *exam) checkListed(a *Assertion) {
	if x.data.Sign != nil {
		a.failf("calls are signed, and exam.yaml does not list the signature's header under credentials")
	}
	for _, in := range x.data.in {
		text := in.target + " " + string(in.body)
		for _, f := range in.header {
			text += " " + f.value
		}
		for _, secret := range x.secrets() {
			if len(secret) >= minSecret && strings.Contains(text, secret) {
				a.failf("in/%s.http carries a secret of the settings, and exam.yaml does not say where: list it under credentials", in.name)
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

func (x *exam) checkSilent(a *Assertion, f forgery, got *received) {
	said := string(got.body) + got.refused.GetText() + got.refused.GetField()
	for _, v := range append([]string{f.value}, x.secrets()...) {
		if len(v) >= minSecret {
			a.check(!strings.Contains(said, v), "%s: the refusal repeats credentials: %.200s", f.what, said)
		}
	}
}
