package conversation

import (
	"iter"
	"time"

	"patchbay/core/internal/state"
)

// Effects counts the conversations that change when another revision of the configuration comes into force.
type Effects struct {
	GoHome        int `json:"conversations_go_home"` // the channel of the owner is not configured
	OffersFail    int `json:"offers_fail"`           // the target of the offer is not configured
	TimersDue     int `json:"timers_due"`            // an idle, unanswered or close_after timer becomes due
	Conversations int `json:"conversations"`         // all conversations
	// Vanished has the number of queued deliveries for each channel that is not configured.
	Vanished map[string]int `json:"vanished_channels,omitempty"`
}

// Effects returns the effects of a change from policy p to next at the given time.
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
