package route

import (
	"fmt"
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
