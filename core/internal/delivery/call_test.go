package delivery

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/state"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

func TestDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq"})
		defer h.close()
		reply, err := protocol.EncodeEnvelope(message("an answer"))
		if err != nil {
			t.Fatal(err)
		}
		h.bot.finishCalls(callResult{res: &pluginpb.DeliverResult{
			VendorId: "v1", HasState: true, Degraded: "no bold", Replies: [][]byte{reply}, Accepted: true,
		}})
		o := h.mustOutcome(h.submit("faq", "hello"))
		if o.Result != attempt.ResultDelivered || o.VendorID != "v1" || o.Degraded != "no bold" || !o.Accepted {
			t.Errorf("outcome %+v", o)
		}
		if o.State == nil {
			t.Error("state is nil, want empty: the adapter cleared it")
		}
		if len(o.Replies) != 1 || o.Replies[0].Channel != "faq" || o.Replies[0].Envelope.Text() != "an answer" {
			t.Errorf("replies %+v", o.Replies)
		}
		if diff := cmp.Diff([]string{"faq delivered"}, h.attemptResults()); diff != "" {
			t.Errorf("attempts differ:\n%s", diff)
		}
	})
}

func TestUnreadableReplies(t *testing.T) {
	for name, replies := range map[string][][]byte{
		"too many bytes": {make([]byte, maxReplyBytes+1)},
		"no envelope":    {[]byte("not protobuf")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Channel{Name: "faq"})
				defer h.close()
				h.bot.finishCalls(callResult{res: &pluginpb.DeliverResult{Replies: replies}})
				o := h.mustOutcome(h.submit("faq", "hello"))
				if o.Result != attempt.ResultDelivered || len(o.Replies) != 0 || o.Degraded == "" {
					t.Errorf("outcome %+v, want delivered, and the replies described as lost", o)
				}
			})
		})
	}
}

func TestOpenWithoutThreadIsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "desk"})
		defer h.close()
		h.bot.finishCalls(delivered())
		j := h.job("desk", "")
		j.Delivery.Kind, j.Thread = state.KindOpen, ""
		h.Submit(j)
		if o := h.mustOutcome(j); o.Result != attempt.ResultDead || o.Error != "permanent" {
			t.Errorf("outcome %+v, want dead", o)
		}
	})
}

// A delivery that is canceled while its call is built is not called.
func TestCancelWhileTheCallIsBuilt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq"})
		defer h.close()
		h.bot.finishCalls(delivered())
		j := h.job("faq", "hello")
		h.Load = func(ctx context.Context, p state.Position) (attempt.Stored, error) {
			h.Cancel(j.Delivery.ID)
			return h.load(ctx, p)
		}
		h.Submit(j)
		if o := h.mustOutcome(j); o.Result != attempt.ResultRetry || !o.NotCalled {
			t.Errorf("outcome %+v, want not called", o)
		}
		if n := h.bot.callCount(); n != 0 {
			t.Errorf("%d calls, want none", n)
		}
	})
}

// lateAdapter ends a call only when the test calls done, also after the call was stopped.
type lateAdapter struct {
	fakeAdapter
	starting func()
	done     func(*pluginpb.DeliverResult, error)
	stops    int
}

func (a *lateAdapter) StartDeliver(_ context.Context, _ *pluginpb.DeliverCall,
	done func(*pluginpb.DeliverResult, error),
) func() {
	a.done = done
	a.starting()
	return func() { a.stops++ }
}

func TestCallIsStoppedOnce(t *testing.T) {
	for _, during := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t, Channel{Name: "faq", Timeout: 2 * time.Second})
			defer h.close()
			j := h.job("faq", "hello")
			bot := &lateAdapter{starting: func() {
				if during {
					h.Cancel(j.Delivery.ID)
				}
			}}
			h.channels["faq"].Caller = bot
			h.Submit(j)
			synctest.Wait()
			h.Cancel(j.Delivery.ID)
			time.Sleep(2*time.Second + time.Millisecond) // the timeout also ends the call
			synctest.Wait()
			if bot.stops != 1 {
				t.Errorf("canceled during the start: %v: %d stops, want 1", during, bot.stops)
			}
			bot.done(&pluginpb.DeliverResult{}, nil)
		})
	}
}
