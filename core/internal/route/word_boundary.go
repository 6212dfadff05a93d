package route

import (
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// boundaryNextTo returns a letter outside ASCII that a pattern has next to \b, or 0. There, \b does not find the end
// of a word, because only ASCII letters and digits form words for \b.
func boundaryNextTo(pattern string) rune {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0
	}
	return boundaryIn(re)
}

func boundaryIn(re *syntax.Regexp) rune {
	for _, sub := range re.Sub {
		if r := boundaryIn(sub); r != 0 {
			return r
		}
	}
	if re.Op != syntax.OpConcat {
		return 0
	}
	for i, sub := range re.Sub {
		switch {
		case i+1 == len(re.Sub):
		case lastOf(sub).Op == syntax.OpWordBoundary:
			if r := nonASCIILetter(re.Sub[i+1], true); r != 0 {
				return r
			}
		case firstIn(re.Sub[i+1]).Op == syntax.OpWordBoundary:
			if r := nonASCIILetter(sub, false); r != 0 {
				return r
			}
		}
	}
	return 0
}

// firstIn and lastOf return the first and the last element of a sequence, inside groups too.
func firstIn(re *syntax.Regexp) *syntax.Regexp {
	for (re.Op == syntax.OpConcat || re.Op == syntax.OpCapture) && len(re.Sub) > 0 {
		re = re.Sub[0]
	}
	return re
}

func lastOf(re *syntax.Regexp) *syntax.Regexp {
	for (re.Op == syntax.OpConcat || re.Op == syntax.OpCapture) && len(re.Sub) > 0 {
		re = re.Sub[len(re.Sub)-1]
	}
	return re
}

// nonASCIILetter returns a letter outside ASCII with which an element can begin (or end), or 0. It returns 0 for a
// negated class, although that can contain such letters.
func nonASCIILetter(re *syntax.Regexp, begin bool) rune {
	re = map[bool]func(*syntax.Regexp) *syntax.Regexp{true: firstIn, false: lastOf}[begin](re)
	switch re.Op {
	case syntax.OpLiteral:
		r := re.Rune[len(re.Rune)-1]
		if begin {
			r = re.Rune[0]
		}
		if r >= utf8.RuneSelf && unicode.IsLetter(r) {
			return r
		}
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			low, high := re.Rune[i], re.Rune[i+1]
			if low >= utf8.RuneSelf && unicode.IsLetter(low) && high < unicode.MaxRune {
				return low
			}
		}
	case syntax.OpAlternate, syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		i := slices.IndexFunc(re.Sub, func(sub *syntax.Regexp) bool { return nonASCIILetter(sub, begin) != 0 })
		if i >= 0 {
			return nonASCIILetter(re.Sub[i], begin)
		}
	}
	return 0
}
