package conversation

import "time"

// Limits of decisions.
const (
	MaxUndelivered   = 1000             // deliveries and held messages of one conversation
	MaxHops          = 8                // gateways that a message may pass
	MaxAttributes    = 16 << 10         // bytes of a message's attributes that are remembered
	MaxCursorBytes   = 64 << 10         // size of a subscription's cursor
	maxReopened      = 3                // times that a delivery is queued again because the vendor lost its thread
	closedRetention  = 10 * time.Minute // a conversation that a rule closed is kept, to fence late answers
	MaxDeadLetters   = 10_000           // without copies; the oldest ones expire first
	MaxCopyLetters   = 1000             // dead letters that are copies; the oldest ones expire first
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
	maxAdmittedAtOnce       = 50              // in one record
	maxAdmittedBytes        = 64 << 10        // in one record, except for a single larger envelope
	maxPendingExpiredAtOnce = 500             // in one record
	PendingWait             = 5 * time.Second // in addition to the time that the call which opens the thread may take
)
