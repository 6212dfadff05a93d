// Package attempt defines the data that the writer and the lanes exchange: the writer sends a [Job] to the lanes, and
// they return its [Outcome]. So the packages writer, delivery and conversation need not import each other for these
// types.
package attempt

import (
	"time"

	"patchbay/core/internal/inbound"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
)

// Job is the head of a lane with everything that the call needs except the envelope.
type Job struct {
	Delivery state.Delivery
	Conv     *state.Conversation // as of the commit that released the job; read only
	Thread   string
	State    []byte        // of the thread
	Waited   time.Duration // for hours and for answers of the owner; give_up does not count it
}

// Stored is an envelope from the log. It is shared: read only.
type Stored struct {
	*journal.StoredEnvelope
	At time.Time // of acceptance
}

// Result selects how the writer acts on an outcome.
type Result int

// The results.
const (
	ResultDelivered Result = iota
	ResultRetry            // not before Outcome.Next
	ResultDead
	ResultDeclined // the channel does not take the offered conversation
	ResultGone     // the vendor has deleted the thread
)

// ChannelState is the state of a channel's calls.
type ChannelState struct {
	Breaker  string        // closed, half-open or open
	Cause    string        // last failure, if the breaker is not closed
	Pause    time.Duration // rest of the pause that the vendor asked for
	Paused   bool          // by an operator
	Queued   int           // jobs that wait, including those whose media are being read
	InFlight int           // calls

	// The channel is full if all calls are in use and jobs wait only for a free call. Otherwise the next fields are 0.
	Full         time.Duration // time since the channel has been full
	Waits        time.Duration // wait of the first waiting job, at most Full
	SinceSuccess time.Duration // since the last successful call ended, less its own duration
}

// CannotKeepUp reports whether calls succeed, but the first waiting job has waited for a free call for longer than the
// limit. Then webhooks with messages to the channel are refused. With a limit of 0 it reports false.
func (s *ChannelState) CannotKeepUp(limit time.Duration) bool {
	return s.IsSaturated(limit) && s.Waits > limit
}

// IsSaturated reports whether calls succeed, but jobs have waited for a free call for longer than the limit. These are
// not always the same jobs. With a limit of 0 it reports false.
func (s *ChannelState) IsSaturated(limit time.Duration) bool {
	return limit > 0 && s.Full > limit && s.SinceSuccess <= limit
}

// Outcome is the result of a Job: of one attempt, or of a wait that has ended without a call.
type Outcome struct {
	Conversation string
	Delivery     string
	Channel      string
	Kind         string // of the delivery
	Offer        bool   // of the delivery
	Result       Result
	Error        string // kind of the error
	Text         string // of the error, for operators
	Reason       string // if declined
	Next         time.Time
	NotCalled    bool // the vendor was not called, so this is not an attempt
	VendorID     string
	State        []byte // new state of the thread; nil keeps it
	Thread       string // open: the new thread; otherwise the thread that was used
	Accepted     bool   // open: the vendor has accepted the offer in its response
	Degraded     string // content that could not be carried, and its replacement
	Replies      []*inbound.Envelope
}

// Status returns the status of a delivered message, or the kind of the error.
func (o *Outcome) Status() string {
	if o.Result == ResultDelivered {
		return state.StatusDelivered
	}
	return o.Error
}
