package plugin

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
	"patchbay/sdk/text"
)

// ErrNotReady means that no process received the call, so that it had no effect.
var ErrNotReady = errors.New("adapter is not ready")

// TooLargeError means that a call exceeds the message size of the protocol. It had no effect.
type TooLargeError struct{ Bytes, Limit int }

// Error returns the size and the limit.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the call has %d bytes, the plugin protocol allows at most %d", e.Bytes, e.Limit)
}

// Limits of an adapter's error; the SDK observes them.
const (
	maxErrorText = 1 << 10 // bytes of each text
	maxAfter     = time.Hour
)

// ToError converts an adapter's error. It enforces the limits, because texts are stored and After delays calls.
func ToError(e *pluginpb.Error) *sdk.Error {
	return &sdk.Error{
		Kind:   sdk.ErrorKind(cmp.Or(shortText(e.GetKind()), string(sdk.KindTransient))),
		Op:     shortText(e.GetOp()),
		Text:   shortText(e.GetText()),
		Status: int(e.GetStatus()),
		Code:   shortText(e.GetCode()),
		After:  min(max(e.GetAfter().AsDuration(), 0), maxAfter),
		Scope:  sdk.Scope(shortText(e.GetScope())),
		Reason: shortText(e.GetReason()),
		Field:  shortText(e.GetField()),
	}
}

func shortText(s string) string { return text.Abbreviate(s, maxErrorText) }

// unsupportedError converts the gRPC error of a call that the adapter does not implement into a typed one.
func unsupportedError(op string, err error) error {
	if status.Code(err) != codes.Unimplemented {
		return err
	}
	text := "the adapter does not implement this call: " + shortText(status.Convert(err).Message())
	return &sdk.Error{Kind: sdk.KindUnsupported, Op: op, Text: text}
}

// Reasons for the end of a process; label of patchbay_adapter_restarts_total.
const (
	reasonExited    = "exited"    // the process exited
	reasonStart     = "start"     // the process did not become ready
	reasonLiveness  = "liveness"  // the process failed health checks
	reasonHung      = "hung"      // a call did not end after it was canceled
	reasonChanged   = "changed"   // the program differs from the one in force
	reasonStream    = "stream"    // a stream was closed or broke
	reasonPermanent = "permanent" // the program cannot run: its file or its protocol is wrong
	reasonRequested = "requested" // an operator asked for a restart
)

var restartReasons = []string{
	reasonExited, reasonStart, reasonLiveness, reasonHung, reasonChanged, reasonStream, reasonPermanent, reasonRequested,
}

// endError is the reason why an instance ended or did not start.
type endError struct {
	reason string
	err    error
}

func (e *endError) Error() string { return e.err.Error() }
func (e *endError) Unwrap() error { return e.err }

func endedBy(reason, format string, args ...any) error {
	return &endError{reason: reason, err: fmt.Errorf(format, args...)}
}

// reasonOf returns the reason of the first endError in err's chain, or fallback.
func reasonOf(err error, fallback string) string {
	if e, ok := errors.AsType[*endError](err); ok {
		return e.reason
	}
	return fallback
}
