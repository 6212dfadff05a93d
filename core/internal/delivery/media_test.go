package delivery

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/media"
	"patchbay/core/internal/render"
	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

func TestMediaForms(t *testing.T) {
	link := envelope.Part{Type: envelope.PartImage, URL: "https://v.example/1.png"}
	for name, tc := range map[string]struct {
		ch       Channel
		parts    []envelope.Part
		piece, n uint32
		want     []envelope.Part // "LINK" is a link of the gateway
		attached string
		lost     string
	}{
		"link": {
			ch: Channel{Target: render.Target{Parts: images},
				Media: sdk.MediaLink}, parts: []envelope.Part{envelope.TextPart("see"), image("r1")}, n: 1,
			want: []envelope.Part{envelope.TextPart("see"), {Type: "image", Ref: "r1", Text: "caption", URL: "LINK",
				ContentType: "image/png", Name: "a.png", Size: 18}},
		},
		"the vendor's link": {ch: Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink},
			parts: []envelope.Part{link}, n: 1, want: []envelope.Part{link}},
		"bytes": {
			ch: Channel{Target: render.Target{Parts: images},
				Media: sdk.MediaStream}, parts: []envelope.Part{image("r1")}, n: 1, attached: png,
			want: []envelope.Part{{Type: "image", Ref: "r1", Text: "caption", ContentType: "image/png", Name: "a.png",
				Size: 18}},
		},
		"bytes of a link": {
			ch: Channel{Target: render.Target{Parts: images},
				Media: sdk.MediaStream}, parts: []envelope.Part{link}, n: 1, attached: png,
			want: []envelope.Part{{Type: "image", URL: link.URL, ContentType: "image/png", Name: "a.png", Size: 18}},
		},
		"separate, text": {
			ch: Channel{Target: render.Target{Parts: images, SeparateMedia: true},
				Media: sdk.MediaStream}, parts: []envelope.Part{envelope.TextPart("see"), image("r1")}, piece: 0, n: 2,
			want: []envelope.Part{envelope.TextPart("see\ncaption")},
		},
		"separate, medium": {
			ch: Channel{Target: render.Target{Parts: images, SeparateMedia: true},
				Media: sdk.MediaStream}, parts: []envelope.Part{envelope.TextPart("see"), image("r1")}, piece: 1, n: 2,
			attached: png, want: []envelope.Part{{Type: "image", Ref: "r1", Text: "caption", ContentType: "image/png",
				Name: "a.png", Size: 18}},
		},
		"separate, rejected type": {
			ch: Channel{Target: render.Target{Parts: images, SeparateMedia: true}, Media: sdk.MediaStream,
				MediaLimit: media.Limit{Types: []string{"image/jpeg"}}},
			parts: []envelope.Part{envelope.TextPart("see"), image("r1")}, piece: 1, n: 2,
			want: []envelope.Part{envelope.TextPart("[image]")},
			lost: "sent as text: image (get image of channel desk: the medium is image/png, the channel accepts " +
				"image/jpeg)",
		},
		"too large": {
			ch: Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink,
				MediaLimit: media.Limit{Bytes: 10}}, parts: []envelope.Part{image("r1")}, n: 1,
			want: []envelope.Part{envelope.TextPart("[image] caption")},
			lost: "sent as text: image (get image of channel desk: the medium has at least 18 bytes, the limit is 10)",
		},
		"only text": {
			ch:    Channel{Target: render.Target{Parts: map[envelope.PartType]bool{envelope.PartText: true}}},
			parts: []envelope.Part{envelope.TextPart("see"), image("r1")}, n: 1,
			want: []envelope.Part{envelope.TextPart("see\n[image] caption LINK")}, lost: "sent as text: image",
		},
		"link as it is": {ch: Channel{Target: render.Target{Parts: images}}, parts: []envelope.Part{link}, n: 1,
			want: []envelope.Part{link}},
		"a reference, for a channel that takes links": {
			ch: Channel{Target: render.Target{Parts: images}}, parts: []envelope.Part{image("r1")}, n: 1,
			want: []envelope.Part{envelope.TextPart("[image] caption LINK")}, lost: "sent as text: image",
		},
		"a script as a link": {
			ch: Channel{Target: render.Target{Parts: images},
				Media: sdk.MediaLink}, parts: []envelope.Part{{Type: envelope.PartImage, URL: "JavaScript:alert(1)"}},
			n:    1,
			want: []envelope.Part{envelope.TextPart("[image] JavaScript:alert(1)")},
			lost: "sent as text: image (its link is not a web address)",
		},
		"a file as a link": {
			ch: Channel{Target: render.Target{Parts: images}}, parts: []envelope.Part{{Type: envelope.PartImage,
				URL: "file:///etc/passwd"}}, n: 1,
			want: []envelope.Part{envelope.TextPart("[image] file:///etc/passwd")},
			lost: "sent as text: image (its link is not a web address)",
		},
		"gone": {
			ch: Channel{Target: render.Target{Parts: images},
				Media: sdk.MediaLink}, parts: []envelope.Part{image("gone")}, n: 1,
			want: []envelope.Part{envelope.TextPart("[image] caption")},
			lost: "sent as text: image (get image of channel desk: the medium is gone: gone: expired)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &vendor{files: map[string]string{"r1": png, link.URL: png},
					errs: map[string]error{"gone": &sdk.Error{Kind: sdk.KindGone, Text: "expired"}}}
				h := newMediaHarness(t, tc.ch, v)
				defer h.close()
				var call *pluginpb.DeliverCall
				h.bot.setResults(func(c *pluginpb.DeliverCall) callResult { call = c; return delivered() })
				d := h.submitEnvelope(deskMessage(tc.parts...), tc.piece, tc.n)
				o := h.outcomeOf(d)
				if o == nil || call == nil {
					t.Fatalf("outcome %+v, call %v", o, call)
				}
				got := receivedEnvelope(t, call).Parts
				for i := range got {
					got[i].URL = replaceLink(got[i].URL)
					got[i].Text = replaceLink(got[i].Text)
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("parts differ (-want +got):\n%s", diff)
				}
				attached := ""
				for _, m := range call.GetSend().GetAssigned().GetMedia() {
					attached += h.bot.attached[m.GetAttachment()]
				}
				if attached != tc.attached || o.Degraded != tc.lost {
					t.Errorf("attached %q, recorded %q; want %q, %q", attached, o.Degraded, tc.attached, tc.lost)
				}
				for _, r := range v.requests {
					if r.Channel != "desk" || r.Thread != "d1" || string(r.State) != "desk state" {
						t.Errorf("requested %+v", r)
					}
				}
			})
		})
	}
}

func TestCancelAndStopWhileMediaAreRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{hangs: map[string]bool{"slow": true}}
		h := newMediaHarness(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink}, v)
		canceled := h.submitEnvelope(deskMessage(image("slow")), 0, 1)
		left := h.submitEnvelope(deskMessage(image("slow")), 0, 1)
		synctest.Wait()
		h.Cancel(canceled.ID)
		if o := h.outcomeOf(canceled); o == nil || o.Result != attempt.ResultRetry || !o.NotCalled {
			t.Errorf("outcome %+v of the canceled delivery", o)
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		h.Stop(ctx)
		if o := h.outcomeOf(left); o != nil || time.Since(began) > 0 {
			t.Errorf("outcome %+v after %v, want none: the delivery has not started", o, time.Since(began))
		}
	})
}

func TestTextThatReplacesMediaFitsTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{errs: map[string]error{"gone": &sdk.Error{Kind: sdk.KindGone, Text: "expired"}}}
		h := newMediaHarness(t, Channel{Target: render.Target{Parts: images, TextBytes: 100}, Media: sdk.MediaLink}, v)
		defer h.close()
		var call *pluginpb.DeliverCall
		h.bot.setResults(func(c *pluginpb.DeliverCall) callResult { call = c; return delivered() })
		p := image("gone")
		p.Name = strings.Repeat("名", 20) + ".png"
		o := h.outcomeOf(h.submitEnvelope(deskMessage(envelope.TextPart(strings.Repeat("a ", 45)), p), 0, 1))
		if got := receivedEnvelope(t, call).Text(); len(got) > 100 || !utf8.ValidString(got) ||
			!strings.HasPrefix(got, strings.Repeat("a ", 40)) ||
			!strings.Contains(o.Degraded, "cut") {
			t.Errorf("carries %d bytes: %q; recorded %q", len(got), got, o.Degraded)
		}
	})
}

// The outcome of a delivery must fit in a record.
func TestDescriptionOfLossesIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{errs: map[string]error{"gone": &sdk.Error{Kind: sdk.KindGone, Text: strings.Repeat("é", 500)}}}
		h := newMediaHarness(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink}, v)
		defer h.close()
		h.bot.finishCalls(callResult{res: &pluginpb.DeliverResult{Degraded: strings.Repeat("ü", 1<<20)}})
		var parts []envelope.Part
		for range envelope.MaxParts {
			parts = append(parts, image("gone"))
		}
		o := h.outcomeOf(h.submitEnvelope(deskMessage(parts...), 0, 1))
		if o == nil || o.Result != attempt.ResultDelivered || len(o.Degraded) > 4<<10 ||
			!utf8.ValidString(o.Degraded) ||
			!strings.HasPrefix(o.Degraded, "sent as text: image (") || !strings.Contains(o.Degraded, "; ü") {
			t.Errorf("outcome %.200v with a description of %d bytes", o, len(o.Degraded))
		}
	})
}
