package route

import (
	"fmt"
	"testing"
	"time"
)

// benchConditions are the conditions of the benchmark's rules. The first two are in the index.
var benchConditions = map[string]string{
	"attribute": `attr("points") == "%d" && handovers < 3`,
	"json":      `data("shop.payload", "order.id") == "%d" && handovers < 3`,
	"no-index":  `handovers < 3 && int(attr("points")) == %d`,
}

// benchTable has n rules of which the last one matches benchFacts.
func benchTable(tb testing.TB, n int, condition string) *Table {
	tb.Helper()
	rules := make([]Rule, n)
	for i := range rules {
		rules[i] = Rule{
			Name: fmt.Sprintf("rule-%d", i), From: []string{"customer"}, When: fmt.Sprintf(benchConditions[condition], i),
			To: ToOwner,
		}
	}
	table, problems := Compile(rules, testChannels)
	if table == nil {
		tb.Fatal(problems)
	}
	return table
}

func benchFacts(n int) *Facts {
	return &Facts{
		Event: EventMessage, Channel: "livechat", Role: "customer", Text: "Where is my order?", Owner: "faq", OwnerRole: "bot",
		Attributes: map[string]string{
			"points": fmt.Sprint(n - 1), "shop.payload": fmt.Sprintf(`{"order": {"id": %d, "tier": "vip"}}`, n-1),
		}, Now: time.Unix(0, 0),
	}
}

// BenchmarkDecide measures one decision. With the index, its time must not depend on the number of rules.
func BenchmarkDecide(b *testing.B) {
	for _, condition := range []string{"attribute", "json", "no-index"} {
		for _, n := range []int{10, 1_000, 10_000} {
			b.Run(fmt.Sprintf("%s/rules=%d", condition, n), func(b *testing.B) {
				table, f := benchTable(b, n, condition), benchFacts(n)
				for b.Loop() {
					if d := table.Decide(f); len(d.Steps) != 1 || d.Steps[0].Index != n-1 {
						b.Fatalf("decision %+v", d)
					}
				}
			})
		}
	}
}

// The work of a decision is the number of rules whose conditions are evaluated.
func TestIndexedDecisionsDoNotDependOnTheNumberOfRules(t *testing.T) {
	for _, n := range []int{10, 1_000} {
		table := benchTable(t, n, "json")
		in, cur, evaluated := input{facts: benchFacts(n)}, cursor{}, 0
		table.candidates(&in, &cur)
		for _, ok := cur.next(); ok; _, ok = cur.next() {
			evaluated++
		}
		if evaluated != 1 {
			t.Errorf("%d of %d conditions are evaluated, want 1", evaluated, n)
		}
	}
}
