package render

import (
	"strings"
	"testing"

	"patchbay/sdk/envelope"
)

func takes(types ...envelope.PartType) map[envelope.PartType]bool {
	m := map[envelope.PartType]bool{envelope.PartText: true}
	for _, t := range types {
		m[t] = true
	}
	return m
}

func picture(caption string) envelope.Part {
	return envelope.Part{Type: envelope.PartImage, Ref: "r1", Name: "a.png", Text: caption}
}

func TestCountDeliveries(t *testing.T) {
	long := envelope.TextPart(strings.Repeat("x", 100))
	see := envelope.TextPart("see")
	separate := Target{TextBytes: 60, SeparateMedia: true, Parts: takes("image")}
	place := envelope.Part{Type: envelope.PartLocation, Latitude: 1, Longitude: 2, Text: "here"}
	for _, tc := range []struct {
		name   string
		target Target
		parts  []envelope.Part
		want   uint32
	}{
		{"carried together", Target{TextBytes: 60, Parts: takes("image")}, []envelope.Part{see, picture("")}, 1},
		{"carried, no list", Target{TextBytes: 60}, []envelope.Part{see, picture("")}, 1},
		{"text and a link", Target{TextBytes: 60, Parts: takes()}, []envelope.Part{see, picture("")}, 6},
		{"carried, long text", Target{TextBytes: 60, Parts: takes("location")}, []envelope.Part{long, place}, 3},
		{"carried, long text and a link", Target{TextBytes: 60}, []envelope.Part{long, picture("")}, 7},
		{"separate", separate, []envelope.Part{see, picture(""), picture("")}, 3},
		{"separate, long text", separate, []envelope.Part{long, picture("")}, 3},
		{"separate, image only", separate, []envelope.Part{picture("")}, 1},
		{"separate, caption", separate, []envelope.Part{picture("my cat")}, 2},
		{"separate, location", separate, []envelope.Part{place, picture("")}, 2},
		{"separate, no media", separate, []envelope.Part{place}, 1},
		{"type of another version", Target{Parts: takes("image")}, []envelope.Part{{Type: "hologram"}}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := &envelope.Envelope{Kind: envelope.KindMessage, Parts: tc.parts}
			x := Measure(e)
			if got := x.CountDeliveries(uint32(len(e.Text())), &tc.target); got != tc.want {
				t.Errorf("%d deliveries, want %d (%+v)", got, tc.want, x)
			}
		})
	}
	if got := (Extent{}).CountDeliveries(100, &Target{TextBytes: 60}); got != 2 {
		t.Errorf("text only: %d deliveries, want 2", got)
	}
}

func TestSharesOfSeparateMedia(t *testing.T) {
	x, target := Extent{BytesWithoutMedia: 100, Media: 2}, &Target{SeparateMedia: true}
	for index, want := range []Share{
		{separate: true, medium: -1, piece: 0, pieces: 2},
		{separate: true, medium: -1, piece: 1, pieces: 2},
		{separate: true, medium: 0},
		{separate: true, medium: 1},
	} {
		if got := ShareOf(x, uint32(index), 4, target); got != want {
			t.Errorf("delivery %d of 4: %+v, want %+v", index, got, want)
		}
	}
	whole := Share{medium: -1, piece: 0, pieces: 1}
	if got := ShareOf(x, 0, 1, target); got != whole {
		t.Errorf("queued before the target took media separately: %+v, want %+v", got, whole)
	}
	if got := ShareOf(x, 0, 1, &Target{}); got != whole {
		t.Errorf("target that takes text and media together: %+v, want %+v", got, whole)
	}
}
