package route

import "strings"

// Closest returns the candidate with the smallest edit distance to a word. It returns "" if the distance is more than 3
// or more than a third of the word's length, rounded up. Case does not count.
func Closest(word string, candidates []string) string {
	best, limit := "", min(3, (len(word)+2)/3)
	lower := strings.ToLower(word)
	for _, c := range candidates {
		if c == "" || c == word {
			continue
		}
		if d := distance([]rune(lower), []rune(strings.ToLower(c))); d <= limit {
			best, limit = c, d-1
		}
	}
	return best
}

// distance returns the optimal string alignment distance: insertions, deletions, replacements and swaps of neighbors
// count one each.
func distance(a, b []rune) int {
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
