package recorded

import (
	"testing"

	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

// FuzzParseFacts checks that no file makes the parser fail, and that facts without problems can be decided on.
func FuzzParseFacts(f *testing.F) {
	f.Add([]byte("channel: web\ntext: Hi\nage: 1h\nattributes: {a: b}\nparts: [text, image]\nnow: 2026-03-02T09:00:00Z\n"))
	f.Add([]byte(`{"channel": "wbe", "handovers": "x", "closed": ["desk"]}`))
	channels := route.Channels{"web": envelope.RoleCustomer, "desk": envelope.RoleAgent}
	table, problems := route.Compile([]route.Rule{
		{Name: "a", When: `text == "Hi" && open("desk") && age > duration("1m") && attr("a") == "b"`, Drop: true},
	}, channels)
	if table == nil {
		f.Fatal(problems)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		facts, problems := ParseFacts("input.yaml", data, channels)
		if len(problems) == 0 && facts.Channel == "" {
			t.Fatal("facts without a channel have no problems")
		}
		facts.Decide(table)
	})
}
