package conversation

import "time"

// Limits of decisions.
const (
	MaxUndelivered   = 1000             // deliveries and held messages of one conversation
	MaxHops          = 8                // gateways that a message may go through
	MaxAttributes    = 16 << 10         // bytes of a message's attributes that are remembered
	MaxCursorBytes   = 64 << 10         // size of a subscription's cursor
	maxReopened      = 3                // times that a delivery is queued again because the vendor lost its thread
	closedRetention  = 10 * time.Minute // a closed conversation is kept for this time, to fence answers
	MaxDeadLetters   = 10_000           // without copies; the oldest ones expire first
	MaxDeadCopies    = 1000             // dead letters that are copies; the oldest ones expire first
	maxCopies        = 100              // waiting copies of one conversation for one observer; the oldest is given up
	maxExpiredAtOnce = 500              // dead letters that expire in one record
)

// maxRepairChanges is the number of changes in one record of GiveUpLost and Reconcile. A dead letter takes two changes,
// and its ids and names can have more than 1 KiB.
const maxRepairChanges = 300

// departureGrace is the time after the departure of an owner in which its last messages are still delivered.
const departureGrace = 1500 * time.Millisecond

// sessionTolerance is the tolerance of comparisons between the vendor's times and the start of a session. The clocks of a
// vendor's servers may differ, and some vendors give times in full seconds.
const sessionTolerance = time.Second

// Limits of pending envelopes.
const (
	MaxPending              = 10_000
	maxPendingPerChannel    = 1000
	maxPendingBytes         = 8 << 20
	maxAdmittedAtOnce       = 50              // envelopes that one record admits
	maxAdmittedBytes        = 64 << 10        // size of these envelopes; a larger one is admitted alone
	maxPendingExpiredAtOnce = 500             // envelopes that expire in one record
	PendingWait             = 5 * time.Second // an envelope waits for the channel's Timeout and this time
)
