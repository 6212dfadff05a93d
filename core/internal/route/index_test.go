package route

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"patchbay/sdk/envelope"
)

// decideWithoutIndex is Decide without the index.
func (t *Table) decideWithoutIndex(f *Facts) Decision {
	var d Decision
	for i := range t.rules {
		c := &t.rules[i]
		if !c.rule.isAbout(f.Event) || f.Done[i] || c.rule.After != f.After {
			continue
		}
		matches, err := c.matches(f, &input{facts: f})
		if err != nil {
			d.Errors = append(d.Errors, RuleError{Index: i, Rule: c.rule.Name, Err: err})
		}
		if matches {
			d.Steps = append(d.Steps, Step{Index: i, Rule: &c.rule})
			if !c.rule.Continue {
				break
			}
			f = f.withAttributes(c.rule.Set)
		}
	}
	return d
}

func genText() *rapid.Generator[string] {
	piece := rapid.OneOf(rapid.SampledFrom(vocabulary), rapid.SampledFrom([]string{"\xe4", "\xba\xba", " agent ", "x"}))
	return rapid.Map(rapid.SliceOfN(piece, 0, 6), func(s []string) string { return strings.Join(s, "") })
}

func genCondition(depth int) *rapid.Generator[string] {
	word := rapid.Map(rapid.SampledFrom(vocabulary), func(s string) string { return fmt.Sprintf("%q", s) })
	words := rapid.Map(rapid.SliceOfN(word, 1, 3), func(s []string) string { return strings.Join(s, ", ") })
	format := func(with string, g *rapid.Generator[string]) *rapid.Generator[string] {
		return rapid.Map(g, func(s string) string { return strings.ReplaceAll(with, "%", s) })
	}
	leaf := rapid.OneOf(
		format("mentions([%])", words.Filter(func(s string) bool { return fold(s) == s && !strings.Contains(s, `""`) })),
		format("mentions([%])", rapid.SampledFrom([]string{`"agent"`, `"人工", "b"`, `"STRASSE", "ς"`, `"k"`})),
		format("text.contains(%)", word), format("text.startsWith(%)", word), format("text.endsWith(%)", word),
		format("text.matches(r'%')", genPattern(2)), format("text == %", word), format("text in [%]", words),
		format(`"x" in [%]`, words), format(`attr("a") == %`, word), format(`% == attr("b")`, word),
		format(`attr("a") in [%]`, words), format(`data("j", "p") == %`, word),
		rapid.SampledFrom([]string{
			`owner == "faq"`, `owner in ["faq", "desk"]`, `channel == "livechat"`, `int(attr("a")) > 7`, `size(text) > 3`, "true",
			`owner_role != "bot"`, `1 / handovers > 0`,
		}))
	if depth == 0 {
		return leaf
	}
	sub := rapid.Deferred(func() *rapid.Generator[string] { return genCondition(depth - 1) })
	binary := func(operator string) *rapid.Generator[string] {
		return rapid.Map(rapid.SliceOfN(sub, 2, 3), func(s []string) string { return "(" + strings.Join(s, operator) + ")" })
	}
	return rapid.OneOf(leaf, binary(" && "), binary(" || "), format("!(%)", sub),
		rapid.Map(rapid.SliceOfN(sub, 3, 3), func(s []string) string { return fmt.Sprintf("(%s ? %s : %s)", s[0], s[1], s[2]) }))
}

// Decisions with and without the index are equal, also for conditions that fail.
func TestTheIndexChangesNoDecision(t *testing.T) {
	lang := newLanguage(testChannels)
	matched := 0
	rapid.Check(t, func(t *rapid.T) {
		table := &Table{channels: testChannels}
		for i := range rapid.IntRange(1, 8).Draw(t, "rules") {
			r := Rule{Name: fmt.Sprint("r", i), Events: []Event{EventMessage}, Continue: rapid.IntRange(0, 3).Draw(t, "continue") > 0}
			if rapid.Bool().Draw(t, "set") {
				r.Set = map[string]string{"a": rapid.SampledFrom(vocabulary).Draw(t, "set a"), "j": `{"p": "agent"}`}
			}
			r.From = rapid.SampledFrom([][]string{nil, {"customer"}, {"bot", "livechat"}, {"desk"}}).Draw(t, "from")
			when, problems := lang.compile(genCondition(2).Draw(t, "condition"))
			if when == nil {
				t.Log(problems)
				continue
			}
			table.rules = append(table.rules, compiledRule{rule: r, when: when})
		}
		table.buildIndex(testChannels)
		for range 10 {
			name := rapid.SampledFrom([]string{"livechat", "faq", "desk", "removed"}).Draw(t, "channel")
			f := &Facts{
				Event: EventMessage, Channel: name, Role: testChannels[name], Text: genText().Draw(t, "text"),
				Owner: rapid.SampledFrom([]string{"faq", "desk"}).Draw(t, "owner"), OwnerRole: envelope.RoleBot,
				Handovers: rapid.Int64Range(0, 1).Draw(t, "handovers"), Now: time.Unix(0, 0),
				Attributes: map[string]string{
					"a": rapid.SampledFrom(vocabulary).Draw(t, "a"), "b": rapid.SampledFrom(vocabulary).Draw(t, "b"),
					"j": fmt.Sprintf(`{"p": %q}`, rapid.SampledFrom(vocabulary).Draw(t, "j")),
				},
				Done: map[int]bool{rapid.IntRange(0, 8).Draw(t, "done"): true},
			}
			got, want := table.Decide(f), table.decideWithoutIndex(f)
			matched += len(want.Steps)
			if diff := cmp.Diff(fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got)); diff != "" {
				t.Fatalf("with the index %s", diff)
			}
		}
	})
	if matched == 0 {
		t.Error("no rule matched")
	}
}

func TestTooManyWordsAreCut(t *testing.T) {
	rules := make([]compiledRule, 600)
	for i := range rules {
		long := fmt.Sprint("long-", strings.Repeat(fmt.Sprint(i, " "), 40))
		rules[i].when = &condition{requirements: requirementsOf("a", long)}
	}
	for nodes, want := range map[int]int{100_000: maxWordBytes, 10_000: 16, 30: 4, 4: 2} {
		s := newWordSearch(rules, nodes)
		if got := len(slices.MaxFunc(s.words, func(a, b string) int { return len(a) - len(b) })); got > want {
			t.Errorf("words of %d bytes in %d nodes, want %d", got, nodes, want)
		}
		found := s.find("a text", map[string][]int{"a": {2, 5}, s.words[0]: {2, 5}, "long": {7}})
		if !slices.Equal(found, []int{2, 5}) {
			t.Errorf("rules %v", found)
		}
	}
}
