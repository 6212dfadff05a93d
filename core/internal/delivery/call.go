package delivery

import (
	"fmt"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/render"
	"patchbay/core/internal/state"
	"patchbay/sdk/protocol/pluginpb"
	"patchbay/sdk/text"
)

// maxReplyBytes is the maximum size of all replies to one call.
const maxReplyBytes = 256 << 10

// result is the result of one call.
type result struct {
	out    *attempt.Outcome
	pause  time.Duration // of the whole channel
	vendor vendorState
	err    error // set if there was no call, or if it has no result of the adapter
}

// call builds the call of a task and starts it. If that fails, or if there is nothing to send, it ends the call.
func (e *Engine) call(c *callContext, t *task) {
	call, degraded, err := e.buildCall(c, t)
	if err == nil {
		err = c.Err() // buildCall may succeed after the end of the context
	}
	switch {
	case err != nil:
		e.endCall(t, t.readFailure(err))
		return
	case call == nil: // the piece is empty, or the history was purged
		o := &attempt.Outcome{Result: attempt.ResultDelivered, Degraded: "nothing to send"}
		e.endCall(t, result{out: o, err: errNotCalled})
		return
	}
	stop := t.settings.Caller.StartDeliver(c, call, func(res *pluginpb.DeliverResult, err error) {
		e.endCall(t, t.resultOf(res, err, degraded))
	})
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.Err() != nil { // c ended before c.stop was set
		stop()
	} else {
		c.stop = stop
	}
}

// resultOf returns the result of a call.
func (t *task) resultOf(res *pluginpb.DeliverResult, err error, degraded string) result {
	if err != nil {
		return t.callFailure(err)
	}
	if f := res.GetError(); f != nil {
		return t.adapterFailure(f)
	}
	o := &attempt.Outcome{
		Result: attempt.ResultDelivered, VendorID: res.GetVendorId(), Thread: res.GetThread(), Accepted: res.GetAccepted(),
		Degraded: render.Join(degraded, text.Abbreviate(res.GetDegraded(), render.MaxDegraded)),
	}
	if res.GetHasState() {
		o.State = res.GetState()
		if o.State == nil {
			o.State = []byte{}
		}
	}
	if err := decodeReplies(o, t.settings.Name, res); err != nil {
		o.Degraded = render.Join(o.Degraded, err.Error())
	}
	if t.job.Delivery.Kind == state.KindOpen && o.Thread == "" {
		return result{out: deadLetter("permanent", "the adapter opened a conversation without a thread"), vendor: vendorReachable}
	}
	return result{out: o, vendor: vendorReachable}
}

// decodeReplies adds the envelopes that the vendor returned in the call to the outcome.
func decodeReplies(o *attempt.Outcome, channel string, res *pluginpb.DeliverResult) error {
	size := 0
	for _, b := range res.GetReplies() {
		if size += len(b); size > maxReplyBytes {
			return fmt.Errorf("replies beyond %d bytes are dropped", maxReplyBytes)
		}
		reply, err := inbound.DecodeOne(b)
		if err != nil {
			return fmt.Errorf("decode reply: %w", err)
		}
		reply.Channel = channel
		o.Replies = append(o.Replies, reply)
	}
	return nil
}
