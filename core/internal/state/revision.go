package state

import (
	"maps"
	"slices"
	"time"

	"patchbay/core/internal/journal"
)

// VanishedWait is the time that deliveries to a removed customer or observer channel wait for its return.
const VanishedWait = 24 * time.Hour

// Revision is the revision of the configuration in force. A value never changes.
type Revision struct {
	Number   uint64   `json:"n,omitempty"`
	Hash     string   `json:"h,omitempty"`  // of the configuration file
	Channels []string `json:"ch,omitempty"` // configured, sorted
	// Vanished has the time of the removal of each channel that was removed in the last VanishedWait.
	Vanished map[string]time.Time `json:"v,omitempty"`
}

// Revision returns the revision in force. Its number is 0 before the first start.
func (s *State) Revision() Revision { return s.revision }

// QueueLength returns the number of deliveries that are queued to a channel.
func (s *State) QueueLength(channel string) int {
	n := 0
	s.EachBusy(func(c *Conversation) {
		if l := c.Lane(channel); l != nil {
			n += len(l.Queue)
		}
	})
	return n
}

// foldRevised puts a revision into force.
func (l *Layer) foldRevised(r *journal.Revised) {
	next := Revision{
		Number: l.record.GetRevision(), Hash: r.GetHash(), Channels: r.GetChannels(), Vanished: map[string]time.Time{},
	}
	maps.Copy(next.Vanished, l.revision.Vanished)
	for _, name := range l.revision.Channels {
		if _, vanished := next.Vanished[name]; !vanished {
			next.Vanished[name] = l.at
		}
	}
	maps.DeleteFunc(next.Vanished, func(name string, since time.Time) bool {
		return slices.Contains(next.Channels, name) || l.at.Sub(since) >= VanishedWait
	})
	l.revision = next
}

// setBackVanished limits the times of removals to the time of the layer.
func (l *Layer) setBackVanished() {
	vanished := maps.Clone(l.revision.Vanished)
	for name, since := range vanished {
		vanished[name] = earlier(since, l.at)
	}
	l.revision.Vanished = vanished
}
