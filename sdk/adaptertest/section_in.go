package adaptertest

import (
	"errors"
	"mime"
	"slices"
)

// lost reports whether a call ended the process, or broke its stream.
func lost(err error) bool { return errors.Is(err, errDied) }

// checkIn examines in/*.http.
func checkIn(x *exam) {
	reach := x.assert("in.reachable", "the vendor's calls fit a path of the channel")
	golden := x.assert("in.golden", "envelopes and answer are as the golden files say")
	if len(x.data.in) == 0 || !x.able("receive") {
		x.lacksIn(reach)
		x.lacksIn(golden)
		return
	}
	for _, in := range x.data.in {
		x.checkReachable(reach, in)
		got, err := x.receive(in)
		if lost(err) {
			if !x.mourn(golden, "in/"+in.name+".http") {
				return
			}
			continue
		}
		if !golden.check(err == nil, "in/%s.http: %v", in.name, err) {
			continue
		}
		d, err := x.compare("in", in.name, got.golden())
		if golden.check(err == nil, "in/%s.http: %v", in.name, err) {
			golden.check(d == "", "in/%s.http: %s", in.name, d)
		}
	}
}

// lacksIn fails an assertion that needs inbound data of an adapter that receives, and else says that it does not apply.
func (x *exam) lacksIn(a *Assertion) {
	if x.able("receive") && len(x.endpoint.GetPaths()) > 0 {
		a.failf("there are no calls of the vendor in the exam data: write in/NAME.http, a raw HTTP request as the vendor sends it")
		return
	}
	a.skip("the channel receives no calls")
}

func (x *exam) checkReachable(a *Assertion, in *inbound) {
	p := x.pathOf(in)
	if !a.check(p != nil, "in/%s.http: %s is on no path of the channel", in.name, in.target) {
		return
	}
	a.check(slices.Contains(p.GetMethods(), in.method), "in/%s.http: path %s does not take %s", in.name, p.GetPattern(),
		in.method)
	kind, _, err := mime.ParseMediaType(httpHeader(in.header).Get("Content-Type"))
	a.check(len(p.GetContentTypes()) == 0 || err == nil && slices.Contains(p.GetContentTypes(), kind),
		"in/%s.http: path %s takes %v, not %q", in.name, p.GetPattern(), p.GetContentTypes(), kind)
	most := p.GetMaxBody()
	if most == 0 {
		most = 1 << 20
	}
	a.check(int64(len(in.body)) <= most, "in/%s.http: %d bytes, path %s takes %d", in.name, len(in.body), p.GetPattern(), most)
}
