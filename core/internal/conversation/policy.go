package conversation

import (
	"cmp"
	"math"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/hours"
	"patchbay/core/internal/render"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// Channel is a configured channel as decisions see it.
type Channel struct {
	render.Target
	Name     string
	Role     envelope.Role
	Title    string                 // that customers may see, "" if none
	Hours    *hours.Hours           // in which it can be asked to take conversations; nil is always
	Owner    string                 // of a customer channel: first owner of its conversations; "" is Policy.Owner
	Opens    bool                   // a delivery needs a thread that the adapter opens first
	PerEpoch bool                   // it gets a new thread each time that it gets control
	Events   map[envelope.Kind]bool // kinds other than messages that it receives
	History  bool                   // it takes the history with a message; otherwise it gets a transcript
	Timeout  time.Duration          // of one call
	Block    bool                   // a lane stops at a dead letter
	Overlap  Overlap                // of a bot channel; "" is OverlapSend
}

func (c *Channel) receives(k envelope.Kind) bool { return k == envelope.KindMessage || c.Events[k] }

// Policy is one revision of the configuration as decisions see it. It is read only.
type Policy struct {
	Revision   uint64
	Channels   map[string]*Channel
	Routes     *route.Table
	Owner      string // first owner for customer channels that name none
	History    int    // messages of the history that a new owner gets, at most state.MaxHistory
	CloseAfter time.Duration
	Bounces    int            // bounce limit, at most state.MaxHandoverTimes; 0 is no limit
	Zone       *time.Location // of now.hour, now.weekday and now.date; nil is UTC
	Language   string         // attribute that has the language of notices; "" is DefaultLanguage
	// Reachable reports whether a call to a channel may succeed within the given time. Nil is always.
	Reachable func(channel string, within time.Duration) bool
	// RefuseAfter limits the time that messages wait for a free call of a working channel. After this time, new
	// messages are refused. 0 is no limit. See Overloaded.
	RefuseAfter time.Duration
	// Calls returns the state of a channel's calls. It is needed if RefuseAfter is not 0.
	Calls func(channel string) attempt.ChannelState
	// TimersFrom is the time at which the gateway started or the policy came into force. The writer sets it.
	TimersFrom time.Time
	// StartedAt is the time at which the gateway started. The writer sets it.
	StartedAt time.Time
	// Vanished has the times at which channels were removed. Deliveries to a removed customer or observer channel wait
	// for its return for state.VanishedWait. The writer sets it.
	Vanished map[string]time.Time
}

// DefaultLanguage is the default of Policy.Language.
const DefaultLanguage = "language"

func (p *Policy) zone() *time.Location { return cmp.Or(p.Zone, time.UTC) }

// Refusal returns why an offer to a channel fails immediately: state.OfferOutsideHours or state.OfferUnreachable. It
// returns "" if the offer can be made. At is the time of the offer, and within is the time that the channel has to
// answer.
func (p *Policy) Refusal(channel string, within time.Duration, at time.Time) string {
	ch := p.Channels[channel]
	switch {
	case ch == nil:
		return state.OfferUnreachable
	case ch.Hours != nil && !ch.Hours.Open(at):
		return state.OfferOutsideHours
	case p.Reachable != nil && !p.Reachable(channel, within):
		return state.OfferUnreachable
	}
	return ""
}

// refusal is Policy.Refusal at the time of the transaction. A pause by an operator precedes the other reasons.
func (tx *Transaction) refusal(channel string, within time.Duration) string {
	if tx.layer.Pause(channel).Active() {
		return state.OfferPaused
	}
	return tx.policy.Refusal(channel, within, tx.at)
}

// isOpen implements the function open in conditions. A pause that the vendor asked for does not count.
func (tx *Transaction) isOpen(channel string) bool { return tx.refusal(channel, math.MaxInt64) == "" }

// owner returns the first owner of conversations of a customer channel.
func (p *Policy) owner(ch *Channel) string {
	if ch != nil && ch.Owner != "" {
		return ch.Owner
	}
	return p.Owner
}
