package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// columns is the width of lists and trails.
const columns = 100

// wrap prints text after a prefix. Further lines begin with indent. Words that are longer than a line are split.
func wrap(w io.Writer, prefix, indent, text string) {
	if utf8.RuneCountInString(prefix) > columns { // long names
		prefix, text = "", prefix+" "+text
	}
	line := prefix
	for i, word := range words(text, columns-utf8.RuneCountInString(indent)) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > columns {
			fmt.Fprintln(w, strings.TrimRight(line, " "))
			line = indent + word
			continue
		}
		if i > 0 {
			line += " "
		}
		line += word
	}
	fmt.Fprintln(w, strings.TrimRight(line, " "))
}

// words returns the words of a text in pieces of at most limit characters.
func words(text string, limit int) []string {
	var out []string
	for _, word := range strings.Fields(text) {
		letters := []rune(word)
		for ; len(letters) > limit; letters = letters[limit:] {
			out = append(out, string(letters[:limit]))
		}
		out = append(out, string(letters))
	}
	return out
}

// row is an entry of a list.
type row struct {
	cells []string
	below []string // texts on further lines
}

// writeList prints a table of rows, with the texts of each row below it, and the number of entries.
func writeList(w io.Writer, header []string, rows []row, total string) {
	var table strings.Builder
	tw := tabwriter.NewWriter(&table, 2, 8, 2, ' ', 0)
	fmt.Fprintln(tw, strings.Join(header, "\t"))
	for _, r := range rows {
		fmt.Fprintln(tw, strings.Join(r.cells, "\t"))
	}
	_ = tw.Flush() // a strings.Builder has no errors
	lines := strings.Split(table.String(), "\n")
	for i := range len(rows) + 1 {
		wrap(w, strings.TrimRight(lines[i], " "), "      ", "")
		if i == 0 {
			continue
		}
		for _, text := range rows[i-1].below {
			wrap(w, "  ", "  ", text)
		}
	}
	fmt.Fprintln(w, total)
}

// count returns a number with its noun: "1 attempt", "2 attempts".
func count[N int | uint32](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
