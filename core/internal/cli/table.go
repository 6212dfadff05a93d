package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// columns is the width of lists and trails. Only words that are longer make a line longer.
const columns = 100

// wrap prints text after a prefix. Further lines begin with indent.
func wrap(w io.Writer, prefix, indent, text string) {
	line := prefix
	for i, word := range strings.Fields(text) {
		if i > 0 && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > columns {
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

// count returns a number with its noun: "1 attempt", "2 attempts".
func count[N int | uint32](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
