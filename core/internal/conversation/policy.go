package conversation

import (
	"time"

	"patchbay/core/internal/render"
	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

// Channel is a configured channel as decisions see it.
type Channel struct {
	render.Target
	Name     string
	Role     envelope.Role
	Owner    string                 // of a customer channel: first owner of its conversations; "" is Policy.Owner
	Opens    bool                   // a delivery needs a thread that the adapter opens first
	PerEpoch bool                   // it gets a new thread each time that it gets control
	Events   map[envelope.Kind]bool // kinds other than messages that it receives
	History  bool                   // it takes the history with a message; otherwise it gets a transcript
	Timeout  time.Duration          // of one call
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
	Bounces    int // bounce limit, at most state.MaxHandoverTimes; 0 is no limit
	// Reachable reports whether a call to a channel may succeed within the given time. Nil is always.
	Reachable func(channel string, within time.Duration) bool
}

func (p *Policy) reachable(channel string, within time.Duration) bool {
	return p.Reachable == nil || p.Reachable(channel, within)
}

// open implements the function open in conditions. It reports whether an offer with the default time may succeed.
func (p *Policy) open(channel string) bool { return p.reachable(channel, route.DefaultWithin) }

// owner returns the first owner of conversations of a customer channel.
func (p *Policy) owner(ch *Channel) string {
	if ch != nil && ch.Owner != "" {
		return ch.Owner
	}
	return p.Owner
}
