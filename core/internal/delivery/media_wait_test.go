package delivery

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/render"
	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

// Reading a medium does not count as a call of the channel. After maxMediaWait, text replaces the medium.
func TestSlowMediaDoNotBlockTheChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{hangs: map[string]bool{"slow": true}}
		h := newMediaHarness(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink, Concurrency: 1}, v)
		defer h.close()
		h.bot.finishCalls(delivered())
		slow := h.submitEnvelope(deskMessage(image("slow")), 0, 1)
		quick := h.submit("faq", "hello")
		if o := h.mustOutcome(quick); o.Result != attempt.ResultDelivered || h.outcomeOf(slow) != nil {
			t.Fatalf("outcome %+v of the text, %+v of the slow medium", o, h.outcomeOf(slow))
		}
		if s := h.State("faq"); s.Queued != 1 || s.InFlight != 0 {
			t.Errorf("State: %+v, want the slow medium queued", s)
		}
		time.Sleep(mediaTimeout)
		o := h.outcomeOf(slow)
		if o == nil || o.Result != attempt.ResultRetry || !strings.Contains(o.Text, "read image") {
			t.Fatalf("outcome %+v, want a retry", o)
		}
		time.Sleep(maxMediaWait) // as the writer repeats it
		late := h.job("faq", "x")
		late.Delivery.Item, late.Delivery.QueuedAt, late.Delivery.NotCalled = slow.Item, time.Now().Add(-maxMediaWait), true
		h.Submit(late)
		time.Sleep(mediaTimeout)
		if o := h.mustOutcome(late); o.Result != attempt.ResultDelivered ||
			!strings.HasPrefix(o.Degraded, "sent as text: image (") {
			t.Errorf("outcome %+v, want text", o)
		}
	})
}

func TestTransientMediaErrorIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{errs: map[string]error{"r1": &sdk.Error{Kind: sdk.KindTransient, Text: "busy"}}}
		h := newMediaHarness(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink}, v)
		defer h.close()
		d := h.submitEnvelope(deskMessage(image("r1")), 0, 1)
		if o := h.outcomeOf(d); o == nil || o.Result != attempt.ResultRetry || o.Error != string(sdk.KindTransient) ||
			h.bot.callCount() != 0 {
			t.Errorf("outcome %+v, %d calls; want a retry without a call", o, h.bot.callCount())
		}
	})
}

// Only calls count as attempts. The delays grow with the age of the delivery.
func TestReadingMediaIsNotAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{errs: map[string]error{"r1": &sdk.Error{Kind: sdk.KindTransient, Text: "busy"}}}
		h := newMediaHarness(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink}, v)
		defer h.close()
		var call *pluginpb.DeliverCall
		h.bot.setResults(func(c *pluginpb.DeliverCall) callResult { call = c; return delivered() })
		first := h.job("faq", "x")
		first.Delivery.Item = h.storeEnvelope(deskMessage(image("r1")))
		first.Delivery.Item.Extent = render.Extent{BytesWithoutMedia: 11, BytesWithMedia: 300, Media: 1, Types: 3}
		tries := 0
		for j := first; ; tries++ {
			h.Submit(j)
			o := h.mustOutcome(j)
			if o.Result == attempt.ResultDelivered {
				break
			}
			if o.Result != attempt.ResultRetry || !o.NotCalled || time.Until(o.Next) <= 0 {
				t.Fatalf("outcome %+v, want a retry that is not an attempt", o)
			}
			time.Sleep(time.Until(o.Next)) // as the writer does
			again := h.job("faq", "x")
			again.Delivery.Item, again.Delivery.QueuedAt = first.Delivery.Item, first.Delivery.QueuedAt
			again.Delivery.NotCalled = true
			j = again
		}
		if waited := time.Since(first.Delivery.QueuedAt); tries < 4 || tries > 40 || waited < maxMediaWait ||
			waited > maxMediaWait+backoffBase {
			t.Errorf("text after %s and %d tries", waited, tries)
		}
		if call.GetAttempt() != 1 || len(h.attemptResults()) != 1 {
			t.Errorf("call number %d, %v", call.GetAttempt(), h.attemptResults())
		}
	})
}

// A delivery waits for media at most half of GiveUp.
func TestMediaWaitEndsBeforeGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{errs: map[string]error{"r1": &sdk.Error{Kind: sdk.KindThrottled, After: time.Hour}}}
		h := newMediaHarness(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink,
			GiveUp: 10 * time.Second}, v)
		defer h.close()
		h.bot.finishCalls(delivered())
		for age, want := range map[time.Duration]attempt.Result{0: attempt.ResultRetry,
			5 * time.Second: attempt.ResultDelivered} {
			j := h.job("faq", "x")
			j.Delivery.QueuedAt = time.Now().Add(-age)
			j.Delivery.Item = h.storeEnvelope(deskMessage(image("r1")))
			j.Delivery.Item.Extent = render.Extent{BytesWithoutMedia: 11, BytesWithMedia: 300, Media: 1, Types: 3}
			h.Submit(j)
			o := h.mustOutcome(j)
			if o.Result != want || want == attempt.ResultRetry && time.Until(o.Next) != 5*time.Second {
				t.Errorf("after %s: outcome %+v", age, o)
			}
		}
	})
}

func TestMediaRetryWaitsForVendorPause(t *testing.T) {
	for name, tc := range map[string]struct{ wants, want time.Duration }{
		"a while":      {20 * time.Second, 20 * time.Second},
		"a long while": {time.Hour, maxMediaWait},
		"soon":         {time.Nanosecond, backoffBase / 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &vendor{errs: map[string]error{"r1": &sdk.Error{Kind: sdk.KindThrottled, After: tc.wants}}}
				h := newMediaHarness(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink}, v)
				defer h.close()
				o := h.outcomeOf(h.submitEnvelope(deskMessage(image("r1")), 0, 1))
				if o == nil || o.Result != attempt.ResultRetry {
					t.Fatalf("outcome %+v, want a retry", o)
				}
				if wait := time.Until(o.Next); wait < tc.want || wait > tc.want+2*backoffBase {
					t.Errorf("retry after %s, want about %s", wait, tc.want)
				}
			})
		})
	}
}

func TestSlowMediumLeavesTimeForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{hangs: map[string]bool{"slow": true}, files: map[string]string{"r1": png, "r2": png}}
		h := newMediaHarness(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink}, v)
		defer h.close()
		var call *pluginpb.DeliverCall
		h.bot.setResults(func(c *pluginpb.DeliverCall) callResult { call = c; return delivered() })
		j := h.job("faq", "x")
		j.Delivery.QueuedAt, j.Delivery.NotCalled = time.Now().Add(-maxMediaWait), true
		j.Delivery.Item = h.storeEnvelope(deskMessage(image("slow"), image("r1"), image("r2")))
		j.Delivery.Item.Extent = render.Extent{BytesWithoutMedia: 23, BytesWithMedia: 900, Media: 3, Types: 2}
		h.Submit(j)
		time.Sleep(mediaTimeout)
		if o := h.mustOutcome(j); o.Result != attempt.ResultDelivered ||
			strings.Count(receivedEnvelope(t, call).Text(), "https://gw.example/media/") != 2 {
			t.Errorf("outcome %+v, carries %q; want links to the other media", o, receivedEnvelope(t, call).Text())
		}
	})
}
