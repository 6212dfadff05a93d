package conversation

import (
	"maps"
	"slices"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// RecordedFacts returns the facts of a recorded run of the rules. C is the conversation before the change r, at is the
// time of the record, and e is the envelope at the position of r, or nil. The function open() returns false for
// ClosedChannels.
func RecordedFacts(
	p *Policy, at time.Time, c *state.Conversation, r *journal.Routed, e *envelope.Envelope,
) *route.Facts {
	tx := &Transaction{policy: p, at: at}
	var role envelope.Role
	if ch := p.Channels[r.GetChannel()]; ch != nil {
		role = ch.Role
	}
	f := tx.facts(c, route.Event(r.GetEvent()), r.GetChannel(), role)
	f.Reason, f.After = r.GetReason(), time.Duration(r.GetAfter())
	closed := ClosedChannels(p, at, r)
	f.Open = func(channel string) bool { return !slices.Contains(closed, channel) }
	if f.Event == route.EventMessage && e != nil {
		addMessage(f, e)
	}
	return f
}

// ClosedChannels returns the channels that were not open in a recorded run. For a channel that no condition passed to
// open(), only its hours count.
func ClosedChannels(p *Policy, at time.Time, r *journal.Routed) []string {
	closed := slices.Clone(r.GetClosed())
	for _, name := range slices.Sorted(maps.Keys(p.Channels)) {
		outside := p.Channels[name].Hours != nil && !p.Channels[name].Hours.Open(at)
		if outside && !slices.Contains(r.GetOpen(), name) && !slices.Contains(closed, name) {
			closed = append(closed, name)
		}
	}
	return closed
}

// addMessage adds the facts of a message.
func addMessage(f *route.Facts, e *envelope.Envelope) {
	f.Text, f.SenderID, f.SenderName = e.Text(), e.Sender.ID, e.Sender.Name
	for i := range e.Parts {
		f.Parts = append(f.Parts, string(e.Parts[i].Type))
	}
}

// recordOpen returns a function that calls open and records its results in r.
func recordOpen(open func(string) bool, r *journal.Routed) func(string) bool {
	return func(channel string) bool {
		is := open(channel)
		list := &r.Closed
		if is {
			list = &r.Open
		}
		if !slices.Contains(*list, channel) {
			*list = append(*list, channel)
		}
		return is
	}
}
