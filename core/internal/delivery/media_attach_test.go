package delivery

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/render"
	"patchbay/core/internal/state"
	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

func TestAttachErrorIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{files: map[string]string{"r1": png}}
		h := newMediaHarness(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaStream}, v)
		defer h.close()
		h.bot.attachErr = errors.New("attach: connection lost")
		d := h.submitEnvelope(deskMessage(image("r1")), 0, 1)
		if o := h.outcomeOf(d); o == nil || o.Result != attempt.ResultRetry || h.bot.callCount() != 0 {
			t.Errorf("outcome %+v, %d calls; want a retry", o, h.bot.callCount())
		}
	})
}

// Text replaces a medium that cannot be attached: immediately after a permanent error, otherwise after maxMediaWait.
func TestTextReplacesMediumThatCannotBeAttached(t *testing.T) {
	for name, tc := range map[string]struct {
		err      error
		queued   time.Duration // ago
		repeated bool          // the last attempt to attach it failed
		separate bool
		want     string // the text; "" for a retry
	}{
		"permanent": {err: &sdk.Error{Kind: sdk.KindUnsupported, Text: "no"},
			want: "see\n[image] caption LINK"},
		"permanent, separate": {err: &sdk.Error{Kind: sdk.KindInvalid, Text: "no"}, separate: true,
			want: "[image] LINK"},
		"transient": {err: &sdk.Error{Kind: sdk.KindTransient, Text: "no room"}},
		"transient, waited": {err: errors.New("connection lost"), queued: maxMediaWait, repeated: true,
			want: "see\n[image] caption LINK"},
		"transient, queued long": {err: errors.New("connection lost"), queued: maxMediaWait},
		"not ready": {err: fmt.Errorf("attach: %w", plugin.ErrNotReady), queued: maxMediaWait,
			repeated: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &vendor{files: map[string]string{"r1": png}}
				h := newMediaHarness(t, Channel{Target: render.Target{Parts: images, SeparateMedia: tc.separate},
					Media: sdk.MediaStream}, v)
				defer h.close()
				h.bot.attachErr = tc.err
				var call *pluginpb.DeliverCall
				h.bot.setResults(func(c *pluginpb.DeliverCall) callResult { call = c; return delivered() })
				time.Sleep(time.Hour)
				j := h.job("faq", "x")
				j.Delivery.QueuedAt, j.Delivery.NotCalled = time.Now().Add(-tc.queued), tc.repeated
				j.Delivery.Item = h.storeEnvelope(deskMessage(envelope.TextPart("see"), image("r1")))
				j.Delivery.Item.Extent = render.Extent{BytesWithoutMedia: 11, BytesWithMedia: 300, Media: 1, Types: 3}
				if tc.separate {
					j.Delivery.Piece, j.Delivery.Pieces = 1, 2
				}
				h.Submit(j)
				o := h.outcome(j)
				if tc.want == "" {
					if call != nil || o != nil && o.Result != attempt.ResultRetry {
						t.Errorf("outcome %+v, call %v; want a retry", o, call)
					}
					return
				}
				if o == nil || o.Result != attempt.ResultDelivered || call == nil ||
					!strings.Contains(o.Degraded, tc.err.Error()) {
					t.Fatalf("outcome %+v, call %v; want text and the problem", o, call)
				}
				if got := replaceLink(receivedEnvelope(t, call).Text()); got != tc.want ||
					len(call.GetSend().GetAssigned().GetMedia()) > 0 {
					t.Errorf("carries %q and %v", got, call.GetSend().GetAssigned().GetMedia())
				}
			})
		})
	}
}

func TestTextReplacesMediaBeyondDeliveryLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{files: map[string]string{}}
		var parts []envelope.Part
		for i := range 3 {
			ref := fmt.Sprint("r", i)
			v.files[ref] = png + strings.Repeat("x", 15<<20)
			parts = append(parts, image(ref))
		}
		h := newMediaHarness(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaStream}, v)
		defer h.close()
		var call *pluginpb.DeliverCall
		h.bot.setResults(func(c *pluginpb.DeliverCall) callResult { call = c; return delivered() })
		o := h.outcomeOf(h.submitEnvelope(deskMessage(parts...), 0, 1))
		if o == nil || o.Result != attempt.ResultDelivered || !strings.Contains(o.Degraded, "at most") {
			t.Fatalf("outcome %+v, want text", o)
		}
		if text := receivedEnvelope(t, call).Text(); strings.Count(text, "https://gw.example/media/") != 3 {
			t.Errorf("carries %q, want a link to each medium", text)
		}
	})
}

// A plugin process holds the media of its calls in memory. Text does not wait for media, and media keep their order.
func TestMediaInFlightAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		large := png + strings.Repeat("x", 20<<20-len(png))
		v := &vendor{files: map[string]string{"large": large, "small": png}}
		h := newMediaHarness(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaStream, Concurrency: 10},
			v)
		defer h.close()
		var all []*state.Delivery
		for _, ref := range []string{"large", "large", "large", "large", "small"} {
			all = append(all, h.submitEnvelope(deskMessage(image(ref)), 0, 1))
			synctest.Wait() // to queue them in this order
		}
		text := h.submit("faq", "hello")
		keys := func() (out []string) {
			for _, c := range h.bot.takeCalls() {
				out = append(out, c.GetKey())
				c.answer <- delivered()
			}
			return out
		}
		if diff := cmp.Diff([]string{all[0].ID, all[1].ID, all[2].ID, text.Delivery.ID}, keys()); diff != "" {
			t.Errorf("first calls (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{all[3].ID, all[4].ID}, keys(), cmpopts.SortSlices(strings.Compare)); diff != "" {
			t.Errorf("next calls (-want +got):\n%s", diff)
		}
		for _, d := range all {
			if o := h.outcomeOf(d); o == nil || o.Result != attempt.ResultDelivered || o.Degraded != "" {
				t.Errorf("outcome %+v", o)
			}
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if carried := h.channels["faq"].mediaInFlight; carried != 0 {
			t.Errorf("%d bytes are still counted", carried)
		}
	})
}
