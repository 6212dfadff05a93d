package lane

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// TestEveryKindOfError is the table of what the gateway does about each.
func TestEveryKindOfError(t *testing.T) {
	const forever = 2 * time.Minute
	type want struct {
		result   delivery.Result
		err      string
		min, max time.Duration // until the next try
	}
	for name, tc := range map[string]struct {
		a    answer
		want want
	}{
		"invalid":           {refused("invalid"), want{result: delivery.ResultDead, err: "invalid"}},
		"unsupported":       {refused("unsupported"), want{result: delivery.ResultDead, err: "unsupported"}},
		"permanent":         {refused("permanent"), want{result: delivery.ResultDead, err: "permanent"}},
		"declined":          {refused("declined"), want{result: delivery.ResultDeclined, err: "declined"}},
		"gone":              {refused("gone"), want{result: delivery.ResultGone, err: "gone"}},
		"unauthorized":      {refused("unauthorized"), want{delivery.ResultRetry, "unauthorized", unauthorizedBase / 4, forever}},
		"transient":         {refused("transient"), want{delivery.ResultRetry, "transient", backoffBase / 4, 2 * backoffBase}},
		"unknown":           {refused("unknown"), want{delivery.ResultRetry, "unknown", backoffBase / 4, 2 * backoffBase}},
		"a kind of later":   {refused("brand_new"), want{delivery.ResultRetry, "transient", backoffBase / 4, 2 * backoffBase}},
		"throttled":         {throttled(0, "lane"), want{delivery.ResultRetry, "throttled", backoffBase, 2 * backoffBase}},
		"throttled, after":  {throttled(time.Minute, "lane"), want{delivery.ResultRetry, "throttled", time.Minute, time.Minute}},
		"transient, after":  {answer{res: &pluginpb.DeliverResult{Error: &pluginpb.Error{Kind: "transient", After: durationpb.New(time.Minute)}}}, want{delivery.ResultRetry, "transient", time.Minute, time.Minute}},
		"too large to call": {answer{err: &plugin.TooLargeError{Bytes: 2, Limit: 1}}, want{result: delivery.ResultDead, err: "unsupported"}},
		"timeout":           {answer{err: context.DeadlineExceeded}, want{delivery.ResultRetry, "unknown", backoffBase / 4, 2 * backoffBase}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, Channel{Name: "faq"})
				defer b.close()
				b.bot.always(tc.a)
				j := b.submit("faq", "hello")
				o := b.must(j)
				got := want{result: o.Result, err: o.Error}
				if got.result != tc.want.result || got.err != tc.want.err {
					t.Errorf("result %v, error %q; want %v, %q", o.Result, o.Error, tc.want.result, tc.want.err)
				}
				if wait := time.Until(o.Next); o.Result == delivery.ResultRetry && (wait < tc.want.min || wait > tc.want.max) {
					t.Errorf("next try in %v, want %v to %v", wait, tc.want.min, tc.want.max)
				}
				if o.Conversation != j.Conv.ID || o.Channel != "faq" || o.Kind != state.KindSend || o.Thread != "bot-thread" {
					t.Errorf("outcome is not that of its job: %+v", o)
				}
			})
		})
	}
}

func TestDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Channel{Name: "faq"})
		defer b.close()
		reply, err := protocol.EncodeEnvelope(message("an answer"))
		if err != nil {
			t.Fatal(err)
		}
		b.bot.always(answer{res: &pluginpb.DeliverResult{
			VendorId: "v1", HasState: true, Degraded: "no bold", Replies: [][]byte{reply}, Accepted: true,
		}})
		o := b.must(b.submit("faq", "hello"))
		if o.Result != delivery.ResultDelivered || o.VendorID != "v1" || o.Degraded != "no bold" || !o.Accepted {
			t.Errorf("outcome %+v", o)
		}
		if o.State == nil {
			t.Error("state is nil, want empty: the adapter cleared it")
		}
		if len(o.Replies) != 1 || o.Replies[0].Channel != "faq" || o.Replies[0].Envelope.Text() != "an answer" {
			t.Errorf("replies %+v", o.Replies)
		}
		if diff := cmp.Diff([]string{"faq delivered"}, b.attempted()); diff != "" {
			t.Errorf("attempts differ:\n%s", diff)
		}
	})
}

func TestRepliesThatCantBeTaken(t *testing.T) {
	for name, replies := range map[string][][]byte{
		"too many bytes": {make([]byte, maxReplyBytes+1)},
		"no envelope":    {[]byte("not protobuf")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, Channel{Name: "faq"})
				defer b.close()
				b.bot.always(answer{res: &pluginpb.DeliverResult{Replies: replies}})
				o := b.must(b.submit("faq", "hello"))
				if o.Result != delivery.ResultDelivered || len(o.Replies) != 0 || o.Degraded == "" {
					t.Errorf("outcome %+v, want delivered, with a note on the replies", o)
				}
			})
		})
	}
}

func TestOpenWithoutThreadIsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Channel{Name: "desk"})
		defer b.close()
		b.bot.always(delivered())
		j := b.job("desk", "")
		j.Delivery.Kind, j.Thread = state.KindOpen, ""
		b.Submit(j)
		if o := b.must(j); o.Result != delivery.ResultDead || o.Error != "permanent" {
			t.Errorf("outcome %+v, want dead", o)
		}
	})
}

func TestUnknownOutcomes(t *testing.T) {
	for name, a := range map[string]answer{"said": refused("unknown"), "died": died(false), "timeout": {err: context.DeadlineExceeded}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, Channel{Name: "faq", DeadOnUnknown: true})
				defer b.close()
				b.bot.always(a)
				if o := b.must(b.submit("faq", "hello")); o.Result != delivery.ResultDead || o.Error != "unknown" {
					t.Errorf("outcome %+v, want dead: the channel wants no repeats", o)
				}
				for range breakerFailures - 1 {
					b.must(b.submit("faq", "hello"))
				}
				if b.outcome(b.submit("faq", "hello")) != nil || b.Reachable("faq") {
					t.Error("the breaker stays closed though no call is answered")
				}
			})
		})
	}
}

func TestWhatCantBeRead(t *testing.T) {
	for name, tc := range map[string]struct {
		err    error
		result delivery.Result
		kind   string
	}{
		"it is gone":      {store.ErrNotFound, delivery.ResultDead, "unreadable"},
		"the log is away": {store.ErrUnavailable, delivery.ResultRetry, "transient"},
		"it took long":    {context.DeadlineExceeded, delivery.ResultRetry, "transient"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, Channel{Name: "faq"})
				defer b.close()
				b.bot.always(delivered())
				b.loadErr = fmt.Errorf("read record 1: %w", tc.err)
				for range 2 * breakerFailures {
					o := b.must(b.submit("faq", "hello"))
					if o.Result != tc.result || o.Error != tc.kind || o.Result == delivery.ResultRetry && !o.NotCalled {
						t.Fatalf("outcome %+v, want %v %s that is no attempt", o, tc.result, tc.kind)
					}
				}
				if n := len(b.attempted()); n != 0 || b.bot.count() != 0 {
					t.Errorf("%d attempts counted, %d calls made, want none", n, b.bot.count())
				}
				if !b.Reachable("faq") {
					t.Error("the breaker opened though the vendor was never asked")
				}
			})
		})
	}
}

func TestUnconfiguredChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Channel{Name: "faq"})
		defer b.close()
		j := b.job("elsewhere", "hello")
		b.Submit(j)
		if o := b.must(j); o.Result != delivery.ResultDead || o.Error != "unconfigured" {
			t.Errorf("outcome %+v", o)
		}
		if b.Reachable("elsewhere") {
			t.Error("a channel that does not exist is reachable")
		}
	})
}

func TestBackoff(t *testing.T) {
	for _, tc := range []struct {
		base     time.Duration
		attempts uint32
		max      time.Duration
	}{
		{backoffBase, 0, backoffBase}, {backoffBase, 1, 2 * backoffBase}, {backoffBase, 3, 8 * backoffBase},
		{backoffBase, 100, backoffMax}, {unauthorizedBase, 0, unauthorizedBase}, {unauthorizedBase, 4_000_000_000, backoffMax},
		{2 * backoffMax, 5, 2 * backoffMax},
	} {
		low, high := time.Hour, time.Duration(0)
		for range 2000 {
			d := retryDelay(tc.base, tc.attempts)
			low, high = min(low, d), max(high, d)
		}
		if low < tc.base/4 || high > tc.max+tc.base/4 {
			t.Errorf("retryDelay(%v, %d) is between %v and %v, want %v to %v", tc.base, tc.attempts, low, high, tc.base/4, tc.max+tc.base/4)
		}
		if high-low < tc.max/2 {
			t.Errorf("retryDelay(%v, %d) spreads over %v only: full jitter is over %v", tc.base, tc.attempts, high-low, tc.max)
		}
	}
}

func TestErrorTextNamesTheVendorsAnswer(t *testing.T) {
	got := plugin.ToError(&pluginpb.Error{Kind: "permanent", Op: "send message", Text: "no such user", Status: 404, Code: "E1", Field: "to"}).Error()
	for _, want := range []string{"send message", "permanent", "no such user", "404", "E1", "to"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q does not name %q", got, want)
		}
	}
}

// TestErrorsAreBounded: an adapter that is not made with the SDK can neither fill the log with an error nor stop a lane for ever.
func TestErrorsAreBounded(t *testing.T) {
	for _, kind := range []string{"transient", "throttled", "permanent", "unknown", "declined", "gone", "of another age"} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, Channel{Name: "faq"})
			defer b.close()
			long := strings.Repeat("é", 1<<20)
			b.bot.always(answer{res: &pluginpb.DeliverResult{Error: &pluginpb.Error{
				Kind: kind, Text: long, Op: long, Reason: long, After: &durationpb.Duration{Seconds: 1 << 60}, Scope: "channel",
			}}})
			o := b.must(b.submit("faq", "hello"))
			if len(o.Text) > 8<<10 || len(o.Reason) > 2<<10 || !utf8.ValidString(o.Text+o.Reason) || time.Until(o.Next) > time.Hour {
				t.Errorf("%s: text of %d bytes, reason of %d, next in %v", kind, len(o.Text), len(o.Reason), time.Until(o.Next))
			}
			if _, paused, _, _ := b.State("faq"); paused > time.Hour {
				t.Errorf("%s: paused for %v", kind, paused)
			}
		})
	}
}
