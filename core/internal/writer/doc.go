// Package writer is the one loop that decides and commits.
//
// Webhooks, outcomes of deliveries, deadlines and operators' commands are inputs. The loop collects what waits,
// lets package conversation decide, stores one record, and only then answers callers, releases lane heads and arms
// timers. One commit is in flight; the loop waits for nothing but the store. Outcomes go before new input.
//
// A commit that failed leaves no trace: its webhooks are refused, its outcomes are kept and decided on again. A
// commit whose fate is unknown is looked up after the log has recovered.
package writer

import (
	"errors"
	"time"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/journal"
)

// What Accept can fail with.
var (
	// ErrUnavailable means that nothing can be stored now: come back later.
	ErrUnavailable = errors.New("the log can't store anything now")
	// ErrBusy means that this sender is over a limit: come back later.
	ErrBusy = errors.New("over a limit")
	// ErrTooLarge means that an envelope is larger than a record may be: it can never be stored.
	ErrTooLarge = errors.New("the message is too large")
	// ErrUndecidable means that a decision on a message fails each time, and even its end as a dead letter. It comes with
	// ErrUnavailable.
	ErrUndecidable = errors.New("nothing can be decided on the message")
	// ErrStopping means that the gateway is going down.
	ErrStopping = errors.New("the gateway is stopping")
)

// Limits of the loop.
const (
	maxRecord           = 384 << 10              // bytes of inputs in one record; the store takes 512 KiB
	maxInputs           = 512                    // inputs in one record
	commitSpacing       = 2 * time.Millisecond   // between commits, under load
	outcomeLinger       = 5 * time.Millisecond   // between commits, if only outcomes wait and nobody for them
	maxLingering        = 64                     // outcomes that linger
	maxReconciledAtOnce = 100                    // conversations in one record at start
	changeBytes         = 640                    // about what deciding on one envelope adds to a record
	maxDeadlinesAtOnce  = 128                    // deadlines in one record
	startGrace          = 2 * time.Second        // after a start, before deadlines that passed meanwhile count
	retryCommit         = 100 * time.Millisecond // between tries to store what the log refused
	retryStart          = 5 * time.Second        // between tries to start on a store that is full
	slowRecovery        = 2 * time.Second        // most between tries to recover the log
	stopRecovery        = 5 * time.Second        // for the log to recover when the gateway stops
	cacheBytes          = 8 << 20                // envelopes kept for deliveries that follow soon
	maxSubmissions      = 8192                   // webhooks waiting for the loop
	snapshotRecords     = 50_000                 // records
	historyAge          = 7 * 24 * time.Hour     // how long records are kept for the trail
	deadLettersEvery    = time.Minute            // between looks for dead letters that are too old
	snapshotFull        = 30 * time.Second       // between snapshots while the log is full
	snapshotNear        = time.Minute            // between snapshots while it is nearly full
	snapshotIdle        = 10 * time.Minute       // at most, between snapshots, if there is anything new
)

// Lanes is the writer's view of the deliveries' engine.
type Lanes interface {
	// Submit hands over the head of a lane. Its outcome comes back through Writer.Finish, exactly once.
	Submit(j *delivery.Job)
	// Cancel says that nobody waits for a delivery any more. Its outcome still comes back.
	Cancel(delivery string)
}

// Observer sees every committed record, on the loop's goroutine: it must be quick.
type Observer interface {
	Committed(c Commit)
}

// Commit is what an Observer is told.
type Commit struct {
	Seq     uint64
	Record  *journal.Record
	Bytes   int
	Took    time.Duration // the store
	Lag     time.Duration // how long the oldest input had waited
	Pending int           // offers pending after it
}
