package render

import (
	"unicode/utf8"

	"patchbay/sdk/text"
)

// clusterBytes is the length of the longest usual clusters, which are sequences of emoji. If the limit is at least
// four times as long, no cut divides such a cluster. With a lower limit, this would need too many pieces.
const clusterBytes = 40

// slack is the number of bytes by which a cut may move back to a better place. Clusters that are longer than this may
// be divided.
func slack(limit int) int {
	if limit >= 4*clusterBytes {
		return max(limit/8, clusterBytes)
	}
	return max(limit/8, utf8.UTFMax)
}

// CountPieces returns the number of pieces for a text of the given length. It does not depend on the text.
func CountPieces(textBytes uint32, limit int) uint32 {
	if limit <= 0 || int(textBytes) <= limit {
		return 1
	}
	step := max(limit-slack(limit), 1)
	return uint32((int(textBytes) + step - 1) / step)
}

// VisiblePiece returns Piece, or "" if the piece is blank.
func VisiblePiece(s string, i, n uint32, limit int) string {
	if piece := Piece(s, i, n, limit); !text.IsBlank(piece) {
		return piece
	}
	return ""
}

// Piece returns piece i of n of a text. A piece has at most limit bytes. All pieces joined are the text. Cuts are
// after nearby white space, otherwise between clusters; see package text. If the text is shorter than the length from
// which n was computed, pieces can be empty.
func Piece(s string, i, n uint32, limit int) string {
	if n <= 1 || limit <= 0 {
		return s
	}
	end := len(s)
	if i < n-1 {
		end = pieceStart(s, int(i)+1, limit)
	}
	return s[pieceStart(s, int(i), limit):end]
}

// pieceStart returns the offset at which piece i begins. Its cost does not depend on the length of the text.
func pieceStart(s string, i, limit int) int {
	if i == 0 {
		return 0
	}
	at := i * max(limit-slack(limit), 1)
	if at >= len(s) {
		return len(s)
	}
	return text.CutPoint(s, max(at-slack(limit), 0), at)
}
