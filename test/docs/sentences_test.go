package docs

import (
	"regexp"
	"strings"
)

var (
	linked   = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	listItem = regexp.MustCompile(`^(- |\d+\. )`)
	label    = regexp.MustCompile(`^\*\*[^*]*\.\*\* `)
	divider  = regexp.MustCompile(`^\|[-|]+$`)
	boundary = regexp.MustCompile("([.!?]) ([A-Z`*])")
)

// sentence is a sentence of a page, or a sentence in a row of a table.
type sentence struct {
	section string // anchor of the heading of level 2
	text    string // links are replaced by their texts, cells of a row are separated by |
	line    int
}

// split returns the sentences of a text. A sentence can begin with a name in backticks.
func split(text string) []string {
	text = label.ReplaceAllString(linked.ReplaceAllString(strings.TrimSpace(text), "$1"), "")
	return strings.Split(boundary.ReplaceAllString(text, "$1\n$2"), "\n")
}

// sentencesOf returns the sentences of a page. It omits code blocks, headings and the first rows of tables.
func sentencesOf(page string) (out []sentence) {
	section, paragraph, start, code := "", "", 0, false
	lines := strings.Split(page+"\n\n", "\n")
	for i, l := range lines[:len(lines)-1] {
		fence, row, head := strings.HasPrefix(l, "```"), strings.HasPrefix(l, "|"), strings.HasPrefix(l, "#")
		if l == "" || fence || row || head || listItem.MatchString(l) {
			for _, s := range split(paragraph) {
				if s != "" {
					out = append(out, sentence{section, s, start})
				}
			}
			paragraph, start = "", i+1
		}
		switch code = code != fence; {
		case l == "" || code || fence || divider.MatchString(l) || row && divider.MatchString(lines[i+1]):
		case strings.HasPrefix(l, "## "):
			section = strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(l[3:]), "`", ""), " ", "-")
		case row:
			paragraph = strings.ReplaceAll(strings.Trim(l, "| "), "| | ", "| ")
		case !head:
			paragraph += " " + strings.TrimSpace(listItem.ReplaceAllString(l, ""))
		}
	}
	return out
}
