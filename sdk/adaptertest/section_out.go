package adaptertest

import (
	"strings"

	"patchbay/sdk/envelope"
)

// checkOut examines out/*.http.
func checkOut(x *exam) {
	requests := x.assert("out.requests", "the vendor is called as the exam data say")
	golden := x.assert("out.golden", "the outcome is as the golden files say")
	coverage := x.assert("out.coverage", "each declared part and event is delivered in an example")
	length := x.assert("out.text", "it carries as much text as it says")
	if !x.able("deliver") {
		for _, a := range []*Assertion{requests, golden, coverage, length} {
			a.skip("the adapter does not deliver")
		}
		return
	}
	requests.check(x.data.main("deliver") != nil || len(x.capabilities().GetParts()) == 0,
		"there is no delivery in the exam data: write out/NAME.http, see the package's documentation")
	shown := map[string]bool{}
	for _, ex := range x.data.out {
		if ex.action != "deliver" {
			continue // see open, media, listen
		}
		got, ok := x.checkExchange(requests, golden, ex)
		if !ok {
			return
		}
		if got != nil && got.Error == nil {
			x.noteShown(shown, ex)
		}
	}
	x.checkCoverage(coverage, shown)
	x.checkLength(length)
}

// checkExchange plays an exchange strictly and compares its outcome. It returns false if the section can't go on.
func (x *exam) checkExchange(requests, golden *Assertion, ex *exchange) (*outcome, bool) {
	stage := x.vendor.play(newStage(ex, true))
	got, err := x.perform(ex, callTimeout)
	if lost(err) {
		return nil, x.mourn(golden, "out/"+ex.name+".http")
	}
	problems := stage.report()
	for _, p := range problems {
		requests.failf("out/%s.http: %s", ex.name, p)
	}
	requests.check(true, "")
	if !golden.check(err == nil, "out/%s.http: %v", ex.name, err) {
		return nil, true
	}
	d, err := x.compare("out", ex.name, got)
	if golden.check(err == nil, "out/%s.http: %v", ex.name, err) {
		golden.check(d == "", "out/%s.http: %s%s", ex.name, d, because(got))
	}
	return got, true
}

// because is an outcome's error text, to explain a difference.
func because(o *outcome) string {
	if o.Error == nil || o.Error.text == "" {
		return ""
	}
	return " (" + o.Error.text + ")"
}

// noteShown notes which parts and events a delivery has.
func (x *exam) noteShown(shown map[string]bool, ex *exchange) {
	var d delivery
	if x.strictly(ex.call, &d) != nil || d.Envelope == nil {
		return
	}
	if d.Envelope.Kind != envelope.KindMessage {
		shown[string(d.Envelope.Kind)] = true
		return
	}
	for _, p := range d.Envelope.Parts {
		shown[string(p.Type)] = true
	}
}

func (x *exam) checkCoverage(a *Assertion, shown map[string]bool) {
	c := x.capabilities()
	for _, p := range c.GetParts() {
		a.check(shown[p], "part %s is declared, and no out/*.http delivers one: add an example, or declare less", p)
	}
	for _, e := range c.GetEvents() {
		a.check(shown[e], "event %s is declared, and no out/*.http delivers one: add an example, or declare less", e)
	}
	a.skip("nothing is declared")
}

// checkLength delivers a text of exactly the declared length, in characters of several bytes.
func (x *exam) checkLength(a *Assertion) {
	most := int(x.capabilities().GetTextBytes())
	ex := x.data.main("deliver")
	if ex == nil || most == 0 {
		a.skip("no limit is declared")
		return
	}
	text := strings.Repeat("界", most/3) + strings.Repeat("x", most%3)
	call, err := x.deliverCall(ex)
	if !a.check(err == nil, "%v", err) || call.GetSend() == nil {
		return
	}
	call.GetSend().Assigned.Text = text
	x.vendor.play(newStage(ex, false))
	b, err := x.begin(call, callTimeout)
	if !a.check(err == nil, "%v", err) {
		return
	}
	got, err := x.end(b, callTimeout)
	a.check(err == nil && got.Error == nil,
		"a text of %d bytes, as declared, gave %s: declare in text_bytes what one call carries, in bytes "+
			"of UTF-8", most, told(got, err))
}
