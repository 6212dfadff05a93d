package conversation

import (
	"testing"

	"patchbay/core/internal/render"
	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

func TestSeparateMediaAreQueuedBehindTheText(t *testing.T) {
	p := testPolicy(t, onWord("desk", route.Rule{Pass: "desk"}))
	desk := p.Channels["desk"]
	desk.SeparateMedia = true
	desk.Parts = map[envelope.PartType]bool{envelope.PartText: true, envelope.PartImage: true}
	h := newHarness(t, p)
	h.customer("desk")
	h.openThread("desk", "d1")
	h.drain("desk")
	in := h.inbound(incoming{channel: "web", thread: "w1", text: "look"})
	for _, ref := range []string{"r1", "r2"} {
		in.Envelope.Parts = append(in.Envelope.Parts, envelope.Part{Type: envelope.PartImage, Ref: ref})
	}
	h.transact(func(tx *Transaction) { tx.Receive(in) })
	lane := h.conv().Lane("desk")
	if lane == nil || len(lane.Queue) != 3 {
		t.Fatalf("lane %+v, want the text and two media", lane)
	}
	for i := range lane.Queue {
		d := &lane.Queue[i]
		share := render.ShareOf(d.Item.Extent, d.Piece, d.Pieces, &desk.Target)
		for part := 1; part <= 2; part++ {
			if got := share.NeedsMedium(in.Envelope, part); got != (part == i) {
				t.Errorf("delivery %d: needs the medium at part %d: %v", i, part, got)
			}
		}
	}
	h.restore()
	if lane = h.conv().Lane("desk"); len(lane.Queue) != 3 || lane.Queue[0].Item.Extent.Media != 2 {
		t.Errorf("after a restart: %+v", lane)
	}
}
