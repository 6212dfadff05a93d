package conversation

import (
	"iter"
	"time"

	"patchbay/core/internal/state"
)

// Effects are the effects of another revision of the configuration on conversations, before their next inputs.
type Effects struct {
	GoHome        int `json:"conversations_go_home"` // their owner is removed
	OffersFail    int `json:"offers_fail"`           // their offer's target is removed
	TimersDue     int `json:"timers_due"`            // idle, unanswered or close_after falls due
	Conversations int `json:"conversations"`         // number of all conversations
	// Vanished has the removed channels with deliveries, and the numbers of their deliveries.
	Vanished map[string]int `json:"vanished_channels,omitempty"`
}

// Effects returns the effects of replacing the policy by next at a time.
func (p *Policy) Effects(next *Policy, all iter.Seq[*state.Conversation], at time.Time) Effects {
	out := Effects{Vanished: map[string]int{}}
	for c := range all {
		out.Conversations++
		if c.Closing == "" && next.Channels[c.Owner] == nil {
			out.GoHome++
		}
		if c.Offer != nil && next.Channels[c.Offer.Target] == nil {
			out.OffersFail++
		}
		if isDue(c, next, at) && !isDue(c, p, at) {
			out.TimersDue++
		}
		for i := range c.Lanes {
			if l := &c.Lanes[i]; next.Channels[l.Channel] == nil {
				out.Vanished[l.Channel] += len(l.Queue)
			}
		}
	}
	return out
}

func isDue(c *state.Conversation, p *Policy, at time.Time) bool {
	next, _ := NextTimer(c, p)
	return !next.IsZero() && !next.After(at)
}
