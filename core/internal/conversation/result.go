package conversation

import (
	"slices"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/sdk/envelope"
)

// Result says what to do about a delivery's outcome.
type Result int

// The results.
const (
	ResultDelivered Result = iota
	ResultRetry            // not before Outcome.Next
	ResultDead
	ResultDeclined // the channel does not take the conversation
	ResultGone     // the vendor has forgotten the thread
)

// Outcome is what came of one delivery.
type Outcome struct {
	Conversation string
	Delivery     string
	Channel      string
	Kind         string // of the delivery
	Offer        bool   // the delivery asked
	Result       Result
	Error        string // kind of error
	Text         string // for operators
	Reason       string // declined
	Next         time.Time
	NotCalled    bool // retry: the vendor was not asked, so this is no attempt
	VendorID     string
	State        []byte
	Thread       string // open: the new thread; else the thread that was used
	Accepted     bool   // open: somebody is there already
	Degraded     string
	Replies      []*Inbound
}

// Result records an outcome and acts on it. An outcome whose delivery has ended meanwhile (control moved)
// is recorded and not acted on.
func (tx *Transaction) ApplyOutcome(o *Outcome) {
	defer tx.enter()()
	c := tx.mutable(o.Conversation)
	if c == nil {
		tx.add(o.Conversation, &journal.Change_Late{Late: &journal.Late{Delivery: o.Delivery, Channel: o.Channel, Outcome: o.outcome()}})
		return
	}
	d := c.find(o.Delivery)
	if d == nil {
		tx.late(c, o)
		return
	}
	cp := *d
	switch o.Result {
	case ResultDelivered:
		tx.delivered(c, &cp, o)
	case ResultRetry:
		tx.retry(c, &cp, o)
	case ResultDeclined:
		tx.declined(c, &cp, o)
	case ResultGone:
		tx.gone(c, &cp, o)
	default:
		tx.dead(c, &cp, o.Error, o.Text)
	}
}

func (o *Outcome) outcome() string {
	if o.Result == ResultDelivered {
		return StatusDelivered
	}
	return o.Error
}

// late handles an outcome that changes nothing, except that a thread opened in vain is recognised, and
// that a channel which was asked in vain is told so.
func (tx *Transaction) late(c *Conversation, o *Outcome) {
	tx.add(c.ID, &journal.Change_Late{Late: &journal.Late{Delivery: o.Delivery, Channel: o.Channel, Outcome: o.outcome()}})
	if o.Result != ResultDelivered {
		return
	}
	if o.Kind == KindOpen && o.Thread != "" {
		cur := c.Threads[o.Channel]
		if cur == nil || cur.ID != o.Thread {
			tx.link(c, o.Channel, o.Thread, nil, true)
		}
		tx.withdraw(c, o)
	}
	for _, in := range o.Replies {
		in.late = true
	}
	tx.replies(c, o)
}

// withdraw tells a channel that opened a conversation in vain that nobody needs it. The notice goes before the
// next question, since that may get a thread of the same name.
func (tx *Transaction) withdraw(c *Conversation, o *Outcome) {
	ch := tx.policy.Channels[o.Channel]
	cur := c.Threads[o.Channel]
	if ch == nil || !o.Offer && ch.Role != envelope.RoleAgent || cur != nil && cur.Live && cur.ID == o.Thread {
		return
	}
	waiting := queued(c, o.Channel)
	first := slices.IndexFunc(waiting, func(d Delivery) bool { return d.Kind == KindOpen })
	if first < 0 || !ch.Events[envelope.KindDisconnected] {
		waiting = nil
	} else {
		waiting = waiting[first:]
	}
	for i := range waiting {
		tx.end(c, &waiting[i], StatusMoved, "behind the notice that an earlier question is withdrawn")
	}
	reason := "control_moved"
	if o.Offer {
		reason = "offer_withdrawn"
	}
	tx.mark(c, ch, o.Thread, envelope.KindDisconnected, map[string]string{"reason": reason})
	for i := range waiting {
		tx.requeue(c, &waiting[i], waiting[i].Reopened, nil)
	}
}

func (tx *Transaction) delivered(c *Conversation, d *Delivery, o *Outcome) {
	if d.Kind == KindOpen {
		tx.link(c, d.Channel, o.Thread, o.State, false)
	} else if th := c.Threads[d.Channel]; th != nil && o.State != nil && th.ID == o.Thread && th.Live {
		tx.add(c.ID, &journal.Change_Linked{Linked: &journal.Linked{
			Channel: d.Channel, Thread: th.ID, Epoch: th.Epoch, State: o.State, HasState: true,
		}})
	}
	if c.find(d.ID) != nil { // what waited for the thread may have moved control and ended it
		tx.add(c.ID, &journal.Change_Ended{Ended: &journal.Ended{
			Delivery: d.ID, Status: StatusDelivered, VendorId: o.VendorID, Degraded: o.Degraded, Attempts: d.Attempts + 1, Channel: d.Channel,
		}})
	}
	if d.Offer && o.Accepted && c.Offer != nil && c.Offer.Target == d.Channel {
		tx.accept(c)
	}
	tx.replies(c, o)
}

// replies takes in what a synchronous vendor answered in the call itself.
func (tx *Transaction) replies(c *Conversation, o *Outcome) {
	for _, in := range o.Replies {
		if in.Envelope.Thread == "" {
			in.Envelope.Thread = o.Thread
		}
		in.Envelope.Channel = o.Channel
		if tx.convs.over[c.ID] == nil {
			return // a rule closed the conversation
		}
		in.Channel, in.late = o.Channel, in.late || c.Closing != ""
		if tx.Receive(in) == VerdictBusy { // the vendor can't be asked to come back: it has been told that all is well
			tx.KeepUndecided(in, "an answer that came with a result could not be taken in")
		}
	}
}

// retry leaves the delivery at the head of its lane, or gives it up when it is too old. A question is
// repeated until the offer ends.
func (tx *Transaction) retry(c *Conversation, d *Delivery, o *Outcome) {
	ch := tx.policy.Channels[d.Channel]
	if ch != nil && ch.GiveUp > 0 && tx.at.Sub(d.QueuedAt) >= ch.GiveUp {
		tx.dead(c, d, o.Error, "given up after "+tx.at.Sub(d.QueuedAt).Round(time.Second).String()+": "+o.Text)
		return
	}
	attempts := d.Attempts
	if !o.NotCalled {
		attempts++
	}
	tx.add(c.ID, &journal.Change_Attempted{Attempted: &journal.Attempted{
		Delivery: d.ID, Error: o.Error, Text: o.Text, Attempts: attempts, Next: nanos(o.Next), NotCalled: o.NotCalled,
	}})
}

func (tx *Transaction) declined(c *Conversation, d *Delivery, o *Outcome) {
	if d.Kind != KindOpen || !d.Offer {
		tx.dead(c, d, o.Error, o.Text)
		return
	}
	tx.end(c, d, StatusDropped, "declined: "+o.Reason)
	if c.Offer != nil && c.Offer.Target == d.Channel {
		tx.offerFailed(c, OfferDeclined, o.Reason)
	}
}

// gone opens the thread again, tells it what was said so far if it is the owner's, and queues again what waits in the
// lane, in order. No agent is called back to a conversation that a rule has closed: what waits is given up.
func (tx *Transaction) gone(c *Conversation, d *Delivery, o *Outcome) {
	ch := tx.policy.Channels[d.Channel]
	if d.isNotice() {
		tx.end(c, d, StatusDropped, "the vendor has forgotten the thread")
		return
	}
	if ch == nil || !ch.Opens || d.Kind == KindOpen || d.Thread != "" || d.Reopened >= maxReopened {
		tx.dead(c, d, o.Error, o.Text)
		return
	}
	if ch.Role == envelope.RoleAgent && c.Closing != "" {
		tx.abandon(c, d, o)
		return
	}
	// An agent's session that is over means that the agent has left, only that the notice is still on its way.
	if ch.Role == envelope.RoleAgent && c.Owner == ch.Name && c.Home != ch.Name && c.Closing == "" {
		tx.left(c, ch, &aboutEvent{channel: ch.Name, role: ch.Role, reason: "gone"})
		if c.find(d.ID) == nil {
			return
		}
	}
	tx.unlink(c, d.Channel)
	waiting := queued(c, d.Channel)
	var coming []Item // as messages, so not as history
	for i := range waiting {
		tx.end(c, &waiting[i], StatusMoved, "the vendor forgot the thread")
		if waiting[i].Follows {
			coming = append(coming, waiting[i].Item)
		}
	}
	tx.reach(c, ch, false)
	var history []*journal.Item
	if c.Owner == ch.Name {
		history = tx.entries(c, 0, "", coming)
	}
	if !ch.History {
		tx.transcribe(c, ch, history, d.Reopened+1)
		history = nil
	}
	for i := range waiting {
		switch w := &waiting[i]; {
		case w.Kind == KindOpen || w.Kind == KindTranscript: // there are new ones
		case w.Follows:
			tx.requeue(c, w, d.Reopened+1, history)
			history = nil
		default:
			tx.requeue(c, w, d.Reopened+1, nil)
		}
	}
}

// abandon gives up what waits for an agent who has left a conversation that a rule has closed.
func (tx *Transaction) abandon(c *Conversation, d *Delivery, o *Outcome) {
	text := o.Text + "; nobody is called back, since " + c.Closing + " has closed the conversation"
	if d.Kind == KindTranscript { // it has nothing that is not said elsewhere
		tx.end(c, d, StatusDropped, text)
		return
	}
	tx.bury(c, d, o.Error, text)
}

// requeue puts a copy of a delivery at the end of its lane, with an id of its own, and with history if there is any.
func (tx *Transaction) requeue(c *Conversation, d *Delivery, reopened uint32, history []*journal.Item) {
	nd := d.proto()
	if len(history) > 0 {
		nd.History = history
	}
	nd.Id, nd.Reopened, nd.Epoch = tx.newID(), reopened, c.Epoch
	tx.add(c.ID, &journal.Change_Queued{Queued: &journal.Queued{Delivery: nd}})
}

// dead gives a delivery up. What waits behind a conversation that could not be opened is given up with it.
func (tx *Transaction) dead(c *Conversation, d *Delivery, kind, text string) {
	if d.Kind == KindOpen && d.Offer {
		tx.end(c, d, StatusDropped, "offer failed: "+text)
		if c.Offer != nil && c.Offer.Target == d.Channel {
			tx.offerFailed(c, OfferUnreachable, kind)
		}
		return
	}
	tx.bury(c, d, kind, text)
	if d.Kind != KindOpen {
		return
	}
	for _, w := range queued(c, d.Channel) {
		if w.Kind == KindOpen {
			return
		}
		switch {
		case w.Thread != "": // a notice on a thread of its own
			continue
		case w.isNotice(): // there is nothing that could end
			tx.end(c, &w, StatusDropped, "its conversation could not be opened")
			continue
		}
		tx.bury(c, &w, kind, "its conversation could not be opened: "+text)
	}
}

func (tx *Transaction) bury(c *Conversation, d *Delivery, kind, text string) {
	tx.add(c.ID, &journal.Change_Ended{Ended: &journal.Ended{
		Delivery: d.ID, Status: StatusDead, Error: kind, Text: text, Attempts: d.Attempts + 1, Channel: d.Channel,
	}})
	l := &journal.DeadLettered{
		Delivery: d.proto(), Error: kind, Text: text, Attempts: d.Attempts + 1, QueuedAt: d.QueuedAt.UnixNano(),
	}
	if d.Follows {
		l.CustomerChannel, l.CustomerThread, l.SenderId, l.SenderName = c.Channel, c.Thread, c.SenderID, c.SenderName
	}
	tx.add(c.ID, &journal.Change_DeadLettered{DeadLettered: l})
	tx.notOpened(c, d)
}

func (d *Delivery) proto() *journal.Delivery {
	p := &journal.Delivery{
		Id: d.ID, Channel: d.Channel, Kind: d.Kind, Piece: d.Piece, Pieces: d.Pieces, Epoch: d.Epoch, Offer: d.Offer,
		Reason: d.Reason, Thread: d.Thread, Follows: d.Follows, Copy: d.Copy, Reopened: d.Reopened,
	}
	if d.Item.Pos.Seq != 0 {
		p.Item = d.Item.proto()
	}
	for _, h := range d.History {
		p.History = append(p.History, h.proto())
	}
	return p
}
