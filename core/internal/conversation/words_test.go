package conversation

import (
	"strings"
	"testing"

	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

func media(types ...envelope.PartType) map[envelope.PartType]bool {
	m := map[envelope.PartType]bool{envelope.PartText: true}
	for _, t := range types {
		m[t] = true
	}
	return m
}

func picture(text string) envelope.Part {
	return envelope.Part{Type: envelope.PartImage, Ref: "r1", Name: "a.png", Text: text}
}

func TestPiecesByWhatAChannelCarries(t *testing.T) {
	long := envelope.TextPart(strings.Repeat("x", 100))
	place := envelope.Part{Type: envelope.PartLocation, Latitude: 1, Longitude: 2, Text: "here"}
	for _, tc := range []struct {
		name  string
		ch    Channel
		parts []envelope.Part
		want  uint32
	}{
		{"words alone", Channel{TextBytes: 60}, []envelope.Part{long}, 2},
		{"carried together", Channel{TextBytes: 60, Parts: media("image")}, []envelope.Part{envelope.TextPart("see"), picture("")}, 1},
		{"carried, no list", Channel{TextBytes: 60}, []envelope.Part{envelope.TextPart("see"), picture("")}, 1},
		{"words and a link", Channel{TextBytes: 60, Parts: media()}, []envelope.Part{envelope.TextPart("see"), picture("")}, 6},
		{"carried, but the text is too long", Channel{TextBytes: 60, Parts: media("location")}, []envelope.Part{long, place}, 3},
		{"carried, but the text and a link are too long", Channel{TextBytes: 60}, []envelope.Part{long, picture("")}, 7},
		{"apart", Channel{TextBytes: 60, SeparateMedia: true, Parts: media("image")}, []envelope.Part{envelope.TextPart("see"), picture(""), picture("")}, 3},
		{"apart, long text", Channel{TextBytes: 60, SeparateMedia: true, Parts: media("image")}, []envelope.Part{long, picture("")}, 3},
		{"apart, image alone", Channel{TextBytes: 60, SeparateMedia: true, Parts: media("image")}, []envelope.Part{picture("")}, 1},
		{"apart, caption", Channel{TextBytes: 60, SeparateMedia: true, Parts: media("image")}, []envelope.Part{picture("my cat")}, 2},
		{"apart, place", Channel{TextBytes: 60, SeparateMedia: true, Parts: media("image")}, []envelope.Part{place, picture("")}, 2},
		{"apart, no media", Channel{TextBytes: 60, SeparateMedia: true, Parts: media("image")}, []envelope.Part{place}, 1},
		{"of another version", Channel{Parts: media("image")}, []envelope.Part{{Type: "hologram"}}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			it := itemOf(Position{Seq: 1}, &envelope.Envelope{Kind: envelope.KindMessage, Parts: tc.parts})
			if got := it.pieces(&tc.ch); got != tc.want {
				t.Errorf("%d pieces, want %d (%+v)", got, tc.want, it)
			}
			if back := toItem(it.proto()); back != it {
				t.Errorf("the log gives back %+v, want %+v", back, it)
			}
		})
	}
}

func TestWhichMediumAPieceCarries(t *testing.T) {
	d := Delivery{Pieces: 4, Item: Item{Extent: Extent{Media: 2}}}
	for piece, want := range []struct {
		index         int
		alone         bool
		piece, pieces uint32
	}{{0, false, 0, 2}, {0, false, 1, 2}, {0, true, 0, 0}, {1, true, 0, 0}} {
		d.Piece = uint32(piece)
		index, alone, p, n := d.Medium()
		if index != want.index || alone != want.alone || p != want.piece || n != want.pieces {
			t.Errorf("piece %d: medium %d, alone %v, words %d of %d; want %+v", piece, index, alone, p, n, want)
		}
	}
}

// TestMediaApart: each medium is a delivery of its own behind the words, and all follow control together.
func TestMediaApart(t *testing.T) {
	p := testPolicy(t, onWord("desk", route.Rule{Pass: "desk"}))
	p.Channels["desk"].SeparateMedia, p.Channels["desk"].Parts = true, media("image")
	s := newStage(t, p)
	s.customer("desk")
	s.opened("desk", "d1")
	s.drain("desk")
	in := s.inbound(say{channel: "web", thread: "w1", text: "look"})
	in.Envelope.Parts = append(in.Envelope.Parts, picture(""), picture("my cat"))
	s.turn(func(tx *Transaction) { tx.Receive(in) })
	lane := s.conv().lane("desk")
	if lane == nil || len(lane.Queue) != 3 {
		t.Fatalf("lane %+v, want words and two media", lane)
	}
	for i := range lane.Queue {
		d := &lane.Queue[i]
		if _, alone, _, _ := d.Medium(); d.Piece != uint32(i) || d.Pieces != 3 || alone != (i > 0) {
			t.Errorf("delivery %d: piece %d of %d, alone %v", i, d.Piece, d.Pieces, alone)
		}
	}
	s.restart()
	if again := s.conv().lane("desk"); len(again.Queue) != 3 || again.Queue[0].Item.Extent.Media != 2 {
		t.Errorf("after a restart: %+v", again)
	}
}

func TestSaid(t *testing.T) {
	e := &envelope.Envelope{Parts: []envelope.Part{
		envelope.TextPart("see"), picture("my cat"), {Type: envelope.PartSuggestions, Items: []string{"a", "b"}}, picture(""),
	}}
	if got := TextWithoutMedia(e); got != "see\nmy cat\na | b" {
		t.Errorf("said %q", got)
	}
}
