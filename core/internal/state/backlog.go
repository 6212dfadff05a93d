package state

// Backlog is the pending work of a gateway.
type Backlog struct {
	Deliveries map[string]int `json:"deliveries"`        // queued deliveries, by channel
	Waiting    int            `json:"waiting,omitempty"` // departures and pending envelopes
	Offers     int            `json:"offers,omitempty"`  // pending offers
}

// Empty reports whether no work is pending. Offers do not count, because they do not end during a drain.
func (b *Backlog) Empty() bool { return len(b.Deliveries) == 0 && b.Waiting == 0 }

// Backlog counts the pending work.
func (s *State) Backlog() Backlog {
	b := Backlog{Deliveries: map[string]int{}, Waiting: len(s.pending)}
	s.EachBusy(func(c *Conversation) {
		for i := range c.Lanes {
			b.Deliveries[c.Lanes[i].Channel] += len(c.Lanes[i].Queue)
		}
		if c.Offer != nil {
			b.Offers++
		}
		if c.Departure != nil {
			b.Waiting++
		}
	})
	return b
}
