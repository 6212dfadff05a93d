package route

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"patchbay/sdk/envelope"
)

var testChannels = Channels{
	"livechat": envelope.RoleCustomer, "faq": envelope.RoleBot, "desk": envelope.RoleAgent,
	"night": envelope.RoleAgent, "audit": envelope.RoleObserver,
}

// line formats a problem without the rule.
func line(p Problem) string {
	s := fmt.Sprintf("%d:%d: %s", p.Line, p.Column, p.Message)
	if p.Code.IsWarning() {
		s = "warning: " + s
	}
	if p.Suggestion != "" {
		s += fmt.Sprintf(" (did you mean %q?)", p.Suggestion)
	}
	return s
}

func TestConditionProblems(t *testing.T) {
	for _, tc := range []struct{ name, when, want string }{
		{"unknown variable", `ownr == "x"`, `1:1: undeclared reference to "ownr" (did you mean "owner"?)`},
		{"second line", "text == \"a\" &&\n  rol == \"bot\"",
			`2:3: undeclared reference to "rol" (did you mean "role"?)`},
		{"column in characters", `"客服" == rol`, `1:9: undeclared reference to "rol" (did you mean "role"?)`},
		{"unknown function", `lenght(text) > 3`, `1:1: undeclared reference to "lenght" (did you mean "size"?)`},
		{"single equals", `owner_role = "bot"`, `1:12: syntax error at "="; equality is ==`},
		{"and", `owner_role == "bot" and true`, `1:21: syntax error at "and"; and is &&`},
		{"not", `not mentions(["a"])`, `1:5: syntax error at "mentions"; not is !`},
		{"unfinished", `(text == "a"`, `1:13: the expression ends too early`},
		{"open quote", `text == "a`, `1:9: syntax error at "\"a"; a quote is missing, or one inside the text needs a backslash`},
		{"not true or false", `text`, `1:1: a condition must be true or false, this is a text; compare it with a value`},
		{"types", `age > 5`, `1:5: > cannot be applied to a duration and a number; write the number as a duration, such as duration("60s")`},
		{"unknown channel", `owner == "dsk"`, `1:10: there is no channel "dsk" (did you mean "desk"?)`},
		{"unknown channel, reversed", `"dsk" != channel`, `1:1: there is no channel "dsk" (did you mean "desk"?)`},
		{"unknown channel in list", `pending in ["desk", "nigth"]`,
			`1:21: there is no channel "nigth" (did you mean "night"?)`},
		{"unknown channel in open", `open("dsk")`, `1:6: there is no channel "dsk" (did you mean "desk"?)`},
		{"unknown role", `role == "bott"`,
			`1:9: there is no role "bott"; roles are customer, bot, agent, observer (did you mean "bot"?)`},
		{"open without argument", `open()`, `1:5: open takes one argument, the channel's name: open("desk")`},
		{"attr of a number", `attr(handovers) == "x"`, `1:5: attr cannot be called with a number`},
		{"mentions without list", `true && mentions("agent")`,
			`1:18: mentions takes a list of words or phrases: mentions(["agent", "human"])`},
		{"mentions of nothing", `mentions(["a", " "])`, `1:16: an empty word is contained in every message`},
		{"bad pattern", `text.matches("[")`, `1:14: invalid argument of matches: missing closing ]: [`},
		{"second bad pattern", "text.matches('ü') && text.matches(r'a(?!b)')",
			`1:35: invalid argument of matches: invalid or unsupported Perl syntax: (?!; ` +
				"patterns have no lookahead: use two conditions, such as text.matches(r\"a\") && !text.matches(r\"b\")"},
		{"bad pattern in the second line", "text != ''\n  && text.matches('*')",
			`2:19: invalid argument of matches: missing argument to repetition operator: *`},
		{"computed pattern", `text.matches(role)`,
			`1:14: a pattern must be a literal, such as text.matches(r"^\d+$")`},
		{"backspace for word boundary", `text.matches("\bagent\b")`,
			`1:14: contains the control character U+0008, which no message contains; for a word boundary write ` +
				`r"\b" in the expression, and the whole expression as plain or single-quoted YAML`},
		{"bad duration", `age > duration("10 minutes")`, `1:16: invalid argument of duration; write a number with the unit h, m, s or ms`},
		{"days", `age > duration("1d")`,
			`1:16: invalid argument of duration; write a number with the unit h, m, s or ms (did you mean "24h"?)`},
		{"smart quotes", `text == “a”`, `1:9: syntax error at "“"; texts need straight quotes: "…"`},
		{"types of a list", `text in "a"`, `1:6: in cannot be applied to a text and a text`},
		{"types of a negation", `!handovers`, `1:1: ! cannot be applied to a number`},
		{"types of a choice", `(true ? text : handovers) == ""`, `1:7: both results of ?: must have the same type`},
		{"types of a method", `parts.startsWith("a")`, `1:17: startsWith cannot be called with a list, a text`},
		{"types next to an invalid literal", `owner == duration("x")`, `1:7: == cannot be applied to a text and a duration`},
		{"text in place of true or false", `role || owner == "faq"`, `1:1: must be true or false here, this is a text`},
		{"number in place of true or false", `"image" in parts && size(parts)`, `1:25: must be true or false here, this is a number`},
		{"literal in place of true or false", `1.5 || true`, `1:1: must be true or false here, this is a number`},
		{"closed text in a wrong place", `owner "faq"`,
			`1:7: syntax error at "\"faq\""; a quote is missing, or one inside the text needs a backslash`},
		{"number in a wrong place", `owner 1.5`, `1:7: syntax error at "1.5"`},
		{"types below an error", `(ownr + 1) > true`, `1:2: undeclared reference to "ownr" (did you mean "owner"?)`},
		{"types of a comparison", `(size(parts) > 1) == age`,
			`1:19: == cannot be applied to true or false and a duration`},
		{"member of a variable", `text.size > 3`, `1:5: a variable has no fields such as "size"`},
		{"member of an unknown variable", `message.text == ""`, `1:1: undeclared reference to "message" (did you mean "text"?)`},
		{"member written with a dot", `sender.id == ""`, `1:1: undeclared reference to "sender" (did you mean "sender_id"?)`},
		{"members of an unknown variable", `payload.order.tier == "vip"`, `1:1: undeclared reference to "payload"; ` +
			`an attribute is attr("NAME"), a member of a JSON attribute is data("ATTRIBUTE", "order.tier")`},
		{"member of attr", `attr.tier == "vip"`, `1:1: undeclared reference to "attr" (did you mean "attr(\"tier\")"?)`},
		{"index of attributes", `attributes["order.tier"] == "vip"`,
			`1:1: undeclared reference to "attributes" (did you mean "attr(\"order.tier\")"?)`},
		{"member of a misspelled variable", `ownr.name == ""`, `1:1: undeclared reference to "ownr" (did you mean "owner"?)`},
		{"unknown variable without a similar one", `payload == "vip"`, `1:1: undeclared reference to "payload"; variables are ` +
			`channel, role, text, parts, sender_id, sender_name, owner, owner_role, home, pending, customer, handovers, age, ` +
			`silence, reason, now.hour, now.weekday, now.date`},
		{"unknown function without a similar one", `percent(10)`, `1:1: undeclared reference to "percent"; functions are attr, ` +
			`data, number, open, bucket, mentions, matches, contains, startsWith, endsWith, size, duration, int`},
		{"macro without arguments", `mentions()`,
			`1:9: mentions takes a list of words or phrases: mentions(["agent", "human"])`},
		{"two syntax errors", `text == && )`, `1:9: syntax error at "&&"`},
		{"wrong character", `text == #x`, `1:9: syntax error at "#"`},
		{"nested too deep", strings.Repeat("(", 70) + "true" + strings.Repeat(")", 70),
			`1:1: expression recursion limit exceeded: 64`},
		{"loop", `parts.exists(p, p == "image")`,
			`1:7: exists: conditions have no loops; test a list with "image" in parts`},
		{"hidden variable", `@input == 1`, `1:1: syntax error at "@"`},
		{"unknown field of now", `now.minute > 5`, `1:1: now has the fields now.hour, now.weekday and now.date`},
		{"now is no value", `now == "mon"`, `1:1: now has the fields now.hour, now.weekday and now.date`},
		{"hour as text", `now.hour == "9"`, `1:10: == cannot be applied to a number and a text`},
		{"data without path", `data("a") == ""`, `1:5: data takes two arguments, an attribute with JSON and a path in it: ` +
			`data("native.custom_payload", "order.tier")`},
		{"data with a number", `data("a", 1) == ""`, `1:11: data takes texts: two arguments, an attribute with JSON and a ` +
			`path in it: data("native.custom_payload", "order.tier")`},
		{"data as number", `data("a", "b") > 5`, `1:16: > cannot be applied to a text and a number`},
		{"number of a number", `number(5) > 1`, `1:7: number cannot be called with a number`},
		{"number compared with a text", `number(attr("a")) == "5"`,
			`1:22: number() is a number, which cannot be compared with a text`},
		{"text below number", `"5" < number(attr("a"))`, `1:1: number() is a number, which cannot be compared with a text`},
		{"never", `false`, `warning: 1:1: is always false: the rule never matches`},
		{"blank", ` `, `0:0: is empty; leave the key out if the rule has no condition`},
		{"good", `"image" in parts && bucket("s") < 50 && open(owner) && age > duration("10m") && handovers < 3`, ``},
		{"no owner", `pending == "" && owner != home`, ``},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, problems := Compile([]Rule{{Name: "a", When: tc.when, To: ToOwner}}, testChannels)
			var got []string
			for _, p := range problems {
				if p.Field != "when" || p.Rule != "a" || p.Index != 0 {
					t.Errorf("the problem is not in the condition: %+v", p)
				}
				got = append(got, line(p))
			}
			if s := strings.Join(got, "\n"); s != tc.want {
				t.Errorf("when: %s\n got %s\nwant %s", tc.when, s, tc.want)
			}
		})
	}
}

func TestConditionCost(t *testing.T) {
	costly := `(text + text).matches("` + strings.Repeat("a", 600) + `")`
	_, problems := Compile([]Rule{{Name: "a", When: costly, To: ToOwner}}, testChannels)
	if len(problems) != 1 || !strings.Contains(problems[0].Message, "could take too long") {
		t.Errorf("problems = %v", problems)
	}
	_, problems = Compile([]Rule{{Name: "a", When: "true" + strings.Repeat(" && true", 1000), To: ToOwner}},
		testChannels)
	if len(problems) == 0 {
		t.Error("a condition of 8 KiB was accepted")
	}
}

func TestConditionValues(t *testing.T) {
	facts := &Facts{
		Event: EventMessage, Channel: "livechat", Role: envelope.RoleCustomer,
		Text:  "Ich möchte einen MENSCHEN sprechen",
		Parts: []string{"text", "image"}, SenderID: "u1", SenderName: "Ann", Owner: "faq", OwnerRole: envelope.RoleBot,
		Home: "faq", Pending: "desk", Customer: "livechat", Handovers: 2, Age: 3600e9, Silence: 5e9, Reason: "declined",
		Attributes: map[string]string{"tier": "gold", "points": "99.5"}, Now: time.Date(2026, 12, 24, 23, 59, 0, 0, time.UTC),
		Open: func(ch string) bool { return ch == "night" }, CustomerID: "u1",
	}
	for _, tc := range []struct {
		when string
		want bool
	}{
		{`channel == "livechat" && role == "customer" && sender_id == "u1" && sender_name == "Ann"`, true},
		{`owner == "faq" && owner_role == "bot" && home == "faq" && pending == "desk" && customer == "livechat"`, true},
		{`handovers == 2 && age == duration("1h") && silence < duration("6s") && reason == "declined"`, true},
		{`"image" in parts && !("audio" in parts) && size(parts) == 2`, true},
		{`attr("tier") == "gold" && attr("none") == ""`, true},
		{`open("night") && !open("desk")`, true},
		{`text.matches(r"\bMENSCHEN\b")`, true},
		{`text.matches("^MENSCHEN")`, false},
		{`mentions(["menschen"])`, true},
		{`mentions(["mensch", "agent"])`, false},
		{`bucket("a") == bucket("a") && bucket("a") >= 0 && bucket("a") < 100`, true},
		{`number(attr("points")) > 99 && number(attr("points")) <= 99.5 && number(attr("points")) != 99`, true},
		{`number(attr("tier")) == 0 && number("") == 0 && number("NaN") == 0`, true},
		{`number(" 1e3 ") == 1000 && number("-5") < 0`, true},
		{`now.hour == 23 && now.weekday == "thu" && now.date == "2026-12-24"`, true},
		{`now.weekday in ["sat", "sun"] || now.hour < 9`, false},
		{`now.date >= "2026-12-24" && now.date <= "2026-12-26"`, true},
	} {
		t.Run(tc.when, func(t *testing.T) {
			table, problems := Compile([]Rule{{Name: "a", When: tc.when, To: ToOwner}}, testChannels)
			if table == nil {
				t.Fatal(problems)
			}
			d := table.Decide(facts)
			if got := len(d.Steps) == 1; got != tc.want || len(d.Errors) > 0 {
				t.Errorf("matched %v, errors %v", got, d.Errors)
			}
		})
	}
}

// TestDocumentedGoodByeMatchesEachLanguage evaluates the condition of the example about closing.
func TestDocumentedGoodByeMatchesEachLanguage(t *testing.T) {
	page, err := os.ReadFile("../../../docs/routing.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rule, _ := strings.Cut(string(page), "- name: good-bye\n")
	_, when, _ := strings.Cut(rule, "when: ")
	when, _, _ = strings.Cut(when, "\n")
	table, problems := Compile([]Rule{{Name: "a", When: when, To: ToOwner}}, testChannels)
	if table == nil {
		t.Fatal(when, problems)
	}
	for text, want := range map[string]bool{
		"bye": true, "Bye.": true, "再见": true, "再见！": true, "再见，谢谢": true, "byebug": false, "goodbye": false, "": false,
	} {
		d := table.Decide(&Facts{Event: EventMessage, Channel: "livechat", Role: envelope.RoleCustomer, Text: text})
		if got := len(d.Steps) == 1; got != want || len(d.Errors) > 0 {
			t.Errorf("%q: matched %v, want %v, errors %v", text, got, want, d.Errors)
		}
	}
}

func TestRuntimeErrorsContainNoText(t *testing.T) {
	const canary = "canary-4711"
	for _, when := range []string{
		`int(text) > 3`, `duration(text) > age`, `timestamp(text) < timestamp("2026-01-01T00:00:00Z")`,
		`1 / handovers == 1`, `parts[7] == text`, `double(text) > 1.0`,
	} {
		table, problems := Compile([]Rule{{Name: "a", When: when, To: ToOwner}, {Name: "b", To: ToOwner}}, testChannels)
		if table == nil {
			t.Fatal(problems)
		}
		facts := &Facts{Event: EventMessage, Channel: "livechat", Role: envelope.RoleCustomer, Text: canary}
		d := table.Decide(facts)
		if len(d.Errors) != 1 || d.Errors[0].Rule != "a" {
			t.Errorf("%s: errors = %v", when, d.Errors)
			continue
		}
		if strings.Contains(d.Errors[0].Err.Error(), canary) {
			t.Errorf("%s: the error contains the text: %v", when, d.Errors[0].Err)
		}
		if len(d.Steps) != 1 || d.Steps[0].Rule.Name != "b" {
			t.Errorf("%s: the failing rule does not count as no match: %v", when, d.Steps)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{`mentions(["a"])`, `attr("x") == "y"`, `text.matches("[`, "\x00", `((((`,
		`"\u00e9" in parts`} {
		f.Add(s, "hello")
	}
	f.Fuzz(func(t *testing.T, when, text string) {
		table, problems := Compile([]Rule{{Name: "a", When: when, To: ToOwner}}, testChannels)
		if table == nil {
			if len(problems) == 0 {
				t.Fatal("no table and no problem")
			}
			return
		}
		if when != "" && table.rules[0].when == nil {
			t.Fatal("a condition without problems is not in the table")
		}
		facts := &Facts{Event: EventMessage, Channel: "livechat", Role: envelope.RoleCustomer, Text: text}
		d := table.Decide(facts)
		if matching := decideWithoutIndex(table, facts); len(matching) != len(d.Steps) {
			t.Fatalf("the index finds %v, a pass over all rules %v", d, matching)
		}
	})
}
