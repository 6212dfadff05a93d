package text

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
	"pgregory.net/rapid"
)

// characters lists clusters of several code points, and code points that can extend a cluster.
var characters = []string{
	"ที่", "นี่", "น้ำ", "क्षि", "e\u0301", "👨‍👩‍👧", "👩🏽‍❤️‍💋‍👨🏽", "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", "🇩🇪", "각", "\r\n",
	"a", " ", "\n", "\t", "客", "é", "😀", ".", "क", "ষ", "1️⃣", "\u0600", "\u200d",
}

// boundaries returns the boundaries between the clusters of a whole text.
func boundaries(s string) []int {
	out := []int{0}
	for clusters := graphemes.FromString(s); clusters.Next(); {
		out = append(out, clusters.End())
	}
	return out
}

func TestCutsAreBetweenClusters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOfN(rapid.SampledFrom(characters), 1, 300).Draw(t, "characters")
		s := strings.Join(drawn, "")
		if rapid.Bool().Draw(t, "equal") {
			s = strings.Repeat(drawn[0], len(drawn))
		}
		all, longest := boundaries(s), 0
		for i := range all[1:] {
			longest = max(longest, all[i+1]-all[i])
		}
		if longest > maxClusterBytes {
			t.Skip("a cluster longer than the limit")
		}
		at := rapid.IntRange(longest, max(longest, len(s))).Draw(t, "at")
		i, exact := slices.BinarySearch(all, min(at, len(s)))
		if !exact {
			i--
		}
		if got := Clip(s, at); len(got) != all[i] {
			t.Errorf("Clip(%+q, %d) ends at %d, want %d", s, at, len(got), all[i])
		}
		low := rapid.IntRange(0, at-longest).Draw(t, "low")
		if cut := CutPoint(s, low, min(at, len(s))); cut <= low || cut > at || !slices.Contains(all, cut) {
			t.Errorf("CutPoint(%+q, %d, %d) = %d, boundaries %v", s, low, at, cut, all)
		}
	})
}

func TestCutPoint(t *testing.T) {
	flags, zalgo := strings.Repeat("🇩🇪", 100), "e"+strings.Repeat("\u0301", 300)
	for _, tc := range []struct {
		name    string
		s       string
		low, at int
		want    int
	}{
		{"after a space", "one two three", 0, 9, 8},
		{"after a line feed", "one\ntwo three", 0, 6, 4},
		{"no space above low", "one two three", 4, 7, 7},
		{"space with an accent", "one \u0301two", 0, 8, 8},
		{"ASCII", "abcdefgh", 2, 5, 5},
		{"CRLF", "abc\r\ndef", 0, 4, 3},
		{"flags", flags, 0, 404, 400},
		{"many flags", "x" + flags, 500, 604, 601},
		{"long cluster", zalgo, 400, 500, 499},
		{"end", "abc", 0, 3, 3},
		{"not UTF-8", "ab\xff\xff\xff\xff", 0, 4, 4},
	} {
		if got := CutPoint(tc.s, tc.low, tc.at); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
}

func FuzzCutPoint(f *testing.F) {
	f.Add("Grüße, 世界 😀", 2, 7)
	f.Add("\xe4\xb8\xff\x80\x80\x80\x80\x80", 0, 4)
	f.Fuzz(func(t *testing.T, s string, low, at int) {
		if at > len(s) || low < 0 || low > at-utf8.UTFMax {
			return
		}
		if cut := CutPoint(s, low, at); cut <= low || cut > at || utf8.ValidString(s) && !utf8.ValidString(s[:cut]) {
			t.Errorf("CutPoint(%+q, %d, %d) = %d", s, low, at, cut)
		}
	})
}

func BenchmarkSplit(b *testing.B) {
	for name, unit := range map[string]string{"ASCII": "the quick brown fox ", "Thai": "ที่นี่มีน้ำ", "flags": "🇩🇪"} {
		s := strings.Repeat(unit, 1<<20/len(unit))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				Split(s, 1024)
			}
		})
	}
}
