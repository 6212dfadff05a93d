package conversation

import (
	"time"

	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

// Channel is what decisions need to know of a configured channel.
type Channel struct {
	Name          string
	Role          envelope.Role
	Owner         string // customers: first owner of a conversation; "" is the policy's
	Opens         bool   // its adapter creates conversations before the first delivery
	PerEpoch      bool   // a new thread each time it gets control
	Events        map[envelope.Kind]bool
	TextBytes     int                        // most text of one delivery; 0 is no limit
	Parts         map[envelope.PartType]bool // that a delivery carries; the others are put into words. nil is all
	SeparateMedia bool                       // a delivery carries either words or one medium
	History       bool                       // takes history beside a message; else it gets a transcript
	GiveUp        time.Duration
	Timeout       time.Duration // of one call
}

// wants reports whether deliveries of the kind make sense for the channel.
func (c *Channel) wants(k envelope.Kind) bool { return k == envelope.KindMessage || c.Events[k] }

// Policy is one generation of configuration as decisions see it. It is read only.
type Policy struct {
	Revision   uint64
	Channels   map[string]*Channel
	Routes     *route.Table
	Owner      string // owner for channels that name none
	History    int    // messages that travel with control, at most MaxHistory
	CloseAfter time.Duration
	Bounces    int // moves by rules in one hour; 0 is no limit
	// Reachable reports whether calls to a channel have a chance now. It may be nil: always.
	Reachable func(channel string) bool
}

// Bounds of one conversation's state.
const (
	MaxHistory              = 50               // positions kept for what travels with control
	MaxUndelivered          = 1000             // deliveries and held messages
	maxDigests              = 64               // vendor ids remembered for deduplication
	maxFormerThreads        = 16               // earlier threads that are still recognised
	MaxBounces              = 32               // moves remembered, and so the highest bounce limit
	maxDepth                = 6                // events that one input may cause, one out of another
	maxReopened             = 3                // times a delivery survives a vendor's loss of memory
	MaxPending              = 10_000           // envelopes waiting for their thread
	maxPendingPerChannel    = 1000             // of one channel
	maxPendingBytes         = 8 << 20          // of all
	maxAdmittedAtOnce       = 50               // taken in by one record once their thread is known
	maxAdmittedBytes        = 64 << 10         // the same, but for a single one that is larger
	maxPendingExpiredAtOnce = 500              // given up in one record
	PendingWait             = 5 * time.Second  // how long, beyond the time that a call which opens the thread may take
	MaxDeadLetters          = 10_000           // dead letters; the oldest goes first
	maxExpiredAtOnce        = 500              // expired in one record
	MaxAttributes           = 16 << 10         // bytes of a message's attributes that are remembered
	closedRetention         = 10 * time.Minute // a conversation that a rule closed is kept, to recognise repeats
	MaxHops                 = 8                // gateways that a message may pass
)

func (p *Policy) reachable(channel string) bool { return p.Reachable == nil || p.Reachable(channel) }

// owner returns the channel that owns a new conversation of a customer's channel.
func (p *Policy) owner(ch *Channel) string {
	if ch != nil && ch.Owner != "" {
		return ch.Owner
	}
	return p.Owner
}
