package render

import (
	"strings"
	"unicode/utf8"
)

// slack is the number of bytes by which a cut may move back to a better place.
func slack(limit int) int { return max(limit/8, utf8.UTFMax) }

// CountPieces returns the number of pieces for a text of the given length. It does not depend on the text.
func CountPieces(textBytes uint32, limit int) uint32 {
	if limit <= 0 || int(textBytes) <= limit {
		return 1
	}
	step := max(limit-slack(limit), 1)
	return uint32((int(textBytes) + step - 1) / step)
}

// Piece returns piece i of n of a text. A piece has at most limit bytes, and all pieces joined are the text. Cuts are
// between characters, and after white space if there is some near. Pieces may be empty if the text is shorter than the
// length that n was computed for.
func Piece(text string, i, n uint32, limit int) string {
	if n <= 1 || limit <= 0 {
		return text
	}
	end := len(text)
	if i < n-1 {
		end = pieceStart(text, int(i)+1, limit)
	}
	return text[pieceStart(text, int(i), limit):end]
}

// pieceStart returns the offset at which piece i begins.
func pieceStart(text string, i, limit int) int {
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
