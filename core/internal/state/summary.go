package state

// summary describes a conversation at rest.
type summary struct {
	oldest     uint64 // lowest sequence that Conversation.Oldest needs, or 0
	history    uint64 // sequence of the oldest history entry, or 0
	channels   uint64 // set of the channels with live threads, see channelBit; empty if the conversation is closed
	unanswered int64  // UnansweredSince in nanoseconds, or 0
	awaited    uint16 // number of the channel that the customer waits for, see owners
	busy       bool
	closing    bool
}

// isBusy reports whether a conversation has queued deliveries, held messages, a pending offer or a departure.
func (c *Conversation) isBusy() bool {
	return len(c.Lanes)+len(c.Held) > 0 || c.Offer != nil || c.Departure != nil
}

// AwaitedChannel returns the channel that an unanswered customer waits for: the target of the offer, or the owner.
func (c *Conversation) AwaitedChannel() string {
	if c.Offer != nil {
		return c.Offer.Target
	}
	return c.Owner
}

// channelBit returns a set of channels with one member. Several channels can have the same bit.
func channelBit(channel string) uint64 { return 1 << (keyOf(channel)[0] % 64) }

// owners numbers the channels that customers wait for.
type owners struct {
	numbers map[string]uint16
	names   []string
}

func (o *owners) number(channel string) uint16 {
	n, ok := o.numbers[channel]
	if !ok {
		n = uint16(len(o.names))
		o.names = append(o.names, channel)
		if o.numbers == nil {
			o.numbers = map[string]uint16{}
		}
		o.numbers[channel] = n
	}
	return n
}

func (o *owners) summarize(c *Conversation) summary {
	s := summary{busy: c.isBusy(), closing: c.Closing != ""}
	if p, ok := c.Oldest(); ok {
		s.oldest = p.Seq
	}
	if len(c.History) > 0 {
		s.history = c.History[0].Pos.Seq
	}
	if !c.UnansweredSince.IsZero() {
		s.unanswered, s.awaited = c.UnansweredSince.UnixNano(), o.number(c.AwaitedChannel())
	}
	for channel, th := range c.Threads {
		if th.Live && !s.closing {
			s.channels |= channelBit(channel)
		}
	}
	return s
}
