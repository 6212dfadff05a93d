package route

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

func TestPatternWords(t *testing.T) {
	for _, tc := range []struct{ pattern, want string }{
		{`agent`, "agent"},
		{`(?i)\bAgent\b`, "agent"},
		{`agents?`, "agent"},
		{`\b(refund|return)s?\b`, "refund return"},
		{`^(?:ask|talk to) (?:a|an) (agent|human)$`,
			"ask a agent|ask a human|ask an agent|ask an human|talk to a agent|talk to a human|talk to an agent|talk to an human"},
		{`order[ -]?\d+`, "order"},
		{`\d+ pieces`, " pieces"},
		{`.foo`, "foo"},
		{`a(?:.foo)?b`, "a"},
		{`(?:x.*)?bar`, "bar"},
		{`(abc)+`, "abc"},
		{`(abc){2,}`, "abc"},
		{`a\s+b`, "a"},
		{`人工(客服)?`, "人工"},
		{`[Ee]cole|école`, "ecole|École"},
		{"", ""},
		{`\d{6}`, "0 1 2 3 4 5 6 7 8 9"},
		{`(abc)*`, ""},
		{`(abc){0,3}`, ""},
		{`abc|`, ""},
		{`abc|\w+`, ""},
		{`^$`, ""},
		{`[`, ""},
	} {
		separator := "|"
		if !strings.Contains(tc.want, "|") && !strings.HasPrefix(tc.want, " ") {
			separator = " "
		}
		if got := strings.Join(patternWords(tc.pattern), separator); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.pattern, got, tc.want)
		}
	}
}

// vocabulary lists texts with special cases of letters, with white space, and words that contain other words.
var vocabulary = []string{
	"a", "agent", "agents", "reagent", "AGENT", "b", "k", "K", "\u212a", "s", "ſ", "Straße", "ß", "ẞ", "ﬀ", "Σ", "ς", "ǅ", "İ", "ı",
	"Ａ", "ａｇｅｎｔ", "人", "人工", "转人工客服", " ", "  ", "\t", "\u00a0", "\u3000", "-", "_", "7", "42", "é", "e\u0301", "\ufffd", "",
}

func genPattern(depth int) *rapid.Generator[string] {
	leaf := rapid.OneOf(
		rapid.Map(rapid.SampledFrom(vocabulary), regexp.QuoteMeta),
		rapid.SampledFrom([]string{
			".", `\d`, `\w`, `\s`, `\b`, `\B`, "^", "$", "[a-e]", "[^a]", "[sk]", `[\s-]`, `\pL`, "(?i)", "(?s).", "(?m)^", "[人工]",
		}))
	if depth == 0 {
		return leaf
	}
	sub := rapid.Deferred(func() *rapid.Generator[string] { return genPattern(depth - 1) })
	return rapid.OneOf(leaf,
		rapid.Map(rapid.SliceOfN(sub, 1, 4), func(s []string) string { return strings.Join(s, "") }),
		rapid.Map(rapid.SliceOfN(sub, 1, 4), func(s []string) string { return "(" + strings.Join(s, "|") + ")" }),
		rapid.Custom(func(t *rapid.T) string {
			return "(?:" + sub.Draw(t, "repeated") + ")" + rapid.SampledFrom([]string{"*", "+", "?", "{2}", "{1,3}", "{0,2}"}).Draw(t, "times")
		}),
		rapid.Map(sub, func(s string) string { return "(?i:" + s + ")" }))
}

// match generates a text that probably matches re.
func match(t *rapid.T, re *syntax.Regexp) string {
	var b strings.Builder
	times := 1
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			for range rapid.IntRange(0, 3).Draw(t, "folds") {
				if re.Flags&syntax.FoldCase != 0 {
					r = unicode.SimpleFold(r)
				}
			}
			b.WriteRune(r)
		}
		return b.String()
	case syntax.OpCharClass:
		i := rapid.IntRange(0, len(re.Rune)/2-1).Draw(t, "range")
		return string(rapid.Int32Range(re.Rune[2*i], min(re.Rune[2*i]+100, re.Rune[2*i+1])).Draw(t, "rune"))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return rapid.SampledFrom([]string{"x", "人", " ", "\xff"}).Draw(t, "any")
	case syntax.OpAlternate:
		return match(t, rapid.SampledFrom(re.Sub).Draw(t, "alternative"))
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		times = rapid.IntRange(0, 3).Draw(t, "times")
	}
	for range times {
		for _, sub := range re.Sub {
			b.WriteString(match(t, sub))
		}
	}
	return b.String()
}

func checkPatternWords(t interface{ Fatalf(string, ...any) }, pattern, text string) {
	re, err := regexp.Compile(pattern)
	if err != nil || !re.MatchString(text) {
		return
	}
	words, folded := patternWords(pattern), fold(text)
	if words != nil && !slices.ContainsFunc(words, func(w string) bool { return w != "" && strings.Contains(folded, w) }) {
		t.Fatalf("%q matches %q, which has none of %q", pattern, text, words)
	}
}

func TestMatchesHaveAWordOfThePattern(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := genPattern(3).Draw(t, "pattern")
		re, err := syntax.Parse(pattern, syntax.Perl)
		if err != nil {
			t.Skip(err)
		}
		around := rapid.SampledFrom(vocabulary)
		checkPatternWords(t, pattern, around.Draw(t, "before")+match(t, re)+around.Draw(t, "after"))
	})
}

func FuzzPatternWords(f *testing.F) {
	f.Add(`(?i)\bpar(cel|sel)[ -]?\d+`, "where is parsel 7?")
	f.Add(`a\s+b|c`, "A \t b")
	f.Fuzz(func(t *testing.T, pattern, text string) { checkPatternWords(t, pattern, text) })
}

func TestFoldingIsStable(t *testing.T) {
	for r := range unicode.MaxRune + 1 {
		if s := string(r); fold(fold(s)) != fold(s) {
			t.Errorf("%U: %q, then %q", r, fold(s), fold(fold(s)))
		}
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			if fold(string(f)) != fold(string(r)) {
				t.Errorf("%U and %U differ", r, f)
			}
		}
	}
}
