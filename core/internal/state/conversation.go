package state

import (
	"maps"
	"slices"
	"time"

	"patchbay/sdk/envelope"
)

// Conversation is one customer's dialogue. A value in a State never changes: folds change clones, which share data
// with it.
type Conversation struct {
	ID              string             `json:"id"`
	Channel         string             `json:"ch"` // of the customer
	Thread          string             `json:"th"` // of the customer
	SenderID        string             `json:"si,omitempty"`
	SenderName      string             `json:"sn,omitempty"`
	Created         time.Time          `json:"c"`
	LastActive      time.Time          `json:"l"` // newest message, without notices, fenced and blank messages
	Owner           string             `json:"o"`
	Home            string             `json:"h"`
	Epoch           uint64             `json:"e"`
	OwnerSince      time.Time          `json:"os"`
	Handovers       uint32             `json:"ho,omitempty"`
	HandoverTimes   []time.Time        `json:"ht,omitempty"` // that the bounce limit counts, the newest MaxHandoverTimes
	Threads         map[string]*Thread `json:"ts,omitempty"` // by channel
	FormerThreads   []FormerThread     `json:"fo,omitempty"`
	Offer           *Offer             `json:"of,omitempty"` // pending
	Departure       *Departure         `json:"dp,omitempty"` // of the owner, not in effect yet
	Held            []Item             `json:"he,omitempty"` // wait for the end of the offer or departure, in order
	Attributes      map[string]string  `json:"at,omitempty"`
	History         []HistoryEntry     `json:"hi,omitempty"`
	HistoryCount    uint64             `json:"hn,omitempty"` // number of the newest history entry, from 1
	HistoryEpoch    uint64             `json:"hp,omitempty"` // newest epoch whose owner has been sent the history
	Lanes           []Lane             `json:"la,omitempty"` // none is empty
	Blocked         map[string]string  `json:"bl,omitempty"` // dead letters at which lanes stop, by channel
	Failed          []FailedMessage    `json:"fm,omitempty"` // pending messages for which delivery_failed was run
	UnansweredSince time.Time          `json:"un,omitzero"`  // time of the oldest customer message without an answer
	OfferEnded      time.Time          `json:"oe,omitzero"`  // end of the newest offer that was pending
	ReachedOwner    time.Time          `json:"ro,omitzero"`  // newest delivery to the owner, without events
	Received        []Item             `json:"rc,omitempty"` // messages that the owner got and has not answered
	AwaitedSince    time.Time          `json:"aw,omitzero"`  // the owner's lane waits for an answer, see AwaitsAnswer
	OwnerSpoke      bool               `json:"sp,omitempty"` // the owner has written to the customer in its epoch
	TimerDone       time.Duration      `json:"td,omitempty"` // largest `after` of the running clock whose rules were run
	Closing         string             `json:"cl,omitempty"` // rule, ReasonCloseAfter or ReasonOperator; "" while it is live
	ClosedAt        time.Time          `json:"ca,omitzero"`
	Unanswered      uint32             `json:"ua,omitempty"` // number of the newest entries of History without an answer
}

// Thread is a channel's identifier of a conversation, with the data that the gateway keeps about it.
type Thread struct {
	ID         string `json:"id"`
	Epoch      uint64 `json:"e"`            // newest epoch in which it was linked
	State      []byte `json:"st,omitempty"` // opaque, of the adapter
	Live       bool   `json:"l,omitempty"`
	Reassigned bool   `json:"ra,omitempty"` // Find returns another conversation for it
	Seen       uint64 `json:"s,omitempty"`  // number of the newest history entry that the channel has received
	LastSent   int64  `json:"ls,omitempty"` // newest time of the vendor's clock, in nanoseconds
	EndedSent  int64  `json:"es,omitempty"` // LastSent when the channel last lost control
	StartedAt  int64  `json:"sa,omitempty"` // time at which the gateway requested the session, in nanoseconds
	TriedAt    int64  `json:"ta,omitempty"` // time of the last retry of its open; 0 if the first attempt succeeded
	FirstSent  int64  `json:"fs,omitempty"` // oldest time of the vendor's clock in the session; 0 if unknown
	// Lag is the shortest time from SentAt to acceptance, at least 0. It is unknown while LastSent is 0.
	Lag time.Duration `json:"lg,omitempty"`
}

// Departure is the departure of the owner until it takes effect.
type Departure struct {
	Channel  string    `json:"ch"`
	SentAt   int64     `json:"s"` // by the vendor's clock
	Deadline time.Time `json:"d"`
	Pos      Position  `json:"p"` // of the envelope that reported it
	Reason   string    `json:"r,omitempty"`
	ID       string    `json:"i,omitempty"` // of the envelope
}

// FormerThread is a thread that is recognized but no longer used.
type FormerThread struct {
	Channel string `json:"ch"`
	Thread  string `json:"th"`
}

// Offer is a pending offer of the conversation to a channel.
type Offer struct {
	Target   string        `json:"t"`
	Rest     []string      `json:"r,omitempty"` // next targets if this one does not accept
	Deadline time.Time     `json:"d"`
	Within   time.Duration `json:"w"`            // time for each target
	Rule     string        `json:"ru"`           // rule that made it
	Else     string        `json:"el,omitempty"` // new owner if all targets fail; "" keeps the owner
	Hold     bool          `json:"h,omitempty"`  // the customer's messages are held until the offer ends
	// Failed is the last target that was asked and did not accept, FailedReason is the reason.
	Failed       string `json:"f,omitempty"`
	FailedReason string `json:"fr,omitempty"`
	Unanswered   bool   `json:"un,omitempty"` // the owner did not answer, see Conversation.Received
}

// HistoryEntry is a message of the history, which a new owner receives.
type HistoryEntry struct {
	Item
	Role    string `json:"r"`
	Channel string `json:"ch"`
}

// clone copies the fields that folds change in place. The clone shares Threads, Attributes, and the elements of
// History and of the queues. A fold that changes one of these replaces it; see setThread and Lane.own.
func (c *Conversation) clone() *Conversation {
	d := *c
	d.HandoverTimes = slices.Clone(c.HandoverTimes)
	d.FormerThreads = slices.Clone(c.FormerThreads)
	if c.Offer != nil {
		o := *c.Offer
		d.Offer = &o
	}
	d.Held = slices.Clone(c.Held)
	d.Blocked = maps.Clone(c.Blocked)
	d.Lanes = slices.Clone(c.Lanes)
	return &d
}

// setThread sets a channel's thread.
func (c *Conversation) setThread(channel string, th *Thread) {
	threads := maps.Clone(c.Threads)
	threads[channel] = th
	c.Threads = threads
}

// ownThread replaces a channel's thread by a copy that a fold may change, and returns the copy, or nil without a thread.
func (c *Conversation) ownThread(channel string) *Thread {
	th := c.Threads[channel]
	if th == nil {
		return nil
	}
	copied := *th
	c.setThread(channel, &copied)
	return &copied
}

// Lane returns the lane towards a channel, or nil.
func (c *Conversation) Lane(channel string) *Lane {
	for i := range c.Lanes {
		if c.Lanes[i].Channel == channel {
			return &c.Lanes[i]
		}
	}
	return nil
}

// Delivery returns a queued delivery for reading, or nil.
func (c *Conversation) Delivery(id string) *Delivery {
	for i := range c.Lanes {
		for j := range c.Lanes[i].Queue {
			if c.Lanes[i].Queue[j].ID == id {
				return &c.Lanes[i].Queue[j]
			}
		}
	}
	return nil
}

// Undelivered returns the number of queued deliveries and held messages, without copies for observers.
func (c *Conversation) Undelivered() int {
	n := len(c.Held)
	for i := range c.Lanes {
		for j := range c.Lanes[i].Queue {
			if !c.Lanes[i].Queue[j].Copy {
				n++
			}
		}
	}
	return n
}

// UnansweredItems returns the customer's messages that had no answer when the conversation was closed, without those that
// are still queued.
func (c *Conversation) UnansweredItems() []Item {
	var out []Item
	for _, h := range c.History[len(c.History)-min(int(c.Unanswered), len(c.History)):] {
		if !c.isQueued(h.Pos) {
			out = append(out, h.Item)
		}
	}
	return out
}

func (c *Conversation) isQueued(p Position) bool {
	return slices.ContainsFunc(c.Lanes, func(l Lane) bool {
		return slices.ContainsFunc(l.Queue, func(d Delivery) bool { return d.Follows && d.has(p) })
	})
}

// CustomerID returns the customer's id for vendors that limit the length of ids. It depends on the channel and thread
// only, so it is the same in all conversations of a customer.
func (c *Conversation) CustomerID() string { return envelope.ShortID(c.Channel, c.Thread) }

// Oldest returns the oldest position of a held message, or of a message or history entry in a queued delivery. It
// returns false if there is none.
func (c *Conversation) Oldest() (Position, bool) {
	var oldest Position
	found := false
	add := func(items ...Item) {
		for _, it := range items {
			if it.Pos.Seq != 0 && (!found || it.Pos.Compare(oldest) < 0) {
				oldest, found = it.Pos, true
			}
		}
	}
	add(c.Held...)
	for i := range c.Lanes {
		for j := range c.Lanes[i].Queue {
			add(c.Lanes[i].Queue[j].Items()...)
			add(c.Lanes[i].Queue[j].History...)
		}
	}
	return oldest, found
}

// historyNumber returns the number of a history entry, from 1, or 0 if it is not kept.
func (c *Conversation) historyNumber(p Position) uint64 {
	for i := range c.History {
		if c.History[i].Pos == p {
			return c.HistoryCount - uint64(len(c.History)-1-i)
		}
	}
	return 0
}
