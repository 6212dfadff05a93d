package route

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
)

// maxSpelled is the maximum number of texts in a spelling.
const maxSpelled = 12

// spelling has texts for an element of a pattern: every match of the element contains at least one of them. If exact
// is set, every match is one of them. Runes are folded, and white space is a space. Without texts, a match can be any
// text.
type spelling struct {
	texts []string
	exact bool
}

// patternWords returns folded words. If the pattern matches a text, the folded text contains at least one of them. It
// returns nil if it finds none.
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
	for _, w := range s.texts { // a text that contains w contains each prefix of w
		if len(out) == 0 || !strings.HasPrefix(w, out[len(out)-1]) {
			out = append(out, w)
		}
	}
	return out
}

func spell(re *syntax.Regexp) spelling {
	switch re.Op {
	case syntax.OpLiteral:
		return spelling{texts: []string{strings.Map(spellRune, string(re.Rune))}, exact: true}
	case syntax.OpCharClass:
		return spellClass(re.Rune)
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return spelling{texts: []string{""}, exact: true}
	case syntax.OpCapture:
		return spell(re.Sub[0])
	case syntax.OpQuest:
		if s := spell(re.Sub[0]); s.exact {
			return spelling{texts: append(s.texts, ""), exact: true}
		}
	case syntax.OpPlus:
		return spelling{texts: spell(re.Sub[0]).texts}
	case syntax.OpRepeat:
		if re.Min > 0 {
			return spelling{texts: spell(re.Sub[0]).texts}
		}
	case syntax.OpAlternate:
		return spellAlternatives(re.Sub)
	case syntax.OpConcat:
		return spellSequence(re.Sub)
	}
	return spelling{}
}

// spellClass spells out a class of few characters. Ranges has pairs of the first and the last one.
func spellClass(ranges []rune) spelling {
	out := spelling{exact: true}
	for i := 0; i < len(ranges); i += 2 {
		if ranges[i+1]-ranges[i] >= 2*maxSpelled {
			return spelling{}
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if s := string(spellRune(r)); !slices.Contains(out.texts, s) {
				out.texts = append(out.texts, s)
			}
		}
	}
	if len(out.texts) > maxSpelled {
		return spelling{}
	}
	return out
}

func spellAlternatives(list []*syntax.Regexp) spelling {
	out := spelling{exact: true}
	for _, re := range list {
		s := spell(re)
		if len(s.texts) == 0 {
			return spelling{}
		}
		out.texts, out.exact = append(out.texts, s.texts...), out.exact && s.exact
	}
	return out
}

// spellSequence joins adjacent exact elements. It returns the best spelling among the results and the inexact
// elements.
func spellSequence(list []*syntax.Regexp) spelling {
	empty := spelling{texts: []string{""}, exact: true}
	best, run, exact := spelling{}, empty, true
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

func (s spelling) followedBy(next spelling) spelling {
	out := spelling{exact: true}
	for _, first := range s.texts {
		for _, second := range next.texts {
			out.texts = append(out.texts, first+second)
		}
	}
	return out
}

// better returns the spelling whose texts are likely to occur in fewer messages: the one with the longer shortest
// text, or else with fewer texts.
func (s spelling) better(other spelling) spelling {
	a, b := s.shortest(), other.shortest()
	if s.texts == nil || b > a || b == a && len(other.texts) < len(s.texts) {
		return other
	}
	return s
}

// shortest returns the length of the shortest text, 0 without texts.
func (s spelling) shortest() int {
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
