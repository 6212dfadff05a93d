package state

import (
	"time"

	"patchbay/core/internal/journal"
)

// Pause is the pause of a channel by an operator. It is kept after its end, because deliveries that have waited for
// the end then have the whole time of give_up again.
type Pause struct {
	Channel string    `json:"ch"`
	Since   time.Time `json:"s"`
	Ended   time.Time `json:"e,omitzero"` // zero while the channel is paused
	User    string    `json:"u,omitempty"`
	Reason  string    `json:"r,omitempty"`
}

// Active reports whether the channel is paused. A nil Pause is not active.
func (p *Pause) Active() bool { return p != nil && p.Ended.IsZero() }

// Pause returns the newest pause of a channel, or nil. The value never changes.
func (s *State) Pause(channel string) *Pause { return s.pauses[channel] }

// EachPause calls f for the newest pause of each channel, in no order.
func (s *State) EachPause(f func(*Pause)) {
	for _, p := range s.pauses {
		f(p)
	}
}

// Pause returns the newest pause of a channel, or nil.
func (l *Layer) Pause(channel string) *Pause {
	p, _ := l.pauses.get(channel)
	return p
}

func (l *Layer) foldChannelPaused(p *journal.ChannelPaused) {
	if p.GetPaused() {
		l.pauses.put(p.GetChannel(), &Pause{
			Channel: p.GetChannel(), Since: l.at, User: p.GetUser(), Reason: p.GetReason(),
		})
		return
	}
	if old := l.Pause(p.GetChannel()); old.Active() {
		ended := *old
		ended.Ended = l.at
		l.pauses.put(ended.Channel, &ended)
	}
}
