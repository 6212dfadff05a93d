package adaptertest

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// fault is what the vendor does to the request that has the effect, and what the adapter must make of it.
type fault struct {
	group string // id of the assertion, without the section
	what  string
	do    disturbance
	kinds []string // of the error; "" is success
	open  []string // further kinds where the call only opens a conversation, which may be repeated
	after string   // that the error must carry
	limit time.Duration
	todo  string
}

const page = "<html><body>exam</body></html>"

var faults = []fault{
	{group: "throttled", what: "429 with Retry-After: 7", do: answers(429, "{}", "Retry-After", "7", "Content-Type",
		"application/json"),
		kinds: []string{"throttled"}, after: "7s", todo: "answer with that kind, and Retry-After in after (Go: sdk.FromStatus)"},
	{group: "throttled", what: "429 alone", do: answers(429, ""), kinds: []string{"throttled"},
		todo: "the vendor takes it later (Go: sdk.FromStatus)"},
	{group: "server", what: "500", do: answers(500, page, "Content-Type", "text/html"), kinds: []string{"transient"},
		todo: "5xx is never permanent (Go: sdk.FromStatus)"},
	{group: "server", what: "503 with Retry-After: 9", do: answers(503, page, "Retry-After", "9", "Content-Type", "text/html"),
		kinds: []string{"transient"}, after: "9s", todo: "answer with that kind, and Retry-After in after (Go: sdk.FromStatus)"},
	{group: "server", what: "502", do: answers(502, page, "Content-Type", "text/html"), kinds: []string{"transient", "unknown"},
		todo: "5xx is never permanent (Go: sdk.FromStatus)"},
	{group: "server", what: "504", do: answers(504, ""), kinds: []string{"transient", "unknown"},
		todo: "5xx is never permanent (Go: sdk.FromStatus)"},
	{group: "timeout", what: "no answer in time", do: silence, limit: shortTimeout, kinds: []string{"unknown"},
		open: []string{"transient"},
		todo: "the vendor may have acted (Go: sdk.FromTransport)"},
	{group: "reset", what: "a connection that is reset after the request", do: resets, kinds: []string{"unknown"},
		open: []string{"transient"},
		todo: "the vendor may have acted (Go: sdk.FromTransport)"},
	{group: "unauthorized", what: "401", do: answers(401, "{}"), kinds: []string{"unauthorized"},
		todo: "the operator must mend the credentials (Go: sdk.FromStatus)"},
	{group: "unauthorized", what: "403", do: answers(403, "{}"), kinds: []string{"unauthorized"},
		todo: "the operator must mend the credentials (Go: sdk.FromStatus)"},
	{group: "refusal", what: "400", do: answers(400, "{}"), kinds: final, todo: "what is refused must not be repeated (Go: sdk.FromStatus)"},
	{group: "refusal", what: "404", do: answers(404, page), kinds: final, todo: "what is refused must not be repeated (Go: sdk.FromStatus)"},
	{group: "refusal", what: "422", do: answers(422, "{}"), kinds: final, todo: "what is refused must not be repeated (Go: sdk.FromStatus)"},
	{group: "refusal", what: "a redirect", do: answers(302, "", "Location", "/elsewhere"), kinds: final,
		todo: "do not follow redirects, which could lead anywhere (Go: Host.HTTP does not)"},
}

// final are the kinds that are not repeated as they are.
var final = []string{"invalid", "unsupported", "permanent", "declined", "gone", "unauthorized"}

// faultTitles are the assertions of the section.
var faultTitles = [][2]string{
	{"throttled", "429 is throttled, and waits as long as the vendor says"},
	{"server", "5xx is transient"},
	{"timeout", "no answer is unknown"},
	{"reset", "a broken connection is unknown"},
	{"unauthorized", "401 and 403 are unauthorized"},
	{"refusal", "other 4xx are not repeated"},
}

// checkFaults lets the vendor misbehave.
func checkFaults(x *exam) {
	groups := map[string]*Assertion{}
	for _, t := range faultTitles {
		groups[t[0]] = x.assert("faults."+t[0], t[1])
	}
	lies := x.assert("faults.broken", "an answer that is cut or of another form is never a success with made-up facts")
	refused := x.assert("faults.refused", "a vendor that can't be reached is transient")
	once := x.assert("faults.once", "a call has its effect at most once")
	prepare := x.assert("faults.prepare", "trouble with the requests before the one with the effect is named rightly")
	heals := x.assert("faults.heals", "after all the faults, it delivers as before")
	ex := x.data.main("deliver")
	if ex == nil || !x.able("deliver") {
		for _, a := range x.section.Assertions {
			a.skip("no delivery in the exam data")
		}
		return
	}
	for _, ex := range []*exchange{ex, x.data.main("open")} {
		if ex == nil {
			continue
		}
		for _, f := range faults {
			x.checkFault(groups[f.group], once, ex, f)
		}
		x.checkBroken(lies, ex)
		x.checkPrepare(prepare, ex)
	}
	prepare.skip("no exchange has requests before the one with the effect")
	x.checkUnreachable(refused, ex)
	x.vendor.play(newStage(ex, false))
	got, err := x.perform(ex, callTimeout)
	heals.check(err == nil && got.Error == nil, "a delivery gave %s", told(got, err))
}

func (x *exam) checkFault(a, once *Assertion, ex *exchange, f fault) {
	if err := x.revive(); err != nil {
		a.failf("%v", err)
		return
	}
	stage := newStage(ex, false)
	stage.effect = f.do
	x.vendor.play(stage)
	limit := f.limit
	if limit == 0 {
		limit = callTimeout
	}
	got, err := x.perform(ex, limit)
	what := fmt.Sprintf("out/%s.http with %s", ex.name, f.what)
	if lost(err) {
		x.mourn(a, what)
		return
	}
	if !a.check(err == nil, "%s: %v", what, err) {
		return
	}
	allowed := f.kinds
	if ex.action == "open" {
		allowed = append(slices.Clone(allowed), f.open...)
	}
	a.check(slices.Contains(allowed, got.kind()), "%s gave %s, expected %s: %s", what, got.said(), strings.Join(allowed,
		" or "), f.todo)
	if f.after != "" && got.Error != nil {
		a.check(atLeast(got.Error.After, f.after), "%s: the error waits %q, expected %s: %s", what, got.Error.After,
			f.after, f.todo)
	}
	if f.group != "unauthorized" { // renewed credentials may be tried at once: what was refused had no effect
		once.check(stage.hadEffects() <= 1, "%s: the request was made %d times: never repeat it, the gateway does", what,
			stage.hadEffects())
	}
}

// atLeast reports whether a duration's text is no shorter than another's.
func atLeast(text, least string) bool {
	d, err := time.ParseDuration(text)
	l, err2 := time.ParseDuration(least)
	return err == nil && err2 == nil && d >= l-time.Second/10
}

// wrongAnswers take the place of the answer's body, with the status that the exam data give. They are made when they are
// needed: the gateway's program has the exam in it, and would hold the long one all its life.
func wrongAnswers() []string {
	return []string{
		strings.Repeat("x", 9<<20), "", "null", "true", "0", `""`, `"text"`, "[]", "[null]", "{}", page, "{\"", "\x00\xff",
	}
}

// checkBroken cuts and replaces the answer of the request with the effect. A success may then say less than before, and
// nothing else.
func (x *exam) checkBroken(a *Assertion, ex *exchange) {
	want := x.golden(ex)
	if want == nil || want.Error != nil {
		a.skip("out/%s.http has no golden success", ex.name)
		return
	}
	try := func(what string, do disturbance) {
		stage := newStage(ex, false)
		stage.effect = do
		x.vendor.play(stage)
		got, err := x.perform(ex, callTimeout)
		if lost(err) {
			x.mourn(a, what)
			return
		}
		if !a.check(err == nil, "%s: %v", what, err) {
			return
		}
		if got.Error != nil {
			a.check(got.kind() != "transient" || ex.action == "open" || x.capabilities().GetIdempotent(),
				"%s gave %s: the vendor took the call, so it would be made twice: use unknown", what, got.said())
			return
		}
		a.check(lie(want, got, x.vendor.base) == "", "%s gave success with %s", what, lie(want, got, x.vendor.base))
	}
	try(fmt.Sprintf("out/%s.http with an answer that is cut", ex.name), truncates)
	status := 200
	for _, s := range ex.steps {
		if s.effect {
			status = s.status
		}
	}
	for _, body := range wrongAnswers() {
		try(fmt.Sprintf("out/%s.http with the answer %.40q", ex.name, body), answers(status, body, "Content-Type",
			"application/json"))
	}
}

// lie says what a success has that the golden one has not, "" if nothing.
func lie(want, got *outcome, base string) string {
	switch {
	case got.Opened != nil:
		if want.Opened == nil || !matches(want.Opened.Thread, strings.ReplaceAll(got.Opened.Thread, base, vendorMark)) {
			return fmt.Sprintf("the thread %q", got.Opened.Thread)
		}
	case got.Receipt != nil && want.Receipt != nil:
		if id := got.Receipt.VendorID; id != "" && !matches(want.Receipt.VendorID, id) {
			return fmt.Sprintf("the vendor's id %q", id)
		}
		if len(got.Receipt.Replies) != len(want.Receipt.Replies) {
			return fmt.Sprintf("%d replies instead of %d", len(got.Receipt.Replies), len(want.Receipt.Replies))
		}
	}
	return ""
}

// checkPrepare disturbs the requests before the one with the effect, in a process that has nothing prepared.
func (x *exam) checkPrepare(a *Assertion, ex *exchange) {
	if !slices.ContainsFunc(ex.steps, func(s *step) bool { return !s.effect }) {
		return
	}
	for _, f := range []struct {
		what  string
		do    disturbance
		kinds []string
		limit time.Duration
	}{
		{"429", answers(429, "{}", "Retry-After", "7"), []string{"throttled", "transient"}, callTimeout},
		{"500", answers(500, page), []string{"transient"}, callTimeout},
		{"a reset connection", resets, []string{"transient", "unknown"}, callTimeout},
		{"no answer in time", silence, []string{"transient", "unknown"}, shortTimeout},
	} {
		if _, err := x.configure(x.settings); err != nil {
			a.failf("%v", err)
			return
		}
		stage := newStage(ex, false)
		stage.prepare = f.do
		x.vendor.play(stage)
		got, err := x.perform(ex, f.limit)
		what := fmt.Sprintf("out/%s.http with %s before the request with the effect", ex.name, f.what)
		if lost(err) {
			x.mourn(a, what)
			continue
		}
		if !a.check(err == nil, "%s: %v", what, err) || stage.hadEffects() > 0 {
			continue // it was prepared already
		}
		a.check(slices.Contains(f.kinds, got.kind()), "%s gave %s, expected %s", what, got.said(), strings.Join(f.kinds, " or "))
	}
}

// checkUnreachable points the channel at a port where nobody listens.
func (x *exam) checkUnreachable(a *Assertion, ex *exchange) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if !a.check(err == nil, "%v", err) {
		return
	}
	dead := &vendor{base: "http://" + l.Addr().String()}
	_ = l.Close()
	settings, err := x.fill(x.data.Settings, dead)
	if !a.check(err == nil, "%v", err) {
		return
	}
	if _, err := x.configure(settings); err != nil {
		a.failf("%v", err)
		return
	}
	got, err := x.perform(ex, callTimeout)
	a.check(err == nil && got.kind() == "transient",
		"out/%s.http with nobody listening gave %s, expected transient: nothing was sent (Go: sdk.FromTransport)", ex.name, told(got, err))
	if _, err := x.configure(x.settings); err != nil {
		a.failf("%v", err)
	}
}
