// Package writer runs the loop that decides and commits.
//
// Its inputs are webhooks, batches of subscriptions, outcomes of deliveries, deadlines, operators' commands and
// revisions of the configuration. The loop collects the waiting inputs, outcomes first. Package conversation decides
// on them, and the store appends one record. Then the loop answers callers, releases lane heads and sets timers. One
// commit is in flight at a time. The loop waits for the store, but never for an adapter or a vendor.
//
// A failed commit has no effect: its webhooks are refused, and its outcomes are decided on again. If it is unknown
// whether a record was stored, the loop recovers the log to find out.
package writer

import (
	"errors"
	"fmt"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
)

// Errors of Accept, Do and Revise.
var (
	// ErrUnavailable means that Accept accepts nothing now. The caller may repeat the call later.
	ErrUnavailable = errors.New("no new messages are accepted now")
	// ErrDraining means that Accept accepts nothing more, because an operator drains the gateway. The error also
	// matches ErrUnavailable.
	ErrDraining = fmt.Errorf("%w: an operator drains the gateway", ErrUnavailable)
	// ErrNotStored means that the log cannot store the changes of Do or Revise now. The caller may repeat the call
	// later.
	ErrNotStored = errors.New("the log cannot store anything now")
	// ErrBusy means that an envelope cannot be accepted now, usually because its sender exceeds a limit. The caller
	// may repeat the call later.
	ErrBusy = errors.New("the sender exceeds a limit")
	// ErrOverloaded means that the channel of the message's receiver cannot keep up. The caller may repeat the call
	// later. The error also matches ErrBusy.
	ErrOverloaded = fmt.Errorf("%w: the receiver cannot keep up", ErrBusy)
	// ErrTooLarge means that an envelope exceeds the size of a record and can never be stored.
	ErrTooLarge = errors.New("the message is too large")
	// ErrUndecidable means that every decision on a message fails, including the one that makes it a dead letter. The
	// error also matches ErrUnavailable.
	ErrUndecidable = errors.New("no decision on the message is possible")
	// ErrStopping means that the gateway is stopping.
	ErrStopping = errors.New("the gateway is stopping")
)

// Limits of the loop.
const (
	maxRecord          = 384 << 10              // bytes of inputs in one record; the store takes 512 KiB
	maxInputs          = 512                    // inputs in one record
	commitSpacing      = 3 * time.Millisecond   // between the starts of appends, under load
	outcomeLinger      = 20 * time.Millisecond  // the same, if only outcomes wait; see canLinger
	maxLingering       = 64                     // maximum number of these outcomes
	changeBytes        = 640                    // estimated size of the changes for one envelope
	maxDeadlinesAtOnce = 128                    // deadlines, and timers, in one record
	overdueAtOnce      = 10                     // overdue timers in one record
	overdueEvery       = 100 * time.Millisecond // between records with overdue timers
	maxAdaptedAtOnce   = 256                    // conversations that one record adapts to a revision
	startGrace         = 2 * time.Second        // after a start, before overdue deadlines are handled
	retryCommit        = 100 * time.Millisecond // between tries to store a refused record
	retryStart         = 5 * time.Second        // between tries to start on a full store
	slowRecovery       = 2 * time.Second        // maximum time between tries to recover the log
	stopRecovery       = 5 * time.Second        // time for the log to recover when the gateway stops
	cacheBytes         = 8 << 20                // size of the cache of recent envelopes
	maxSubmissions     = 8192                   // submissions that wait for the loop
	snapshotRecords    = 50_000                 // records between snapshots
	snapshotBytes      = 96 << 20               // growth of the log between snapshots, which a start reads in about 2 s
	historyAge         = 7 * 24 * time.Hour     // age up to which records are kept for the trail
	deadLettersEvery   = time.Minute            // between searches for expired dead letters
	snapshotRetry      = 30 * time.Second       // before the next snapshot after a failed one
	roomInterval       = time.Second            // between searches for room while the log is nearly full
	snapshotIdle       = 10 * time.Minute       // maximum time between snapshots if there are new records
)

// Lanes makes the deliveries' calls; see delivery.Engine.
type Lanes interface {
	// Submit starts the delivery at the head of a lane. Writer.Finish gets its outcome exactly once, or never if the
	// engine stops before the delivery starts.
	Submit(j *attempt.Job)
	// Cancel ends a delivery whose outcome is no longer needed. Writer.Finish still gets an outcome, as after Submit.
	Cancel(delivery string)
	// Pause starts or ends the pause of a channel by an operator; see delivery.Engine.Pause.
	Pause(p *state.Pause)
}

// Observer is notified of commits and of vendors' wrong clocks. Its methods must return quickly.
type Observer interface {
	// Committed is called for every committed record, on the loop's goroutine.
	Committed(c Commit)
	// ClockAhead is called for an envelope whose vendor's clock is ahead, on any goroutine.
	ClockAhead(channel string)
}

// Commit describes a committed record.
type Commit struct {
	Seq    uint64
	Record *journal.Record
	Bytes  int
	Took   time.Duration // by the store
	Lag    time.Duration // waiting time of the oldest input

	// Offers, Departures and Waiting are the numbers of pending offers, of departures that have not taken effect, and
	// of pending envelopes, after the commit.
	Offers, Departures, Waiting int
}
