package render

import (
	"patchbay/sdk/envelope"
)

// Content is the content of a delivery.
type Content struct {
	Text     string // replaces the envelope's parts; "" keeps them
	Media    []int  // indexes of the parts that the delivery contains as media
	Alone    bool   // the delivery contains only the medium in Media
	Degraded string // content that text replaces, with the reasons; "" if none
}

// Empty reports whether the content of a divided envelope's share is blank. Do not call it for an undivided envelope,
// whose Text is "" if its parts are kept.
func (c *Content) Empty() bool { return c.Text == "" && len(c.Media) == 0 }

// Render returns the content of a share of an envelope. Media contains the prepared media by the index of their part.
func (s Share) Render(e *envelope.Envelope, t *Target, media map[int]Medium) Content {
	r := renderer{e, t, media}
	switch {
	case s.medium >= 0:
		return r.singleMedium(mediumPart(e, s.medium))
	case s.separate:
		return Content{
			Text:     VisiblePiece(TextWithoutMedia(e), s.piece, s.pieces, t.TextBytes),
			Degraded: r.losses(func(i int) bool { return !e.Parts[i].Type.IsMedia() && !r.carries(i) }),
		}
	}
	return r.undivided(s.piece, s.pieces)
}

type renderer struct {
	*envelope.Envelope
	target *Target
	media  map[int]Medium
}

// undivided renders an envelope, or a piece of it, if text and media are not separate. A piece contains only text.
func (r *renderer) undivided(piece, pieces uint32) Content {
	lost := ""
	if r.Kind == envelope.KindMessage {
		separate := r.target.SeparateMedia && len(r.Parts) > 1 // the target no longer takes both in one delivery
		lost = r.losses(func(i int) bool { return !r.carries(i) || separate && r.Parts[i].Type.IsMedia() })
	}
	if lost == "" && pieces > 1 {
		lost = r.losses(func(i int) bool { return r.Parts[i].Type != envelope.PartText })
	}
	switch {
	case lost != "":
		return r.cutToLimit(VisiblePiece(FullText(r.Envelope, r.media), piece, pieces, r.target.TextBytes), lost)
	case pieces > 1:
		return Content{Text: VisiblePiece(r.Text(), piece, pieces, r.target.TextBytes)}
	}
	var c Content
	for i := range r.Parts {
		if r.media[i].Ready {
			c.Media = append(c.Media, i)
		}
	}
	return c
}

// MaxDegraded is the maximum number of bytes that one source adds to the description of losses.
const MaxDegraded = 1 << 10
