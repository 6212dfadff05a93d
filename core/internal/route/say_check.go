package route

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"patchbay/core/internal/finding"
	"patchbay/sdk/envelope"
)

var languageTag = regexp.MustCompile(`^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$`)

var placeholderNames = []string{"customer_name", "owner_title", "attr"}

const placeholderHelp = `a text can contain {{customer_name}}, {{owner_title}} and {{attr "name"}}`

func (c *checker) checkSay() {
	say := &c.rule.Say
	if !say.IsSet() {
		return
	}
	if len(say.Languages) == 0 {
		c.checkText("say", say.Default)
		return
	}
	if say.Default == "" {
		c.report(finding.MissingKey, "say.default", "",
			"missing; add the text for customers whose language is unknown or not listed")
	} else {
		c.checkText("say.default", say.Default)
	}
	seen := map[string]string{}
	for _, tag := range slices.Sorted(maps.Keys(say.Languages)) {
		field := "say." + tag
		switch other, twice := seen[canonicalTag(tag)]; {
		case !languageTag.MatchString(tag):
			c.add(Problem{Code: finding.InvalidName, Field: field, Key: true,
				Message: fmt.Sprintf("%q is not a language tag, such as zh or pt-BR", tag)})
		case twice:
			c.add(Problem{Code: finding.ListedTwice, Field: field, Key: true, Message: "is the same language as " + other})
		}
		seen[canonicalTag(tag)] = tag
		c.checkText(field, say.Languages[tag])
	}
}

// checkText checks one text of a notice.
func (c *checker) checkText(field, said string) {
	switch {
	case strings.TrimSpace(said) == "":
		c.report(finding.EmptyValue, field, "", "contains no text")
	case !utf8.ValidString(said):
		c.report(finding.InvalidValue, field, "", "is not valid UTF-8")
	case len(said) > envelope.MaxTextBytes:
		c.report(finding.InvalidValue, field, "", "has %d bytes, at most %d are possible", len(said), envelope.MaxTextBytes)
	default:
		if r, bad := controlCharacter(said); bad {
			line, column := positionOf(said, strings.IndexRune(said, r))
			c.add(Problem{Code: finding.ControlCharacter, Field: field, Line: line, Column: column,
				Message: fmt.Sprintf("contains the control character %U", r)})
		}
		c.checkPlaceholders(field, said)
	}
}

// checkPlaceholders reports each {{ of a text that does not begin a valid placeholder.
func (c *checker) checkPlaceholders(field, said string) {
	for at := 0; ; at += 2 {
		next := strings.Index(said[at:], "{{")
		if next < 0 {
			return
		}
		at += next
		message, suggestion := placeholderProblem(said[at:])
		if message == "" {
			continue
		}
		line, column := positionOf(said, at)
		c.add(Problem{Code: finding.UnknownPlaceholder, Field: field, Line: line, Column: column, Message: message,
			Suggestion: suggestion})
	}
}

// placeholderProblem returns the problem of the placeholder at the beginning of a text, or "".
func placeholderProblem(said string) (message, suggestion string) {
	inner, _, closed := strings.Cut(said[2:], "}}")
	if !closed {
		return "{{ has no }}; " + placeholderHelp, ""
	}
	whole := said[:len(inner)+4]
	if group := placeholder.FindStringSubmatch(whole); group != nil && group[0] == whole {
		switch {
		case group[1] == "customer_name", group[1] == "owner_title", group[1] == "" && group[2] != "":
			return "", ""
		}
	}
	word, _, _ := strings.Cut(strings.TrimSpace(inner), " ")
	return whole + " is not known; " + placeholderHelp, Closest(word, placeholderNames)
}

// positionOf returns the line and the column of a byte, from 1, in characters.
func positionOf(s string, at int) (line, column int) {
	before := s[:at]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}
