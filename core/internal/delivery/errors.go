package delivery

import (
	"context"
	"errors"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/store"
	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

// notReadyPause is the delay before a channel whose adapter is not ready is tried again.
const notReadyPause = 500 * time.Millisecond

// readFailure returns the result of a delivery whose content could not be read or attached. A delivery whose content is
// missing or damaged is given up.
func (t *task) readFailure(err error) result {
	_, attaching := errors.AsType[*attachError](err)
	if attaching && errors.Is(err, plugin.ErrNotReady) {
		return t.callFailure(err)
	}
	if attaching || isTemporary(err) {
		return result{out: t.retryNotCalled(string(sdk.KindTransient), err.Error(), 0), err: errNotCalled}
	}
	return result{out: deadLetter("unreadable", err.Error()), err: errNotCalled}
}

// isTemporary reports whether the log may be readable later.
func isTemporary(err error) bool {
	return errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrClosed) ||
		errors.Is(err, context.Canceled) ||
		errors.Is(err, context.DeadlineExceeded)
}

// callFailure returns the result of a call without a result of the adapter.
func (t *task) callFailure(err error) result {
	if errors.Is(err, plugin.ErrNotReady) {
		return result{out: t.retry(string(sdk.KindTransient), err.Error(), 0), err: err}
	}
	if _, ok := errors.AsType[*plugin.TooLargeError](err); ok {
		return result{out: deadLetter(string(sdk.KindUnsupported), err.Error())}
	}
	return result{out: t.unknownOutcome(err.Error()), vendor: vendorStateWithoutResult(err), err: err}
}

// adapterFailure returns the result of a call for which the adapter returned an error. The kind of the error decides.
func (t *task) adapterFailure(f *pluginpb.Error) result {
	e := plugin.ToError(f)
	r := t.errorResult(e)
	r.vendor = vendorStateOf(e)
	return r
}

// errorResult is adapterFailure without the state of the vendor.
func (t *task) errorResult(e *sdk.Error) result {
	text, after := e.Error(), t.settings.limitPause(e.After)
	switch kind := e.Kind; kind {
	case sdk.KindInvalid, sdk.KindUnsupported, sdk.KindPermanent:
		return result{out: deadLetter(string(kind), text)}
	case sdk.KindDeclined:
		return result{out: &attempt.Outcome{Result: attempt.ResultDeclined, Error: string(kind), Text: text,
			Reason: e.Reason}}
	case sdk.KindGone:
		return result{out: &attempt.Outcome{Result: attempt.ResultGone, Error: string(kind), Text: text}}
	case sdk.KindUnknown:
		return result{out: t.unknownOutcome(text)}
	case sdk.KindThrottled:
		r := result{out: t.retry(string(kind), text, max(after, backoffBase))}
		if e.Scope == sdk.ScopeChannel {
			r.pause = max(after, backoffBase)
		}
		return r
	case sdk.KindUnauthorized:
		o := t.retry(string(kind), text, 0)
		o.Next = t.ch.now().Add(retryDelay(unauthorizedBase, t.job.Delivery.Attempts))
		return result{out: o}
	default:
		return result{out: t.retry(string(sdk.KindTransient), text, after)}
	}
}
