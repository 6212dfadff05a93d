package route

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// benchConditions contains the conditions of the benchmark's rules. The index contains all except the last.
var benchConditions = map[string]string{
	"attribute": `attr("points") == "%d" && handovers < 3`,
	"json":      `data("shop.payload", "order.id") == "%d" && handovers < 3`,
	"mentions":  `mentions(["parcel%d", "包裹%[1]d"]) && handovers < 3`,
	"contains":  `text.contains("parcel%d.") || text.startsWith("parcel%[1]d")`,
	"matches":   `text.matches(r"(?i)\bpar(cel|sel)[ -]?%d\b")`,
	"no-index":  `handovers < 3 && int(attr("points")) == %d`,
}

// benchTable returns a table of n rules. Only the last one matches benchFacts(n).
func benchTable(tb testing.TB, n int, condition string) *Table {
	tb.Helper()
	rules := make([]Rule, n)
	for i := range rules {
		rules[i] = Rule{
			Name: fmt.Sprintf("rule-%d", i), From: []string{"customer"}, When: fmt.Sprintf(condition, i),
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
		Event: EventMessage, Channel: "livechat", Role: "customer", Owner: "faq", OwnerRole: "bot",
		Text: fmt.Sprintf("Where is my order? You wrote that it comes today, in parcel%d.", n-1),
		Attributes: map[string]string{
			"points": fmt.Sprint(n - 1), "shop.payload": fmt.Sprintf(`{"order": {"id": %d, "tier": "vip"}}`, n-1),
		}, Now: time.Unix(0, 0),
	}
}

// BenchmarkDecide measures a decision in which the last rule or no rule matches. With the index, its time must not
// depend on the number of rules.
func BenchmarkDecide(b *testing.B) {
	for _, condition := range []string{"attribute", "json", "mentions", "contains", "matches", "no-index"} {
		for _, n := range []int{1, 10, 1_000, 10_000} {
			b.Run(fmt.Sprintf("%s-%d", condition, n), func(b *testing.B) {
				table := benchTable(b, n, benchConditions[condition])
				b.Run("none", func(b *testing.B) { benchDecide(b, table, benchFacts(n+1), 0) })
				b.Run("last", func(b *testing.B) { benchDecide(b, table, benchFacts(n), 1) })
			})
		}
	}
}

func benchDecide(b *testing.B, table *Table, f *Facts, steps int) {
	b.ReportAllocs()
	for b.Loop() {
		if d := table.Decide(f); len(d.Steps) != steps {
			b.Fatalf("decision %+v", d)
		}
	}
}

// indexedConditions contains conditions with a requirement in the index, in each form of docs/routing.md.
// unindexedConditions contains conditions without one. Of n rules, the last one matches benchFacts(n).
var (
	indexedConditions = []string{
		`attr("points") == "%d"`, `data("shop.payload", "order.id") == "%d"`, `attr("points") in ["%d", "none%[1]d"]`,
		`owner == "faq" && attr("points") == "%d"`, `mentions(["parcel%d"])`, `text.contains("parcel%d.")`,
		`text.startsWith("parcel%d") || text.endsWith("parcel%[1]d.")`, `text == "parcel%d" || attr("points") == "%[1]d"`,
		`text in ["parcel%d"] || data("shop.payload", "order.id") == "%[1]d"`, `text.matches(r"(?i)\bparcel[ -]?%d\b")`,
	}
	unindexedConditions = []string{
		`!(attr("points") == "%d0")`, `handovers == 0 ? attr("points") == "%d" : false`, `number(attr("points")) == %d`,
		`text.matches(r"\S+\S+") && int(attr("points")) == %d`, `attr("points") == "%d" || handovers > 7`,
	}
)

// The test counts the conditions that a decision evaluates.
func TestIndexedDecisionsDoNotDependOnTheNumberOfRules(t *testing.T) {
	for _, n := range []int{10, 1_000} {
		for i, condition := range append(slices.Clone(indexedConditions), unindexedConditions...) {
			table := benchTable(t, n, condition)
			in, evaluated := input{facts: benchFacts(n)}, 0
			cur := table.candidates(&in)
			for _, ok := cur.next(); ok; _, ok = cur.next() {
				evaluated++
			}
			if indexed := i < len(indexedConditions); indexed && evaluated > 3 || !indexed && evaluated != n {
				t.Errorf("%s: %d of %d conditions are evaluated", condition, evaluated, n)
			}
			if d := table.Decide(benchFacts(n)); len(d.Steps) != 1 || len(d.Errors) > 0 {
				t.Errorf("%s: decision %+v", condition, d)
			}
		}
	}
}
