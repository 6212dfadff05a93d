package route

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// findings returns the findings of the last rule.
func findings(t *testing.T, rules ...Rule) string {
	t.Helper()
	table, problems := Compile(rules, testChannels)
	if table == nil {
		t.Fatal(problems)
	}
	var out []string
	for _, p := range problems {
		if p.Index == len(rules)-1 {
			out = append(out, string(p.Code)+" "+line(p))
		}
	}
	return strings.Join(out, "\n")
}

func TestConditionsThatNeverHoldAreWarnings(t *testing.T) {
	const pair = "contradicts an earlier part of the condition: the rule never matches"
	for _, tc := range []struct {
		when string
		rule Rule
		want string
	}{
		{`owner == "faq" && owner == "desk"`, Rule{}, "1:19: " + pair},
		{`attr("a") == "x" && open("desk") && attr("a") == "y"`, Rule{}, "1:37: " + pair},
		{`attr("a") == "x" && attr("b") == "y"`, Rule{}, ""},
		{`attr("a") == "x" || attr("a") == "y"`, Rule{}, ""},
		{`!(attr("a") == "x") && attr("a") == "x"`, Rule{}, "1:24: " + pair},
		{`owner == "desk" && owner_role == "bot"`, Rule{}, "1:20: " + pair},
		{`owner_role == "bot" && owner in ["desk", "night"]`, Rule{}, "1:24: " + pair},
		{`owner_role == "customer"`, Rule{}, "1:1: is always false for event message: the rule never matches"},
		{`owner == "livechat"`, Rule{}, "1:1: is always false for event message: the rule never matches"},
		{`role == "bot"`, Rule{From: []string{"customer"}}, "1:1: is always false for event message from customer: the rule never matches"},
		{`mentions(["a"]) && role == "bot"`, Rule{From: []string{"customer", "audit"}},
			"1:20: is always false for event message from customer or audit: the rule never matches"},
		{`role == "bot"`, Rule{From: []string{"customer", "faq"}}, ""},
		{`channel == "desk"`, Rule{From: []string{"night"}}, "1:1: is always false for event message from night: the rule never matches"},
		{`reason == "expired"`, Rule{}, "1:1: is always false, because event message has no reason: the rule never matches"},
		{`reason == "expired"`, Rule{Events: []Event{EventMessage, EventOfferFailed}}, ""},
		{`reason != ""`, Rule{Events: []Event{EventIdle}, After: time.Minute},
			"1:1: is always false, because event idle has no reason: the rule never matches"},
		{`mentions(["a"])`, Rule{Events: []Event{EventOfferFailed}}, "1:1: is always false for event offer_failed: the rule never matches"},
		{`text.contains("a")`, Rule{Events: []Event{EventOfferFailed}}, "1:1: is always false for event offer_failed: the rule never matches"},
		{`text.contains("a") || reason == "x"`, Rule{Events: []Event{EventOfferFailed}}, ""},
		{`role == "customer"`, Rule{Events: []Event{EventOfferFailed}}, "1:1: is always false for event offer_failed: the rule never matches"},
		{`role == "agent" && owner == "faq"`, Rule{Events: []Event{EventUnanswered}, After: time.Minute}, "1:20: " + pair},
		{`sender_id == "1" && sender_id == "2"`, Rule{}, "1:21: " + pair},
		{`pending == "" && pending == "desk"`, Rule{}, "1:18: " + pair},
		{`customer != "livechat" && channel == "livechat"`, Rule{}, "1:1: is always false for event message: the rule never matches"},
		{`open("desk") ? owner == "faq" : true`, Rule{}, ""},
		{`false && owner == "faq"`, Rule{}, "1:1: is always false for event message: the rule never matches"},
		{`age > duration("1h") && handovers < 2 && size(parts) > 0`, Rule{}, ""},
	} {
		rule := tc.rule
		rule.Name, rule.When, rule.Say = "a", tc.when, Say{Default: "x"}
		want := ""
		if tc.want != "" {
			want = "never-matches warning: " + tc.want
		}
		if got := findings(t, rule); got != want {
			t.Errorf("%s, event %v, from %v:\n got %q\nwant %q", tc.when, rule.Events, rule.From, got, want)
		}
	}
}

func TestLargeConditionsAreNotSearchedForContradictions(t *testing.T) {
	var parts []string
	for i := range 20 {
		parts = append(parts, fmt.Sprintf(`attr("a%d") != "x"`, i))
	}
	if got := findings(t, Rule{Name: "a", When: strings.Join(parts, " && "), Say: Say{Default: "x"}}); got != "" {
		t.Error(got)
	}
}

func TestNarrowerRulesBehindWiderOnesAreWarnings(t *testing.T) {
	for _, tc := range []struct {
		wide, narrow string
		hidden       bool
	}{
		{`owner_role == "bot"`, `owner_role == "bot" && mentions(["agent"])`, true},
		{`owner_role == "bot" && mentions(["agent"])`, `owner_role == "bot"`, false},
		{`mentions(["a", "b"])`, `mentions(["b"])`, true},
		{`mentions(["b"])`, `mentions(["a", "b"])`, false},
		{`owner == "faq" && open("desk")`, `open("desk") && age > duration("1h") && owner == "faq"`, true},
		{`owner == "faq" || open("desk")`, `open("desk")`, true},
		{`open("desk")`, `owner == "faq" || open("desk")`, false},
		{`open("desk") || owner == "faq"`, `owner == "faq" || open("desk")`, true},
		{`owner in ["faq", "desk"]`, `owner == "desk"`, true},
		{`owner in ["faq", "desk"]`, `owner in ["desk", "faq"]`, true},
		{`owner in ["faq"]`, `owner in ["desk", "faq"]`, false},
		{`owner != "faq"`, `owner == "desk"`, true},
		{`owner_role == "agent"`, `owner == "desk"`, true},
		{`role == "bot"`, `channel == "faq"`, true},
		{`attr("a") != "x"`, `attr("a") == "y"`, true},
		{`attr("a") != "x"`, `attr("b") == "y"`, false},
		{`handovers > 2`, `handovers > 3`, true},
		{`handovers > 3`, `handovers > 2`, false},
		{`handovers <= 3`, `handovers <= 2`, true},
		{`text.matches(r"a") && "image" in parts`, `"image" in parts && text.matches(r"a") && bucket("x") < 5`, true},
		{`text.matches(r"a")`, `text.matches(r"ab")`, false},
		{`size(text) > 3`, `text.size() > 3`, false},
		{`(mentions(["a"]) || mentions(["b"])) && open("desk")`, `mentions(["b"]) && open("desk")`, true},
	} {
		got := findings(t, Rule{Name: "wide", When: tc.wide, Say: Say{Default: "x"}},
			Rule{Name: "narrow", When: tc.narrow, Say: Say{Default: "x"}})
		if hidden := strings.Contains(got, "never-reached"); hidden != tc.hidden {
			t.Errorf("%s behind %s: hidden %v, want %v\n%s", tc.narrow, tc.wide, hidden, tc.hidden, got)
		}
	}
}

// If a rule between two other rules sets an attribute that their conditions read, the last rule can be reachable.
func TestRulesBehindAnAttributeThatIsSetAreReached(t *testing.T) {
	set := map[string]string{"t": "x"}
	for name, tc := range map[string]struct {
		when    string
		between Rule
		hidden  bool
	}{
		"sets it":             {`attr("t") == "x"`, Rule{Set: set, Continue: true}, false},
		"sets another one":    {`attr("u") == "x"`, Rule{Set: set, Continue: true}, true},
		"ends the evaluation": {`attr("t") == "x"`, Rule{When: `text == "q"`, Set: set, Pass: "desk"}, true},
		"for another event":   {`attr("t") == "x"`, Rule{Events: []Event{EventOpened}, Set: set, Continue: true}, true},
		"a computed name":     {`attr(text) == "x"`, Rule{Set: set, Continue: true}, false},
	} {
		tc.between.Name = "between"
		got := findings(t, Rule{Name: "a", When: tc.when, Say: Say{Default: "x"}}, tc.between,
			Rule{Name: "b", When: tc.when, Say: Say{Default: "x"}})
		if hidden := strings.Contains(got, "never-reached"); hidden != tc.hidden {
			t.Errorf("%s: hidden %v, want %v\n%s", name, hidden, tc.hidden, got)
		}
	}
}

func TestWordBoundariesNextToOtherLettersAreWarnings(t *testing.T) {
	for pattern, want := range map[string]bool{
		`再见\b`: true, `\b再见`: true, `^(bye\b|再见)`: false, `^(bye|再见)\b`: true, `\bagent\b`: false, `\b\d{4}\b`: false,
		`\bü`: true, `ü\B`: false, `ü.\b`: false, `(?i)\bbye\b`: false, `[äöü]+\b`: true, `[^a]\b`: false, `(\b)é`: true,
		`“\b`: false, `\b(a|é)`: true, `K\b`: false,
	} {
		if got := boundaryNextTo(pattern) != 0; got != want {
			t.Errorf("%s: %v", pattern, got)
		}
	}
}

func TestNamesThatNothingDeclaresAreWarnings(t *testing.T) {
	declared := Declared{
		Attributes: map[string]string{"native.custom_payload": "A JSON object.", "native.target_agents": "A JSON array."},
		Declined:   map[string]map[string]string{"desk": {"no_agent": "x"}},
		Events:     map[string]map[string]string{"desk": {"agent_closed": "x"}, "faq": {AnyReason: "x"}},
	}
	for _, tc := range []struct {
		rule Rule
		want string
	}{
		{Rule{When: `attr("tier") == "gold" || attr("native.custom_payload") == "x"`}, ""},
		{Rule{When: `attr("teir") == "gold"`},
			`unknown-attribute warning: 1:6: no rule sets the attribute teir, and no adapter in use declares it; its value is always "" (did you mean "tier"?)`},
		{Rule{Say: Say{Default: "Hello\n{{attr \"native.custom\"}}"}},
			`unknown-attribute warning: 2:1: no rule sets the attribute native.custom, and no adapter in use declares it; its value is always ""`},
		{Rule{When: `attr("order.tier") == "vip"`}, `unknown-attribute warning: 1:6: no rule sets the attribute order.tier, and no ` +
			`adapter in use declares it; its value is always ""; a member of a JSON attribute is data("native.custom_payload", "order.tier")`},
		{Rule{When: `attr("native.custom_payload.order.tier") == "vip"`},
			`unknown-attribute warning: 1:6: no rule sets the attribute native.custom_payload.order.tier, and no adapter in use declares ` +
				`it; its value is always ""; a member of a JSON attribute is data("native.custom_payload", "order.tier")`},
		{Rule{When: `data("payload", "order.tier") == "vip"`},
			`unknown-attribute warning: 1:6: no rule sets the attribute payload, and no adapter in use declares it; its value is ` +
				`always ""; a member of a JSON attribute is data("native.custom_payload", "order.tier")`},
		{Rule{Events: []Event{EventOfferFailed}, When: `reason in ["bounces", "no_agent", "outside_hours"] || reason != ""`}, ""},
		{Rule{Events: []Event{EventOfferFailed}, When: `reason == "agent_closed"`},
			`unknown-reason warning: 1:11: no event of this rule has the reason agent_closed`},
		{Rule{Events: []Event{EventOfferFailed}, When: `reason in ["expierd"]`},
			`unknown-reason warning: 1:12: no event of this rule has the reason expierd (did you mean "expired"?)`},
		{Rule{Events: []Event{EventDisconnected}, From: []string{"agent"}, When: `reason == "closed"`},
			`unknown-reason warning: 1:11: no event of this rule has the reason closed`},
		{Rule{Events: []Event{EventDisconnected}, From: []string{"desk"}, When: `reason == "agent_closed" || reason == "gone"`}, ""},
		{Rule{Events: []Event{EventDisconnected}, When: `reason == "anything"`}, ""},
		{Rule{Events: []Event{EventPassed}, When: `reason == "set-tier" || reason == "operator"`}, ""},
		{Rule{Events: []Event{EventClosed}, When: `reason == "close_after" || reason == "set-tier"`}, ""},
		{Rule{Events: []Event{EventClosed}, When: `reason == "expired"`},
			`unknown-reason warning: 1:11: no event of this rule has the reason expired`},
		{Rule{Events: []Event{EventDeliveryFailed}, When: `reason == "throttled" || reason == "no_agent"`}, ""},
		{Rule{Events: []Event{EventDeliveryFailed}, From: []string{"bot"}, When: `reason == "no_agent"`},
			`unknown-reason warning: 1:11: no event of this rule has the reason no_agent`},
		{Rule{Say: Say{Default: "Hello", Languages: map[string]string{"de": "Hallo {{attr \"teir\"}}"}}},
			`unknown-attribute warning: 1:7: no rule sets the attribute teir, and no adapter in use declares it; ` +
				`its value is always "" (did you mean "tier"?)`},
		{Rule{Events: []Event{EventPassed}, When: `reason == "set-teir"`},
			`unknown-reason warning: 1:11: no event of this rule has the reason set-teir (did you mean "set-tier"?)`},
	} {
		rule := tc.rule
		rule.Name = "a"
		if !rule.Say.IsSet() {
			rule.Say = Say{Default: "x"}
		}
		set := Rule{Name: "set-tier", Set: map[string]string{"tier": "gold"}, From: []string{"audit"}, Continue: true}
		table, problems := Compile([]Rule{set, rule}, testChannels)
		if table == nil {
			t.Fatal(problems)
		}
		var got []string
		for _, p := range table.CheckNames(declared, testChannels) {
			got = append(got, string(p.Code)+" "+line(p))
		}
		if s := strings.Join(got, "\n"); s != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", rule.When, s, tc.want)
		}
	}
}

func TestSeveralJSONAttributesAreNotNamed(t *testing.T) {
	one := Declared{Attributes: map[string]string{"a.payload": "A JSON object.", "a.list": "A JSON array."}}
	if got := one.JSONAttribute(); got != "a.payload" {
		t.Errorf("one attribute: %q", got)
	}
	none := Declared{Attributes: map[string]string{"a.list": "A JSON array."}}
	if got := none.JSONAttribute(); got != "" {
		t.Errorf("no attribute: %q", got)
	}
	several := Declared{Attributes: map[string]string{"a.payload": "A JSON object.", "b.payload": "Its JSON object."}}
	if got := several.JSONAttribute(); got != AnyAttribute {
		t.Errorf("several attributes: %q", got)
	}
	u := use{name: "order.tier", member: "order.tier"}
	if hint, _ := several.correction(u, nil); hint != `; a member of a JSON attribute is data("ATTRIBUTE", "order.tier")` {
		t.Errorf("hint %q", hint)
	}
}
