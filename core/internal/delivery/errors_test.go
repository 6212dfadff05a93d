package delivery

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store"
	"patchbay/sdk/protocol/pluginpb"
)

func TestErrorKinds(t *testing.T) {
	const forever = 2 * time.Minute
	type want struct {
		result   attempt.Result
		err      string
		min, max time.Duration // until the next attempt
	}
	for name, tc := range map[string]struct {
		a    callResult
		want want
	}{
		"invalid":     {failed("invalid"), want{result: attempt.ResultDead, err: "invalid"}},
		"unsupported": {failed("unsupported"), want{result: attempt.ResultDead, err: "unsupported"}},
		"permanent":   {failed("permanent"), want{result: attempt.ResultDead, err: "permanent"}},
		"declined":    {failed("declined"), want{result: attempt.ResultDeclined, err: "declined"}},
		"gone":        {failed("gone"), want{result: attempt.ResultGone, err: "gone"}},
		"unauthorized": {failed("unauthorized"), want{attempt.ResultRetry, "unauthorized", unauthorizedBase / 4,
			forever}},
		"transient": {failed("transient"), want{attempt.ResultRetry, "transient", backoffBase / 4,
			2 * backoffBase}},
		"unknown": {failed("unknown"), want{attempt.ResultRetry, "unknown", backoffBase / 4,
			2 * backoffBase}},
		"unknown kind": {failed("brand_new"), want{attempt.ResultRetry, "transient", backoffBase / 4,
			2 * backoffBase}},
		"throttled": {throttled(0, "lane"), want{attempt.ResultRetry, "throttled", backoffBase,
			2 * backoffBase}},
		"throttled, after": {throttled(time.Minute, "lane"), want{attempt.ResultRetry, "throttled", time.Minute,
			time.Minute}},
		"transient, after": {callResult{res: &pluginpb.DeliverResult{Error: &pluginpb.Error{Kind: "transient",
			After: durationpb.New(time.Minute)}}}, want{attempt.ResultRetry, "transient", time.Minute, time.Minute}},
		"too large to call": {callResult{err: &plugin.TooLargeError{Bytes: 2, Limit: 1}},
			want{result: attempt.ResultDead, err: "unsupported"}},
		"timeout": {callResult{err: context.DeadlineExceeded}, want{attempt.ResultRetry, "unknown",
			backoffBase / 4, 2 * backoffBase}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Channel{Name: "faq"})
				defer h.close()
				h.bot.finishCalls(tc.a)
				j := h.submit("faq", "hello")
				o := h.mustOutcome(j)
				got := want{result: o.Result, err: o.Error}
				if got.result != tc.want.result || got.err != tc.want.err {
					t.Errorf("result %v, error %q; want %v, %q", o.Result, o.Error, tc.want.result, tc.want.err)
				}
				if wait := time.Until(o.Next); o.Result == attempt.ResultRetry &&
					(wait < tc.want.min || wait > tc.want.max) {
					t.Errorf("next attempt in %v, want %v to %v", wait, tc.want.min, tc.want.max)
				}
				if o.Conversation != j.Conv.ID || o.Channel != "faq" || o.Kind != state.KindSend ||
					o.Thread != "bot-thread" {
					t.Errorf("the outcome does not belong to the job: %+v", o)
				}
			})
		})
	}
}

func TestUnreadableEnvelope(t *testing.T) {
	for name, tc := range map[string]struct {
		err    error
		result attempt.Result
		kind   string
	}{
		"purged":          {store.ErrNotFound, attempt.ResultDead, "unreadable"},
		"log unavailable": {store.ErrUnavailable, attempt.ResultRetry, "transient"},
		"timeout":         {context.DeadlineExceeded, attempt.ResultRetry, "transient"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Channel{Name: "faq"})
				defer h.close()
				h.bot.finishCalls(delivered())
				h.loadErr = fmt.Errorf("read record 1: %w", tc.err)
				for range 2 * breakerFailures {
					o := h.mustOutcome(h.submit("faq", "hello"))
					if o.Result != tc.result || o.Error != tc.kind || o.Result == attempt.ResultRetry && !o.NotCalled {
						t.Fatalf("outcome %+v, want %v %s that is not an attempt", o, tc.result, tc.kind)
					}
				}
				if n := len(h.attemptResults()); n != 0 || h.bot.callCount() != 0 {
					t.Errorf("%d attempts counted, %d calls made, want none", n, h.bot.callCount())
				}
				if !h.IsReachable("faq", time.Minute) {
					t.Error("the breaker opened although the vendor was not called")
				}
			})
		})
	}
}

func TestErrorTextNamesTheVendorsAnswer(t *testing.T) {
	got := plugin.ToError(&pluginpb.Error{Kind: "permanent", Op: "send message", Text: "no such user", Status: 404,
		Code: "E1", Field: "to"}).Error()
	for _, want := range []string{"send message", "permanent", "no such user", "404", "E1", "to"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q does not contain %q", got, want)
		}
	}
}

// The SDK limits the size of errors. An adapter without the SDK may not.
func TestAdapterErrorsAreBounded(t *testing.T) {
	for _, kind := range []string{"transient", "throttled", "permanent", "unknown", "declined", "gone",
		"unknown kind"} {
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t, Channel{Name: "faq"})
			defer h.close()
			long := strings.Repeat("é", 1<<20)
			h.bot.finishCalls(callResult{res: &pluginpb.DeliverResult{Error: &pluginpb.Error{
				Kind: kind, Text: long, Op: long, Reason: long, After: &durationpb.Duration{Seconds: 1 << 60}, Scope: "channel",
			}}})
			o := h.mustOutcome(h.submit("faq", "hello"))
			if len(o.Text) > 8<<10 || len(o.Reason) > 2<<10 || !utf8.ValidString(o.Text+o.Reason) ||
				time.Until(o.Next) > time.Hour {
				t.Errorf("%s: text of %d bytes, reason of %d, next in %v", kind, len(o.Text), len(o.Reason),
					time.Until(o.Next))
			}
			if paused := h.State("faq").Pause; paused > time.Hour {
				t.Errorf("%s: paused for %v", kind, paused)
			}
		})
	}
}
