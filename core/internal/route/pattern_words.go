package route

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
)

// maxSpelled bounds the number of texts that an element of a pattern is spelled out as.
const maxSpelled = 12

// spelled has texts of which every match of an element of a pattern contains one. If exact, every match is one of them.
// Runes are folded, and white space is a space. Without texts, nothing is known.
type spelled struct {
	texts []string
	exact bool
}

// patternWords returns words of which the folded text contains at least one if the pattern matches the text. It returns
// nil if it finds none.
func patternWords(pattern string) []string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	s := spell(re)
	if s.shortest() == 0 {
		return nil
	}
	for i := range s.texts {
		s.texts[i] = fold(s.texts[i])
	}
	slices.Sort(s.texts)
	var out []string
	for _, w := range s.texts { // texts with w contain its beginnings too
		if len(out) == 0 || !strings.HasPrefix(w, out[len(out)-1]) {
			out = append(out, w)
		}
	}
	return out
}

func spell(re *syntax.Regexp) spelled {
	switch re.Op {
	case syntax.OpLiteral:
		return spelled{texts: []string{strings.Map(spellRune, string(re.Rune))}, exact: true}
	case syntax.OpCharClass:
		return spellClass(re.Rune)
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return spelled{texts: []string{""}, exact: true}
	case syntax.OpCapture:
		return spell(re.Sub[0])
	case syntax.OpQuest:
		if s := spell(re.Sub[0]); s.exact {
			return spelled{texts: append(s.texts, ""), exact: true}
		}
	case syntax.OpPlus:
		return spelled{texts: spell(re.Sub[0]).texts}
	case syntax.OpRepeat:
		if re.Min > 0 {
			return spelled{texts: spell(re.Sub[0]).texts}
		}
	case syntax.OpAlternate:
		return spellAlternatives(re.Sub)
	case syntax.OpConcat:
		return spellSequence(re.Sub)
	}
	return spelled{}
}

// spellClass spells out a class of few characters. Ranges has pairs of the first and the last one.
func spellClass(ranges []rune) spelled {
	out := spelled{exact: true}
	for i := 0; i < len(ranges); i += 2 {
		if ranges[i+1]-ranges[i] >= 2*maxSpelled {
			return spelled{}
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if s := string(spellRune(r)); !slices.Contains(out.texts, s) {
				out.texts = append(out.texts, s)
			}
		}
	}
	if len(out.texts) > maxSpelled {
		return spelled{}
	}
	return out
}

func spellAlternatives(list []*syntax.Regexp) spelled {
	out := spelled{exact: true}
	for _, re := range list {
		s := spell(re)
		if len(s.texts) == 0 {
			return spelled{}
		}
		out.texts, out.exact = append(out.texts, s.texts...), out.exact && s.exact
	}
	return out
}

// spellSequence joins adjacent exact elements, and returns the best of the results and of the other elements.
func spellSequence(list []*syntax.Regexp) spelled {
	empty := spelled{texts: []string{""}, exact: true}
	best, run, exact := spelled{}, empty, true
	for _, re := range list {
		s := spell(re)
		if s.exact && len(run.texts)*len(s.texts) <= maxSpelled {
			run = run.followedBy(s)
			continue
		}
		best, exact = best.better(run), false
		if run = s; !s.exact {
			best, run = best.better(s), empty
		}
	}
	best = best.better(run)
	best.exact = exact
	return best
}

func (s spelled) followedBy(next spelled) spelled {
	out := spelled{exact: true}
	for _, first := range s.texts {
		for _, second := range next.texts {
			out.texts = append(out.texts, first+second)
		}
	}
	return out
}

// better returns what fewer texts are likely to contain.
func (s spelled) better(other spelled) spelled {
	a, b := s.shortest(), other.shortest()
	if s.texts == nil || b > a || b == a && len(other.texts) < len(s.texts) {
		return other
	}
	return s
}

// shortest returns the length of the shortest text, 0 without texts.
func (s spelled) shortest() int {
	if len(s.texts) == 0 {
		return 0
	}
	return len(slices.MinFunc(s.texts, func(a, b string) int { return len(a) - len(b) }))
}

func spellRune(r rune) rune {
	if unicode.IsSpace(r) {
		return ' '
	}
	return foldRune(r)
}
