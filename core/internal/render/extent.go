package render

import "patchbay/sdk/envelope"

//go:generate ../../../.tools/msgp -file extent.go -io=false -tests=false -o extent_gen.go
//msgp:tuple Extent
//msgp:ignore Target

// Extent describes the size of an envelope that has parts other than text. The number of deliveries is computed from
// it, so that the envelope is not read from the log for this.
type Extent struct {
	BytesWithoutMedia uint32    `json:"s,omitempty"` // of the text if each medium is a delivery; includes captions
	BytesWithMedia    uint32    `json:"w,omitempty"` // of the text if it replaces all media
	Media             uint32    `json:"m,omitempty"` // number of media
	Types             PartTypes `json:"t,omitempty"`
}

// linkBytes is the size that is reserved for the link to a medium that has no address yet.
const linkBytes = 256

// Measure returns the extent of an envelope.
func Measure(e *envelope.Envelope) Extent {
	x := Extent{BytesWithoutMedia: uint32(len(TextWithoutMedia(e))), BytesWithMedia: uint32(len(FullText(e, nil)))}
	for i := range e.Parts {
		p := &e.Parts[i]
		x.Types |= bitOf(p.Type)
		if !p.Type.IsMedia() {
			continue
		}
		x.Media++
		if p.URL == "" {
			x.BytesWithMedia += linkBytes
		}
	}
	return x
}

// CountDeliveries returns the number of deliveries, at least 1, for an envelope with textBytes bytes of text parts. An
// envelope without other parts has a zero extent.
func (x Extent) CountDeliveries(textBytes uint32, t *Target) uint32 {
	switch {
	case x.Types == 0:
		return CountPieces(textBytes, t.TextBytes)
	case t.SeparateMedia && x.Media > 0:
		n := x.Media
		if x.BytesWithoutMedia > 0 {
			n += CountPieces(x.BytesWithoutMedia, t.TextBytes)
		}
		return n
	case x.Types.isSubsetOf(t.Parts) && CountPieces(textBytes, t.TextBytes) == 1:
		return 1
	}
	return CountPieces(x.BytesWithMedia, t.TextBytes) // a divided envelope is all text
}

// PartTypes is a set of part types.
type PartTypes uint32

// partBits assigns the bits of PartTypes. The log stores them, so the order never changes.
var partBits = []envelope.PartType{
	envelope.PartText, envelope.PartImage, envelope.PartAudio, envelope.PartVideo, envelope.PartFile,
	envelope.PartLocation, envelope.PartCard, envelope.PartSuggestions,
}

func bitOf(t envelope.PartType) PartTypes {
	for i, known := range partBits {
		if known == t {
			return 1 << i
		}
	}
	return 1 << 31 // a type of another version
}

// isSubsetOf reports whether all types of the set are in parts. A nil map contains all types.
func (s PartTypes) isSubsetOf(parts map[envelope.PartType]bool) bool {
	if parts == nil {
		return true
	}
	var have PartTypes
	for t, yes := range parts {
		if yes {
			have |= bitOf(t)
		}
	}
	return s&^have == 0
}
