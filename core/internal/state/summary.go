package state

// summary describes a conversation at rest.
type summary struct {
	oldest     uint64 // lowest sequence that Conversation.Oldest needs, or 0
	history    uint64 // sequence of the oldest history entry, or 0
	channels   uint64 // set of the channels with live threads, see channelBit; empty if the conversation is closed
	unanswered int64  // UnansweredSince in nanoseconds, or 0
	awaited    uint16 // number of the AwaitedChannel, see channelNumbers
	busy       bool
	closing    bool
}

// isBusy reports whether a conversation has queued deliveries, held messages, a pending offer or a departure.
func (c *Conversation) isBusy() bool {
	return len(c.Lanes)+len(c.Held) > 0 || c.Offer != nil || c.Departure != nil
}

// AwaitedChannel returns the channel whose answer a customer waits for: the target of the pending offer, or the owner.
func (c *Conversation) AwaitedChannel() string {
	if c.Offer != nil {
		return c.Offer.Target
	}
	return c.Owner
}

// channelBit returns a set of channels with one member. Several channels can have the same bit.
func channelBit(channel string) uint64 { return 1 << (keyOf(channel)[0] % 64) }

// channelNumbers numbers the AwaitedChannels, so that a summary has no pointers.
type channelNumbers struct {
	numbers map[string]uint16
	names   []string
}

func (a *channelNumbers) number(channel string) uint16 {
	n, ok := a.numbers[channel]
	if !ok {
		n = uint16(len(a.names))
		a.names = append(a.names, channel)
		if a.numbers == nil {
			a.numbers = map[string]uint16{}
		}
		a.numbers[channel] = n
	}
	return n
}

func (a *channelNumbers) summarize(c *Conversation) summary {
	s := summary{busy: c.isBusy(), closing: c.Closing != ""}
	if p, ok := c.Oldest(); ok {
		s.oldest = p.Seq
	}
	if len(c.History) > 0 {
		s.history = c.History[0].Pos.Seq
	}
	if !c.UnansweredSince.IsZero() {
		s.unanswered, s.awaited = c.UnansweredSince.UnixNano(), a.number(c.AwaitedChannel())
	}
	for channel, th := range c.Threads {
		if th.Live && !s.closing {
			s.channels |= channelBit(channel)
		}
	}
	return s
}
