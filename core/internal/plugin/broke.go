package plugin

import (
	"fmt"

	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
	"patchbay/sdk/text"
)

// Fault is the way in which an adapter broke.
type Fault string

// The faults.
const (
	FaultDied     Fault = "died"     // the process ended
	FaultHung     Fault = "hung"     // a call did not end after it was canceled, so the process was killed
	FaultPanicked Fault = "panicked" // a handler panicked; the process goes on
)

// Weights of the blame for a call. GiveUpWeight is the sum at which a call is not repeated any more.
const (
	WeightCertain = 2 // this call is the cause: no other call ran, or it hung or panicked itself
	WeightLikely  = 1 // other calls ran, but none of the same kind
	WeightNone    = 0 // another call of the same kind ran, or another call hung
	GiveUpWeight  = 4
)

// BrokeError means that the adapter broke during the call. The outcome of a Deliver is then unknown.
type BrokeError struct {
	Name   string // name of the adapter
	Fault  Fault
	Weight int // of the blame for this call
	// Text is the panic with the top of its stack, or the cause with the last lines of the log output.
	Text string
}

// Error returns one line, with the first line of Text.
func (e *BrokeError) Error() string {
	return fmt.Sprintf("adapter %s %s during the call: %s", e.Name, e.Fault, text.FirstLine(e.Text))
}

// MakesSuspect reports whether the call becomes a crash suspect, which is repeated while no other call runs. After a
// hang or a panic, it is already known which call is the cause.
func (e *BrokeError) MakesSuspect() bool { return e.Fault == FaultDied }

// weightOf returns the weight for a call that was in flight when the process ended. same is the number of calls of its
// kind in flight, including itself. others is the number of all other calls in flight.
func weightOf(same, others int) int {
	switch {
	case same > 1:
		return WeightNone
	case others > 0:
		return WeightLikely
	}
	return WeightCertain
}

// panicError returns a BrokeError if e reports a panic, and nil otherwise.
func (h *Host) panicError(e *pluginpb.Error) error {
	if sdk.ErrorKind(e.GetKind()) != sdk.KindPanicked {
		return nil
	}
	return &BrokeError{Name: h.opts.Name, Fault: FaultPanicked, Weight: WeightCertain, Text: shortText(e.GetText())}
}
