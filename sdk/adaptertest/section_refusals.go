package adaptertest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// checkRefusals examines the form in which the vendor is told no.
func checkRefusals(x *exam) {
	a := x.assert("refusals.template", "the channel has a refusal template with {{status}} and {{text}}")
	if len(x.endpoint.GetPaths()) == 0 {
		a.skip("the channel receives no calls")
		return
	}
	kind, body := x.endpoint.GetRefusalContentType(), x.endpoint.GetRefusalBody()
	a.check(kind != "", "the refusal has no content type")
	for _, mark := range []string{"{{status}}", "{{text}}"} {
		a.check(strings.Contains(body, mark),
			"the refusal's body has no %s: the gateway puts it in for what it refuses itself", mark)
	}
	if strings.Contains(kind, "json") {
		a := x.assert("refusals.json", "filled in, the template is JSON")
		for _, text := range []string{"too large", `with "quotes" and \ and newline` + "\n"} {
			filled := x.template(413, text)
			a.check(json.Valid(filled), "the template is not JSON when it is filled in: %s", filled)
		}
	}
	form := x.assert("refusals.form", "what the adapter refuses itself has the same form")
	in := x.authentic()
	if in == nil {
		form.skip("no call of the exam data is taken")
		return
	}
	refused := false
	for _, h := range []string{"", "{", "[]", `"x"`, "\x00"} {
		got, err := x.receive(in.with([]byte(h)))
		what := fmt.Sprintf("the body %q", h)
		if lost(err) {
			if !x.mourn(form, what) {
				return
			}
			continue
		}
		if err == nil && !got.accepted() {
			refused = true
			x.checkShape(form, what, got)
		}
	}
	form.check(refused, "an empty body, { and [] are all taken: refuse what is not the vendor's form with kind invalid")
}

// checkShape checks that a refusal is in the form of the channel's template.
func (x *exam) checkShape(a *Assertion, what string, got *received) {
	if !strings.Contains(x.endpoint.GetRefusalContentType(), "json") {
		a.check(len(got.body) > 0 || x.endpoint.GetRefusalBody() == "", "%s: the refusal has no body", what)
		return
	}
	var template, body any
	if decodeJSON(x.template(got.status, "text"), &template) != nil {
		return // see refusals.json
	}
	if !a.check(decodeJSON(got.body, &body) == nil, "%s: the refusal is not JSON: %.200q", what, got.body) {
		return
	}
	want, isObject := template.(map[string]any)
	have, _ := body.(map[string]any)
	if !isObject {
		return
	}
	for name := range want {
		_, ok := have[name]
		a.check(ok,
			"%s: the refusal has no member %s; the template has %v, the refusal %v: leave Error.Body empty, or give it the same form",
			what, name, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(have)))
	}
}
