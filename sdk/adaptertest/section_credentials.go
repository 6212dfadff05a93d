package adaptertest

import (
	"strings"
	"time"
)

// checkCredentials makes a call with good credentials, and forges it in every way.
func checkCredentials(x *exam) {
	groups := map[string]*Assertion{
		"taken":     x.assert("credentials.taken", "a call with good credentials is taken, and one by a clock that is a little wrong"),
		"missing":   x.assert("credentials.missing", "a call without credentials is refused with 401"),
		"empty":     x.assert("credentials.empty", "a call with empty credentials is refused with 401"),
		"altered":   x.assert("credentials.altered", "a call with credentials altered in any position, cut or made longer is refused with 401"),
		"doubled":   x.assert("credentials.doubled", "a call with two sets of credentials is refused with 401"),
		"signature": x.assert("credentials.signature", "a call with the signature of another, by one byte, is refused with 401"),
		"time":      x.assert("credentials.time", "a call with a signature of another time is refused with 401"),
		"shape":     x.assert("credentials.shape", "the refusal has the vendor's form"),
		"silent":    x.assert("credentials.silent", "the refusal repeats nothing of the credentials"),
	}
	if len(x.data.in) == 0 || !x.able("receive") {
		x.skipAll("the channel receives no calls")
		return
	}
	in := x.authentic()
	groups["taken"].check(in != nil, "no in/*.http is taken: %s", x.firstRefusal())
	if in == nil {
		x.skipAll("no call of the exam data is taken")
		return
	}
	list, err := x.allForgeries(in)
	if err != nil {
		return // the exam ends
	}
	if len(list) == 0 {
		x.checkListed(groups["missing"])
		x.skipAll("exam.yaml names no credentials: list under credentials where calls carry them (header, query or body), or say under " +
			"sign how they are signed")
		return
	}
	for _, f := range list {
		if !x.checkForgery(groups, f) {
			return
		}
	}
	groups["signature"].skip("calls are not signed; if the vendor's are, say how under sign in exam.yaml")
	groups["time"].skip("calls are not signed with a time")
	x.skipAll("the exam data do not have it")
}

// skipAll says why the assertions of the section do not apply, of those that were not checked.
func (x *exam) skipAll(why string) {
	for _, a := range x.section.Assertions {
		a.skip("%s", why)
	}
}

// allForgeries are the calls to make for an example: good ones by other clocks, and bad ones. Where exam.yaml lists no
// credentials they are what signs the call.
func (x *exam) allForgeries(in *inbound) ([]forgery, error) {
	genuine, err := x.signed(in)
	if err != nil {
		return nil, err
	}
	places := x.data.Credentials
	var out []forgery
	if x.signer != nil {
		p, err := x.prove(in, time.Now())
		if err != nil {
			return nil, err
		}
		if len(places) == 0 {
			places = p.credentials()
		}
		good, err := x.timely(in)
		if err != nil {
			return nil, err
		}
		bad, err := x.signedForgeries(in)
		if err != nil {
			return nil, err
		}
		out = append(good, bad...)
	}
	for _, c := range places {
		out = append(out, forgeries(c, genuine)...)
	}
	return out, nil
}

// checkForgery makes one call. It returns false if the section can't go on.
func (x *exam) checkForgery(groups map[string]*Assertion, f forgery) bool {
	a := groups[f.group]
	got, err := x.receive(f.call)
	if lost(err) {
		return x.mourn(a, f.what)
	}
	if !a.check(err == nil, "%s: %v", f.what, err) {
		return true
	}
	if f.group == "taken" {
		a.check(got.accepted(), "%s: %s: allow for clocks that differ, and for as much as the vendor's window says", f.what, x.answered(got, err))
		return true
	}
	if !a.check(!got.accepted(), "%s: the call was taken: %s", f.what, remedies[f.group]) {
		return true
	}
	a.check(got.status == 401 || f.loose && got.status >= 400 && got.status < 500,
		"%s: refused with %d, expected 401: check credentials before anything else, and answer with an error of kind unauthorized "+
			"(Go: sdk.Unauthorized)", f.what, got.status)
	x.checkShape(groups["shape"], f.what, got)
	x.checkSilent(groups["silent"], f, got)
	return true
}

// remedies say what to do about a forgery that was taken.
var remedies = map[string]string{
	"missing":   "answer with an error of kind unauthorized (Go: sdk.Unauthorized) unless all that the vendor sends is there",
	"empty":     "answer with an error of kind unauthorized (Go: sdk.Unauthorized); an empty value is never right",
	"altered":   "compare all of it as text and in constant time, and answer with an error of kind unauthorized (Go: sdk.Unauthorized)",
	"doubled":   "answer with an error of kind unauthorized (Go: sdk.Unauthorized) unless the credentials are there exactly once",
	"signature": "compute the signature over the bytes as they came, not as they were parsed, and over all that the vendor signs",
	"time":      "compare the signed time with the clock, and refuse what is older or newer than the vendor's window",
}

// firstRefusal says what became of the first example.
func (x *exam) firstRefusal() string {
	in := x.data.in[0]
	got, err := x.receive(in)
	return "in/" + in.name + ".http is " + x.answered(got, err) + "; correct the credentials in it or in exam.yaml, or what the adapter checks"
}

// checkListed fails if calls carry what is secret and exam.yaml does not say where.
func (x *exam) checkListed(a *Assertion) {
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
