package render

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk/envelope"
)

func TestRender(t *testing.T) {
	see, place := envelope.TextPart("see"), envelope.Part{Type: envelope.PartLocation, Latitude: 1, Longitude: 2}
	cat := picture("my cat")
	linked := envelope.Part{Type: envelope.PartImage, URL: "https://vendor/a.png"}
	ready := map[int]Medium{1: {Ready: true, Link: "https://gateway/a"}}
	for _, tc := range []struct {
		name         string
		target       Target
		parts        []envelope.Part
		media        map[int]Medium
		index, count uint32
		want         Content
	}{
		{name: "the parts as they are", parts: []envelope.Part{see, place}, want: Content{}},
		{name: "a prepared medium", parts: []envelope.Part{see, cat}, media: ready, want: Content{Media: []int{1}}},
		{name: "a link", target: Target{Links: true}, parts: []envelope.Part{see, linked}, want: Content{}},
		{
			name: "a link for a target that takes bytes", parts: []envelope.Part{linked},
			want: Content{Text: "[image] https://vendor/a.png", Degraded: "sent as text: image"},
		},
		{
			name: "no web address", target: Target{Links: true},
			parts: []envelope.Part{{Type: envelope.PartImage, URL: "file:///etc/passwd"}},
			want:  Content{Text: "[image] file:///etc/passwd", Degraded: "sent as text: image"},
		},
		{
			name: "a type that the target rejects", target: Target{Parts: takes()}, parts: []envelope.Part{see, cat},
			media: ready,
			want:  Content{Text: "see\n[image] a.png my cat https://gateway/a", Degraded: "sent as text: image"},
		},
		{
			name: "a medium that is not ready", parts: []envelope.Part{see, cat},
			media: map[int]Medium{1: {Problem: "too large"}},
			want:  Content{Text: "see\n[image] a.png my cat", Degraded: "sent as text: image (too large)"},
		},
		{
			name: "a piece drops no parts", target: Target{TextBytes: 12}, parts: []envelope.Part{see, place}, count: 3,
			want: Content{Text: "see\n[loc", Degraded: "sent as text: location"},
		},
		{
			name: "text that grew after it was divided", target: Target{TextBytes: 20, Parts: takes()},
			parts: []envelope.Part{cat}, media: map[int]Medium{0: {Link: "https://gateway/a/long/link"}},
			want: Content{Text: "[image] a.png ", Degraded: "sent as text: image; cut to 20 bytes"},
		},
		{
			name: "separate text", target: Target{SeparateMedia: true}, parts: []envelope.Part{see, cat}, media: ready, count: 2,
			want: Content{Text: "see\nmy cat"},
		},
		{
			name: "separate medium", target: Target{SeparateMedia: true}, parts: []envelope.Part{see, cat}, media: ready,
			index: 1, count: 2, want: Content{Media: []int{1}, Alone: true},
		},
		{
			name: "separate medium that is not ready", target: Target{SeparateMedia: true}, parts: []envelope.Part{see, cat},
			media: map[int]Medium{1: {Link: "https://gateway/a", Problem: "gone"}}, index: 1, count: 2,
			want: Content{Text: "[image] a.png https://gateway/a", Degraded: "sent as text: image (gone)"},
		},
		{
			name: "queued before the target took media separately", target: Target{SeparateMedia: true},
			parts: []envelope.Part{see, cat}, media: ready, count: 1,
			want: Content{Text: "see\n[image] a.png my cat https://gateway/a", Degraded: "sent as text: image"},
		},
		{
			name: "two media, queued before the target took media separately", target: Target{SeparateMedia: true},
			parts: []envelope.Part{linked, cat}, media: ready, count: 1,
			want: Content{
				Text:     "[image] https://vendor/a.png\n[image] a.png my cat https://gateway/a",
				Degraded: "sent as text: image, image",
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := &envelope.Envelope{Kind: envelope.KindMessage, Parts: tc.parts}
			got := ShareOf(Measure(e), tc.index, max(tc.count, 1), &tc.target).Render(e, &tc.target, tc.media)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if empty := tc.want.Text == "" && len(tc.want.Media) == 0; got.Empty() != empty {
				t.Errorf("Empty = %v", got.Empty())
			}
		})
	}
}

func TestNeedsMedium(t *testing.T) {
	e := &envelope.Envelope{Parts: []envelope.Part{envelope.TextPart("see"), picture("a"), picture("b")}}
	separate := &Target{SeparateMedia: true}
	for _, tc := range []struct {
		name         string
		target       *Target
		index, count uint32
		want         [3]bool
	}{
		{"all in one delivery", &Target{}, 0, 1, [3]bool{true, true, true}},
		{"text", separate, 0, 3, [3]bool{}},
		{"first medium", separate, 1, 3, [3]bool{1: true}},
		{"second medium", separate, 2, 3, [3]bool{2: true}},
	} {
		share := ShareOf(Measure(e), tc.index, tc.count, tc.target)
		for part, want := range tc.want {
			if got := share.NeedsMedium(e, part); got != want {
				t.Errorf("%s: NeedsMedium(%d) = %v", tc.name, part, got)
			}
		}
	}
}

func TestDescriptionOfLossesIsBounded(t *testing.T) {
	e := &envelope.Envelope{Kind: envelope.KindMessage, Parts: []envelope.Part{picture("")}}
	target := &Target{}
	problem := map[int]Medium{0: {Problem: strings.Repeat("x", 2*MaxDegraded)}}
	if got := len(ShareOf(Measure(e), 0, 1, target).Render(e, target, problem).Degraded); got > MaxDegraded+len("…") {
		t.Errorf("%d bytes", got)
	}
}
