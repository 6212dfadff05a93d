package route

import (
	"maps"
	"slices"

	"github.com/coregx/ahocorasick"
)

// Limits of the words in the index. A node has an entry of 4 bytes for each different byte of the words, and the number
// of entries is rounded up to a power of two: 128 bytes for English words, 512 for Chinese ones.
const (
	maxWordBytes = 64 // of one word; longer words are cut
	maxNodes     = 1 << 18
)

// wordSearch finds the words that the rules require, all in one pass over a text.
type wordSearch struct {
	automaton *ahocorasick.Automaton // nil without words
	words     []string               // by pattern
}

// newWordSearch builds the search for the words in the requirements of the rules. If the words need too many nodes, it
// cuts them in the requirements. A cut word is found in every text with the whole word, so no rule is missed.
func newWordSearch(rules []compiledRule, nodes int) wordSearch {
	for limit := maxWordBytes; ; limit /= 2 {
		words := cutWords(rules, limit)
		if countNodes(words) > nodes {
			continue
		}
		automaton, err := ahocorasick.NewBuilder().AddStrings(words).Build()
		if err != nil { // no words
			return wordSearch{}
		}
		return wordSearch{automaton: automaton, words: words}
	}
}

// cutWords cuts the words in the requirements of the rules, and returns them sorted.
func cutWords(rules []compiledRule, limit int) []string {
	all := map[string]bool{}
	for i := range rules {
		if rules[i].when == nil {
			continue
		}
		for j, t := range rules[i].when.requirements {
			if t.key == wordKey {
				word := t.value[:min(len(t.value), limit)]
				rules[i].when.requirements[j].value = word
				all[word] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// countNodes returns the number of different beginnings of sorted words.
func countNodes(words []string) int {
	nodes, last := 0, ""
	for _, w := range words {
		common := 0
		for common < min(len(w), len(last)) && w[common] == last[common] {
			common++
		}
		nodes, last = nodes+len(w)-common, w
	}
	return nodes
}

// find returns the rules of the words in a folded text, in ascending order.
func (s *wordSearch) find(text string, byWord map[string][]int) []int {
	var (
		out  []int
		seen []uint64 // a bit for each word
	)
	for _, m := range s.automaton.FindAllOverlapping([]byte(text)) {
		if seen == nil {
			seen = make([]uint64, len(s.words)/64+1)
		}
		if bit := uint64(1) << (m.PatternID % 64); seen[m.PatternID/64]&bit == 0 {
			seen[m.PatternID/64] |= bit
			out = append(out, byWord[s.words[m.PatternID]]...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
