package state

import (
	"cmp"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/render"
)

// Position identifies an envelope in the log: the record's sequence and the index among its envelopes.
type Position struct {
	Seq   uint64 `json:"s"`
	Index uint32 `json:"i"`
}

// Compare orders positions as the log does.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.Seq, q.Seq), cmp.Compare(p.Index, q.Index))
}

// Proto returns the position as the journal encodes it.
func (p Position) Proto() *journal.Position { return &journal.Position{Seq: p.Seq, Index: p.Index} }

// PositionOf converts a position from the journal's form.
func PositionOf(p *journal.Position) Position { return Position{p.GetSeq(), p.GetIndex()} }

// Item refers to an envelope in the log, and contains the sizes that decide how the envelope is divided into
// deliveries.
type Item struct {
	Pos       Position      `json:"p"`
	TextBytes uint32        `json:"t,omitempty"`
	Rich      bool          `json:"x,omitempty"` // has parts other than text
	Extent    render.Extent `json:"e,omitzero"`  // zero if not Rich
}

// Proto returns the item as the journal encodes it.
func (i Item) Proto() *journal.Item {
	return &journal.Item{Position: i.Pos.Proto(), TextBytes: i.TextBytes, Rich: i.Rich, Extent: extentProto(i.Extent)}
}

func toItem(i *journal.Item) Item {
	return Item{
		Pos: PositionOf(i.GetPosition()), TextBytes: i.GetTextBytes(), Rich: i.GetRich(), Extent: toExtent(i.GetExtent()),
	}
}

func toExtent(x *journal.Extent) render.Extent {
	return render.Extent{
		BytesWithoutMedia: x.GetBytesWithoutMedia(), BytesWithMedia: x.GetBytesWithMedia(), Media: x.GetMedia(),
		Types: render.PartTypes(x.GetTypes()),
	}
}

func extentProto(x render.Extent) *journal.Extent {
	if x == (render.Extent{}) {
		return nil
	}
	return &journal.Extent{
		BytesWithoutMedia: x.BytesWithoutMedia, BytesWithMedia: x.BytesWithMedia, Media: x.Media, Types: uint32(x.Types),
	}
}
