package render

import (
	"fmt"
	"strings"

	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
)

// Content is what a delivery carries.
type Content struct {
	Text     string // replaces the envelope's parts; "" keeps them
	Media    []int  // parts to hand over as media
	Alone    bool   // the delivery carries the one medium and nothing else
	Degraded string // what was lost and why; "" if nothing
}

// Empty reports whether a share of a divided envelope has nothing to send.
func (c *Content) Empty() bool { return c.Text == "" && len(c.Media) == 0 }

// Render returns the content of a share of an envelope. Media contains the prepared media by part.
func (s Share) Render(e *envelope.Envelope, t *Target, media map[int]Medium) Content {
	r := renderer{e, t, media}
	switch {
	case s.medium >= 0:
		return r.medium(mediumPart(e, s.medium))
	case s.separate:
		return Content{
			Text:     Piece(TextWithoutMedia(e), s.piece, s.pieces, t.TextBytes),
			Degraded: r.losses(func(i int) bool { return !e.Parts[i].Type.IsMedia() && !r.carries(i) }),
		}
	}
	return r.whole(s.piece, s.pieces)
}

type renderer struct {
	*envelope.Envelope
	target *Target
	media  map[int]Medium
}

// whole renders an envelope whose text and media are not separate. A piece contains only text.
func (r *renderer) whole(piece, pieces uint32) Content {
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
		return r.bounded(Piece(FullText(r.Envelope, r.media), piece, pieces, r.target.TextBytes), lost)
	case pieces > 1:
		return Content{Text: Piece(r.Text(), piece, pieces, r.target.TextBytes)}
	}
	var c Content
	for i := range r.Parts {
		if r.media[i].Ready {
			c.Media = append(c.Media, i)
		}
	}
	return c
}

// medium renders one medium, without its caption, which the text contains. If the target does not carry it, a line of
// text replaces it.
func (r *renderer) medium(part int) Content {
	if part < 0 {
		return Content{}
	}
	if r.carries(part) {
		return Content{Media: []int{part}, Alone: true}
	}
	p := withLink(r.Parts[part], r.media[part])
	p.Text = ""
	return r.bounded(PartText(&p), r.losses(func(i int) bool { return i == part }))
}

// bounded cuts text at the target's limit. The text can be longer than computed when the deliveries were queued, for
// example because of a long link.
func (r *renderer) bounded(s, lost string) Content {
	limit := r.target.TextBytes
	if limit <= 0 || len(s) <= limit {
		return Content{Text: s, Degraded: lost}
	}
	return Content{Text: Piece(s, 0, 2, limit), Degraded: Join(lost, fmt.Sprintf("cut to %d bytes", limit))}
}

// carries reports whether the target takes a part as it is or as it was prepared.
func (r *renderer) carries(part int) bool {
	p := &r.Parts[part]
	if !r.target.takes(p.Type) {
		return false
	}
	return !p.Type.IsMedia() || r.media[part].Ready || r.target.Links && IsLink(p.URL)
}

// losses describes the parts that text replaces, with their problems, or returns "".
func (r *renderer) losses(loses func(part int) bool) string {
	var names []string
	for i := range r.Parts {
		if !loses(i) {
			continue
		}
		name := string(r.Parts[i].Type)
		if problem := r.media[i].Problem; problem != "" {
			name += " (" + problem + ")"
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return ""
	}
	return text.Abbreviate("sent as text: "+strings.Join(names, ", "), MaxDegraded)
}

// MaxDegraded is the maximum number of bytes that one source adds to the description of losses.
const MaxDegraded = 1 << 10

// Join joins descriptions of losses.
func Join(a, b string) string {
	if a != "" && b != "" {
		return a + "; " + b
	}
	return a + b
}
