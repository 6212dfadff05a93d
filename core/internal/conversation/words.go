package conversation

import (
	"fmt"
	"strings"

	"patchbay/core/internal/journal"
	"patchbay/sdk/envelope"
)

// Extent tells what an envelope with parts other than text needs at a vendor. How it is divided is decided from it when a
// delivery is queued, without a look at the envelope.
type Extent struct {
	BytesWithoutMedia uint32   `json:"s,omitempty"` // bytes of all that is not a medium, in words, captions included
	BytesWithMedia    uint32   `json:"w,omitempty"` // bytes of all parts in words
	Media             uint32   `json:"m,omitempty"` // number of media
	Types             typeBits `json:"t,omitempty"`
}

// linkBytes is room for a link in the words for a medium that has none of its own.
const linkBytes = 256

func extentOf(e *envelope.Envelope) Extent {
	var x Extent
	x.BytesWithoutMedia = uint32(len(TextWithoutMedia(e)))
	lines := make([]string, len(e.Parts))
	for i := range e.Parts {
		p := &e.Parts[i]
		lines[i] = PartText(p)
		x.Types |= bitOf(p.Type)
		if IsMedium(p.Type) {
			x.Media++
			if p.URL == "" {
				x.BytesWithMedia += linkBytes
			}
		}
	}
	x.BytesWithMedia += uint32(len(strings.Join(lines, "\n")))
	return x
}

// pieces returns into how many deliveries an envelope is divided for a channel, at least one. What must be divided
// is words, all of it.
func (it *Item) pieces(ch *Channel) uint32 {
	x := &it.Extent
	switch {
	case x.Types == 0: // text alone
		return pieces(it.TextBytes, ch.TextBytes)
	case ch.SeparateMedia && x.Media > 0:
		n := x.Media
		if x.BytesWithoutMedia > 0 {
			n += pieces(x.BytesWithoutMedia, ch.TextBytes)
		}
		return n
	case x.Types.within(ch.Parts) && pieces(it.TextBytes, ch.TextBytes) == 1:
		return 1
	}
	return pieces(x.BytesWithMedia, ch.TextBytes)
}

// Medium returns which of the envelope's media a delivery carries, from 0, and true if it carries one alone. Otherwise
// it returns which piece of the words it carries, and of how many.
func (d *Delivery) Medium() (index int, alone bool, piece, pieces uint32) {
	texts := d.Pieces - min(d.Item.Extent.Media, d.Pieces)
	if d.Piece < texts {
		return 0, false, d.Piece, texts
	}
	return int(d.Piece - texts), true, 0, 0
}

// Said returns all of an envelope that is not a medium in words, with the captions of media.
func TextWithoutMedia(e *envelope.Envelope) string {
	var lines []string
	for i := range e.Parts {
		p := &e.Parts[i]
		s := p.Text
		if !IsMedium(p.Type) {
			s = PartText(p)
		}
		if s != "" {
			lines = append(lines, s)
		}
	}
	return strings.Join(lines, "\n")
}

// Line puts a part into words.
func PartText(p *envelope.Part) string {
	switch p.Type {
	case envelope.PartText:
		return p.Text
	case envelope.PartSuggestions:
		return strings.Join(p.Items, " | ")
	case envelope.PartLocation:
		return strings.TrimSpace(fmt.Sprintf("[location] %g,%g %s", p.Latitude, p.Longitude, p.Text))
	}
	out := "[" + string(p.Type) + "]"
	for _, s := range []string{p.Name, p.Text, p.URL} {
		if s != "" {
			out += " " + s
		}
	}
	return out
}

// IsMedium reports whether parts of the type are bytes that are fetched by reference.
func IsMedium(t envelope.PartType) bool {
	switch t {
	case envelope.PartImage, envelope.PartAudio, envelope.PartVideo, envelope.PartFile:
		return true
	}
	return false
}

// typeBits is a set of part types.
type typeBits uint32

// bits are in an order that never changes, since the log keeps them.
var bits = []envelope.PartType{
	envelope.PartText, envelope.PartImage, envelope.PartAudio, envelope.PartVideo, envelope.PartFile, envelope.PartLocation,
	envelope.PartCard, envelope.PartSuggestions,
}

func bitOf(t envelope.PartType) typeBits {
	for i, known := range bits {
		if known == t {
			return 1 << i
		}
	}
	return 1 << 31 // of another version
}

// within reports whether all types of the set are among parts; nil is all.
func (b typeBits) within(parts map[envelope.PartType]bool) bool {
	if parts == nil {
		return true
	}
	var have typeBits
	for t, yes := range parts {
		if yes {
			have |= bitOf(t)
		}
	}
	return b&^have == 0
}

func toExtent(x *journal.Extent) Extent {
	return Extent{BytesWithoutMedia: x.GetBytesWithoutMedia(), BytesWithMedia: x.GetBytesWithMedia(), Media: x.GetMedia(), Types: typeBits(x.GetTypes())}
}

func (x Extent) proto() *journal.Extent {
	if x == (Extent{}) {
		return nil
	}
	return &journal.Extent{BytesWithoutMedia: x.BytesWithoutMedia, BytesWithMedia: x.BytesWithMedia, Media: x.Media, Types: uint32(x.Types)}
}
