package render

import "patchbay/sdk/envelope"

// Share is the content of an envelope that one delivery carries: the whole envelope, a piece of its text, or one
// medium.
type Share struct {
	separate bool // the target takes text and media in separate deliveries
	medium   int  // number of the only medium, from 0; -1 if the delivery carries text
	piece    uint32
	pieces   uint32
}

// ShareOf returns the share of delivery number index of count. Text comes before media. If count is too low for
// separate media, the target's SeparateMedia was set after the delivery was queued, and the share is not separate.
func ShareOf(x Extent, index, count uint32, t *Target) Share {
	least := x.Media
	if x.BytesWithoutMedia > 0 {
		least++
	}
	if !t.SeparateMedia || x.Media == 0 || count < least {
		return Share{medium: -1, piece: index, pieces: count}
	}
	texts := count - x.Media
	if index < texts {
		return Share{separate: true, medium: -1, piece: index, pieces: texts}
	}
	return Share{separate: true, medium: int(index - texts)}
}

// NeedsMedium reports whether the share needs the medium at a part of the envelope.
func (s Share) NeedsMedium(e *envelope.Envelope, part int) bool {
	if !s.separate {
		return true
	}
	return s.medium >= 0 && part == mediumPart(e, s.medium)
}

// mediumPart returns the part with medium number n, or -1.
func mediumPart(e *envelope.Envelope, n int) int {
	for i := range e.Parts {
		if !e.Parts[i].Type.IsMedia() {
			continue
		}
		if n == 0 {
			return i
		}
		n--
	}
	return -1
}
