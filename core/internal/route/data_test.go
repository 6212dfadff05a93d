package route

import (
	"fmt"
	"strings"
	"testing"
)

func TestDataIsTheTextAtAPath(t *testing.T) {
	const payload = `{"order": {"tier" : "vip", "n": 12345678901234567890, "paid":true, "price": 1.50, "items": ["a"],
		"none": null, "empty": ""}, "plain": "x", "a.b": "dotted"}`
	for _, tc := range []struct{ json, path, want string }{
		{payload, "order.tier", "vip"}, {payload, "plain", "x"}, {payload, "order.n", "12345678901234567890"},
		{payload, "order.paid", "true"}, {payload, "order.price", "1.50"}, {payload, "order.empty", ""},
		{payload, "order.items", ""}, {payload, "order", ""}, {payload, "order.none", ""}, {payload, "order.gone", ""},
		{payload, "order.tier.deeper", ""}, {payload, "gone.tier", ""}, {payload, "order.items.0", ""}, {payload, "", ""},
		{payload, "order.", ""}, {`["a"]`, "0", ""}, {`"text"`, "", ""}, {`vip`, "order.tier", ""}, {"", "order.tier", ""},
		{`{"order": {"tier": "vip"}`, "order.tier", ""}, {`{"order": {"tier": "vip"}} x`, "order.tier", ""},
		{`{"order":{"tier":"vip"}}`, "order.tier", "vip"}, {`{ "order" : { "tier" : "\u0076ip" } }`, "order.tier", "vip"},
	} {
		table, problems := Compile([]Rule{{Name: "a", When: fmt.Sprintf("data(\"p\", %q) == %q && true", tc.path, tc.want),
			To: ToOwner}}, testChannels)
		if table == nil {
			t.Fatal(problems)
		}
		f := &Facts{Event: EventMessage, Channel: "livechat", Attributes: map[string]string{"p": tc.json}}
		if d := table.Decide(f); len(d.Steps) != 1 || len(d.Errors) != 0 {
			in := input{facts: f}
			t.Errorf("data of %s at %q = %q, want %q; errors %v", tc.json, tc.path, in.data("p", tc.path), tc.want, d.Errors)
		}
	}
}

func TestUnknownVariablesAreComparedWithAttributes(t *testing.T) {
	declared := Declared{Attributes: map[string]string{
		"native.custom_payload": "A JSON object.", "bot.email": "x", "bot.id": "x", "a.phone": "x", "b.phone": "x",
	}}
	declared.AddRules([]Rule{{Set: map[string]string{"tier": "gold"}}, {}})
	for variable, want := range map[string]string{
		"tier":                             `attr("tier")`,
		"attr.tier":                        `attr("tier")`,
		"attribute.bot.email":              `attr("bot.email")`,
		"customer_data.tier":               `attr("tier")`,
		"native.custom_payload":            `attr("native.custom_payload")`,
		"payload.bot.email":                `attr("bot.email")`,
		"sender.email":                     `attr("bot.email")`,
		"sender.id":                        "sender_id",
		"message.text":                     "text",
		"sender.phone":                     `data("native.custom_payload", "phone")`,
		"sender.mail":                      `attr("NAME")`,
		"native.custom_payload.order.tier": `data("native.custom_payload", "order.tier")`,
		"payload.order.tier":               `data("native.custom_payload", "order.tier")`,
		"payload.order.level":              `data("native.custom_payload", "order.level")`,
		"mail":                             "variables are channel",
	} {
		message, suggestion := declared.UnknownVariable(variable)
		if suggestion != want && (suggestion != "" || !strings.Contains(message, want)) {
			t.Errorf("%s: %s, suggestion %q; want %s", variable, message, suggestion, want)
		}
	}
	var none Declared
	if message, _ := none.UnknownVariable("sender.email"); message != `undeclared reference to "sender"; an attribute is `+
		`attr("NAME"), a member of a JSON attribute is data("ATTRIBUTE", "email")` {
		t.Error(message)
	}
}
