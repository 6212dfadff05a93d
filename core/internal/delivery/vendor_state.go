package delivery

import (
	"context"
	"errors"
	"net/http"

	"patchbay/core/internal/plugin"
	"patchbay/sdk"
)

// vendorState is the state of a vendor according to one attempt.
type vendorState int

const (
	vendorUnknown   vendorState = iota // the vendor was not called, the adapter failed, or the call was canceled
	vendorReachable                    // it responded, even if it refused this message
	vendorFailed                       // it did not respond, or responded that it cannot work now
)

// vendorStateOf returns the state of a vendor for an error that the adapter returned. The HTTP status of the vendor's
// response decides. Without a status, errors that may succeed later are failures of the transport.
func vendorStateOf(e *sdk.Error) vendorState {
	switch {
	case e.Status >= http.StatusInternalServerError || e.Status == http.StatusTooManyRequests:
		return vendorFailed
	case e.Status != 0:
		return vendorReachable
	}
	switch e.Kind {
	case sdk.KindInvalid, sdk.KindUnsupported, sdk.KindPermanent, sdk.KindUnauthorized, sdk.KindThrottled,
		sdk.KindDeclined, sdk.KindGone:
		return vendorReachable
	}
	return vendorFailed
}

// vendorStateWithoutResult returns the state of a vendor for a call without a result of the adapter.
func vendorStateWithoutResult(err error) vendorState {
	if errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, plugin.ErrNotReady) {
		return vendorFailed
	}
	return vendorUnknown
}
