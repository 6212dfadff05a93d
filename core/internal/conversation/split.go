package conversation

import (
	"strings"
	"unicode/utf8"
)

// slack is the part of a limit that a cut may move back to find a good place.
func slack(limit int) int { return max(limit/8, utf8.UTFMax) }

// pieces returns into how many pieces a text of so many bytes is cut; the number does not depend on the words.
func pieces(textBytes uint32, limit int) uint32 {
	if limit <= 0 || int(textBytes) <= limit {
		return 1
	}
	step := max(limit-slack(limit), 1)
	return uint32((int(textBytes) + step - 1) / step)
}

// Piece returns piece i of n of a text that is cut for a limit in bytes. The pieces joined are the text; each
// is at most limit bytes long; cuts are between characters, and after white space where there is some near.
// A piece may be empty if the text is shorter than was said when it was queued.
func Piece(text string, i, n uint32, limit int) string {
	if n <= 1 || limit <= 0 {
		return text
	}
	return text[cut(text, int(i), limit):cutEnd(text, int(i), int(n), limit)]
}

func cutEnd(text string, i, n, limit int) int {
	if i == n-1 {
		return len(text)
	}
	return cut(text, i+1, limit)
}

// cut returns where piece i begins.
func cut(text string, i, limit int) int {
	if i == 0 {
		return 0
	}
	at := i * max(limit-slack(limit), 1)
	if at >= len(text) {
		return len(text)
	}
	for n := 1; n < utf8.UTFMax && at > 0 && !utf8.RuneStart(text[at]); n++ {
		at--
	}
	low := max(at-slack(limit)+utf8.UTFMax, 0)
	if j := strings.LastIndexAny(text[low:at], " \n\t"); low < at && j >= 0 {
		return low + j + 1
	}
	return at
}
