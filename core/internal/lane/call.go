package lane

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/render"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store"
	"patchbay/sdk"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
	"patchbay/sdk/text"
)

// result is what came of one call.
type result struct {
	out   *delivery.Outcome
	pause time.Duration // for the whole channel
	err   error         // the call itself failed: the adapter was away, died or was too slow
}

// call composes one call, makes it, and reads the answer.
func (e *Engine) call(ctx context.Context, t *task) result {
	call, degraded, err := e.buildCall(ctx, t)
	if err != nil {
		return t.readFailed(err)
	}
	if call == nil { // nothing is left to say: the piece is empty, or the history was purged
		return result{out: &delivery.Outcome{Result: delivery.ResultDelivered, Degraded: "nothing to send"}, err: errNotCalled}
	}
	res, err := t.ch.Caller.Deliver(ctx, call)
	if err != nil {
		return t.callFailed(err)
	}
	if f := res.GetError(); f != nil {
		return t.adapterRefused(f)
	}
	o := &delivery.Outcome{
		Result: delivery.ResultDelivered, VendorID: res.GetVendorId(), Thread: res.GetThread(), Accepted: res.GetAccepted(),
		Degraded: render.Join(degraded, text.Abbreviate(res.GetDegraded(), render.MaxDegraded)),
	}
	if res.GetHasState() {
		o.State = res.GetState()
		if o.State == nil {
			o.State = []byte{}
		}
	}
	if err := replies(o, t.ch.Name, res); err != nil {
		o.Degraded = render.Join(o.Degraded, err.Error())
	}
	if t.job.Delivery.Kind == state.KindOpen && o.Thread == "" {
		return result{out: t.deadLetter("permanent", "the adapter opened a conversation without a thread")}
	}
	return result{out: o}
}

// replies decodes what a synchronous vendor answered.
func replies(o *delivery.Outcome, channel string, res *pluginpb.DeliverResult) error {
	size := 0
	for _, b := range res.GetReplies() {
		if size += len(b); size > maxReplyBytes {
			return fmt.Errorf("replies beyond %d bytes were left out", maxReplyBytes)
		}
		env, err := protocol.DecodeEnvelope(b)
		if err != nil {
			return fmt.Errorf("a reply can't be read: %w", err)
		}
		o.Replies = append(o.Replies, &inbound.Envelope{Channel: channel, Envelope: env, Bytes: b})
	}
	return nil
}

// errorKilled is the kind of error of a delivery that ended its adapter's process, alone, too often.
const errorKilled = "killed_adapter"

// unreadable maps an error of reading what is to be delivered. What is gone or broken stays so.
func (t *task) readFailed(err error) result {
	_, attaching := errors.AsType[*attachError](err)
	if attaching && errors.Is(err, plugin.ErrNotReady) {
		return t.callFailed(err)
	}
	if attaching || isTemporary(err) {
		return result{out: t.retryNotCalled(string(sdk.KindTransient), err.Error(), 0), err: errNotCalled}
	}
	return result{out: t.deadLetter("unreadable", err.Error()), err: errNotCalled}
}

// passing reports whether the log may be readable again later.
func isTemporary(err error) bool {
	return errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrClosed) || errors.Is(err, context.Canceled) ||
		errors.Is(err, context.DeadlineExceeded)
}

// failed maps an error of the call itself.
func (t *task) callFailed(err error) result {
	if errors.Is(err, plugin.ErrNotReady) {
		return result{out: t.retry(string(sdk.KindTransient), err.Error(), 0), err: err, pause: notReadyPause}
	}
	if _, ok := errors.AsType[*plugin.TooLargeError](err); ok {
		return result{out: t.deadLetter(string(sdk.KindUnsupported), err.Error())}
	}
	return result{out: t.unknownOutcome(err.Error()), err: err}
}

// refused maps a typed error of the adapter.
func (t *task) adapterRefused(f *pluginpb.Error) result {
	e := plugin.ToError(f)
	text, after := e.Error(), e.After
	switch kind := e.Kind; kind {
	case sdk.KindInvalid, sdk.KindUnsupported, sdk.KindPermanent:
		return result{out: t.deadLetter(string(kind), text)}
	case sdk.KindDeclined:
		return result{out: &delivery.Outcome{Result: delivery.ResultDeclined, Error: string(kind), Text: text, Reason: e.Reason}}
	case sdk.KindGone:
		return result{out: &delivery.Outcome{Result: delivery.ResultGone, Error: string(kind), Text: text}}
	case sdk.KindUnknown:
		return result{out: t.unknownOutcome(text)}
	case sdk.KindThrottled:
		r := result{out: t.retry(string(kind), text, max(after, backoffBase))}
		if f.GetScope() == string(sdk.ScopeChannel) {
			r.pause = max(after, backoffBase)
		}
		return r
	case sdk.KindUnauthorized:
		o := t.retry(string(kind), text, 0)
		o.Next = time.Now().Add(backoff(unauthorizedBase, t.job.Delivery.Attempts))
		return result{out: o}
	default:
		return result{out: t.retry(string(sdk.KindTransient), text, after)}
	}
}

func (t *task) deadLetter(kind, text string) *delivery.Outcome {
	return &delivery.Outcome{Result: delivery.ResultDead, Error: kind, Text: text}
}

func (t *task) retry(kind, text string, after time.Duration) *delivery.Outcome {
	wait := max(after, backoff(backoffBase, t.job.Delivery.Attempts))
	return &delivery.Outcome{Result: delivery.ResultRetry, Error: kind, Text: text, Next: time.Now().Add(wait)}
}

// later is retry for a delivery whose vendor was not asked. That is no attempt, so its age tells how long to wait: the more the
// longer it has waited, and a medium is tried once more when its time is over.
func (t *task) retryNotCalled(kind, text string, after time.Duration) *delivery.Outcome {
	age := time.Since(t.job.Delivery.QueuedAt)
	wait := max(after, backoffBase/4+rand.N(min(max(2*age, backoffBase), backoffMax)))
	if left := t.mediaWait() - age; left > 0 {
		wait = min(wait, max(left, backoffBase/4))
	}
	return &delivery.Outcome{Result: delivery.ResultRetry, Error: kind, Text: text, Next: time.Now().Add(wait), NotCalled: true}
}

func (t *task) unknownOutcome(text string) *delivery.Outcome {
	if t.ch.DeadOnUnknown {
		return t.deadLetter(string(sdk.KindUnknown), text)
	}
	return t.retry(string(sdk.KindUnknown), text, 0)
}
