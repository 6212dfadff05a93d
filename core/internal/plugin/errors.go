package plugin

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNotReady means that no process took the call, so it certainly had no effect.
var ErrNotReady = errors.New("adapter is not ready")

// DiedError means that the adapter's process ended while it had the call; a Deliver may have had its effect.
type DiedError struct {
	Name string // of the adapter
	// Alone is true if no other call was with the process, so that this one is to blame.
	Alone bool
	// Text is why it ended: the panic with the top of its stack, or how the process exited with its last lines.
	Text string
}

// Error returns one line: the first of Text.
func (e *DiedError) Error() string {
	return fmt.Sprintf("adapter %s died during the call: %s", e.Name, firstLine(e.Text))
}

// TooLargeError means that a call does not fit into one message of the protocol. It never had an effect.
type TooLargeError struct{ Bytes, Limit int }

// Error names both sizes.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the call has %d bytes, the plugin protocol takes at most %d", e.Bytes, e.Limit)
}

// Reasons why a process is replaced or can't be started; the label of patchbay_adapter_restarts_total.
const (
	reasonExited    = "exited"    // the process ended by itself
	reasonStart     = "start"     // it did not get as far as ready
	reasonLiveness  = "liveness"  // it did not answer health checks
	reasonStream    = "stream"    // it closed a stream, or the stream broke
	reasonPermanent = "permanent" // it can't be started as it is: file or protocol
	reasonRequested = "requested" // somebody asked for a restart
)

var restartReasons = []string{
	reasonExited, reasonStart, reasonLiveness, reasonStream, reasonPermanent, reasonRequested,
}

// endError says why a instance ended or did not begin.
type endError struct {
	reason string
	err    error
}

func (e *endError) Error() string { return e.err.Error() }
func (e *endError) Unwrap() error { return e.err }

func ended(reason, format string, args ...any) error {
	return &endError{reason: reason, err: fmt.Errorf(format, args...)}
}

// reasonOf returns the reason of the first endError in err's chain, or fallback.
func reasonOf(err error, fallback string) string {
	if e, ok := errors.AsType[*endError](err); ok {
		return e.reason
	}
	return fallback
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
