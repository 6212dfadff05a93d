package state

import (
	"slices"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/sdk/envelope"
)

func (l *Layer) foldOpened(id string, o *journal.Opened) {
	c := &Conversation{
		ID: id, Channel: o.GetChannel(), Thread: o.GetThread(), SenderID: o.GetSenderId(), SenderName: o.GetSenderName(),
		Created: l.at, LastActive: l.at, Owner: o.GetOwner(), Home: o.GetHome(), Epoch: 1, OwnerSince: l.at,
		Threads: map[string]*Thread{o.GetChannel(): {ID: o.GetThread(), Epoch: 1, Live: true}},
	}
	l.convs.put(id, c)
	for _, it := range o.GetUnanswered() {
		c.History = append(c.History, HistoryEntry{
			Item: toItem(it), Role: string(envelope.RoleCustomer), Channel: c.Channel,
		})
	}
	c.HistoryCount = uint64(len(c.History))
	key := threadKey{c.Channel, c.Thread}
	c.Threads[c.Channel].inherit(l.threadOf(key))
	l.indexThread(c, key)
}

func (l *Layer) foldAccepted(c *Conversation, a *journal.Accepted) {
	if len(a.GetDigest()) == 16 {
		l.ids = append(l.ids, ID(a.GetDigest()))
	}
	th := c.Threads[a.GetChannel()]
	if th != nil && th.ID == a.GetThread() && a.GetSentAt() != 0 {
		th = c.ownThread(a.GetChannel())
		th.noteSent(a.GetSentAt(), l.at, a.GetFenced())
		offered := c.Offer != nil && c.Offer.Target == a.GetChannel()
		if a.GetChannel() != c.Channel && a.GetChannel() != c.Owner && !offered {
			th.EndedSent = max(th.EndedSent, a.GetSentAt()) // this and older messages stay fenced if it gets control
		}
	}
	if !a.GetHistory() {
		return
	}
	c.History = appendBounded(c.History, HistoryEntry{
		Item: Item{PositionOf(a.GetPosition()), a.GetTextBytes(), a.GetRich(), toExtent(a.GetExtent())},
		Role: a.GetRole(), Channel: a.GetChannel(),
	}, MaxHistory)
	c.HistoryCount++
	if th != nil && a.GetChannel() != c.Channel && th.Seen == c.HistoryCount-1 {
		c.ownThread(a.GetChannel()).Seen = c.HistoryCount
	}
	l.foldActivity(c, a)
}

// foldActivity notes a message of the customer or the owner for the clocks. A vendor's notice (sender system) does not
// count.
func (l *Layer) foldActivity(c *Conversation, a *journal.Accepted) {
	if !a.GetAnswersSeparate() { // an older version wrote the record, without AnswerNeeded and Answered
		if a.GetChannel() != c.Channel {
			c.UnansweredSince = time.Time{}
		} else if c.UnansweredSince.IsZero() {
			c.UnansweredSince = l.at
		}
	}
	if a.GetRole() == string(envelope.RoleSystem) {
		return
	}
	c.LastActive = l.at
	if c.UnansweredSince.IsZero() { // the message restarts the clock of idle
		c.TimerDone = 0
	}
}

// foldDisposed removes a message from the held messages. It also removes it from the history if it is the newest
// entry: other entries must stay, because they are numbered.
func foldDisposed(c *Conversation, p Position) {
	c.Held = slices.DeleteFunc(c.Held, func(i Item) bool { return i.Pos == p })
	n := len(c.History)
	if n == 0 || c.History[n-1].Pos != p {
		return
	}
	c.History = slices.Clip(c.History[:n-1]) // clipped: older values share the array
	c.HistoryCount--
	for channel := range c.Threads {
		th := c.ownThread(channel)
		th.Seen = min(th.Seen, c.HistoryCount)
	}
}

// trimSlack is the number of elements by which a list of appendBounded may exceed its bound, so that the list is
// rarely copied.
const trimSlack = 32

// appendBounded appends to a list, and removes its oldest elements if it has keep+trimSlack elements; keep elements
// then remain. It never changes an existing element, because older values of the conversation share the list.
func appendBounded[T any](list []T, v T, keep int) []T {
	if len(list) >= keep+trimSlack {
		list = append(make([]T, 0, keep+trimSlack), list[len(list)-keep+1:]...)
	}
	return append(list, v)
}

func toOffer(o *journal.Offered) *Offer {
	return &Offer{
		Target: o.GetTarget(), Rest: o.GetRest(), Deadline: time.Unix(0, o.GetDeadline()),
		Within: time.Duration(o.GetWithin()), Rule: o.GetRule(), Else: o.GetElse(), Hold: o.GetHold(),
		Failed: o.GetFailed(), FailedReason: o.GetFailedReason(), Unanswered: o.GetUnanswered(),
	}
}

func toDeparture(d *journal.Departing) *Departure {
	return &Departure{
		Channel: d.GetChannel(), SentAt: d.GetSentAt(), Deadline: time.Unix(0, d.GetDeadline()),
		Pos: PositionOf(d.GetPosition()), Reason: d.GetReason(), ID: d.GetId(),
	}
}

// foldOfferEnded ends the offer to a target. An offer that failed immediately was never pending.
func (l *Layer) foldOfferEnded(c *Conversation, o *journal.OfferEnded) {
	if c.Offer != nil && c.Offer.Target == o.GetTarget() {
		c.Offer, c.OfferEnded = nil, l.at
	}
	if o.GetCounted() {
		c.countHandover(l.at)
	}
}

// hold adds a message to the held ones, in order of arrival.
func (c *Conversation) hold(it Item) {
	i, _ := slices.BinarySearchFunc(c.Held, it, func(a, b Item) int { return a.Pos.Compare(b.Pos) })
	c.Held = slices.Insert(c.Held, i, it)
}

func (l *Layer) foldPassed(c *Conversation, p *journal.Passed) {
	if th := c.ownThread(p.GetFrom()); th != nil {
		th.EndedSent = th.LastSent
	}
	c.Owner, c.Epoch, c.OwnerSince, c.Departure = p.GetOwner(), p.GetEpoch(), l.at, nil
	c.TimerDone = 0
	c.Received, c.AwaitedSince, c.OwnerSpoke = nil, time.Time{}, false
	c.Handovers++
	c.unblockAll(l.at)
	if p.GetCounted() {
		c.countHandover(l.at)
	}
}

// countHandover notes a handover or a failed offer for the bounce limit.
func (c *Conversation) countHandover(at time.Time) {
	if len(c.HandoverTimes) >= MaxHandoverTimes {
		c.HandoverTimes = slices.Delete(c.HandoverTimes, 0, 1)
	}
	c.HandoverTimes = append(c.HandoverTimes, at)
}
