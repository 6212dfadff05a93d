package conversation

import (
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

// Inbound decides on an envelope that a channel received.
func (tx *Transaction) Receive(in *Inbound) Verdict {
	defer tx.enter()()
	ch := tx.policy.Channels[in.Channel]
	if ch == nil {
		return VerdictBusy // the channel went away while the call was on its way
	}
	key := ThreadKey{in.Channel, in.Envelope.Thread}
	id, known := tx.threads.get(key)
	if ch.Role != envelope.RoleCustomer {
		behind := tx.unadopted && !in.late && tx.orphansOn(key) > 0 // what came before on the thread still waits
		if !known || behind || tx.early(id, ch, key.Thread) {
			return tx.orphan(in)
		}
	}
	if c, _ := tx.convs.get(id); known && ch.Role == envelope.RoleCustomer && c.Closing != "" {
		if c.seen(digest(in)) {
			return tx.duplicate(c, in)
		}
		known = false
	}
	if !known && !opens(in.Envelope.Kind) {
		pos := tx.store(in.Bytes, in.Envelope, nil)
		tx.dispose("", pos, in.Channel, StatusUnrouted, string(in.Envelope.Kind)+" does not open a conversation", "")
		return VerdictAccepted
	}
	opened := false
	if !known {
		e := in.Envelope
		id, opened = tx.open(ch, &Customer{Channel: in.Channel, Thread: e.Thread, ID: e.Sender.ID, Name: e.Sender.Name}), true
	}
	return tx.into(id, ch, in, opened)
}

// opens reports whether a customer's envelope of this kind begins a conversation: receipts, typing and the like
// are about one that has ended.
func opens(k envelope.Kind) bool {
	switch k {
	case envelope.KindMessage, envelope.KindConnected, envelope.KindHandoverRequested:
		return true
	}
	return false
}

// into takes an envelope into a known conversation.
func (tx *Transaction) into(id string, ch *Channel, in *Inbound, opened bool) Verdict {
	c := tx.mutable(id)
	d := digest(in)
	if c.seen(d) {
		return tx.duplicate(c, in)
	}
	if c.Undelivered() >= MaxUndelivered {
		return VerdictBusy
	}
	e := in.Envelope
	stale := tx.stale(c, ch, e, in.late)
	pos := tx.store(in.Bytes, e, c)
	it := itemOf(pos, e)
	tx.add(c.ID, &journal.Change_Accepted{Accepted: &journal.Accepted{
		Position: pos.proto(), Channel: in.Channel, Thread: e.Thread, VendorId: e.VendorID, Digest: d,
		Kind: string(e.Kind), Role: string(e.Sender.Role), TextBytes: it.TextBytes, Rich: it.Rich, Extent: it.Extent.proto(),
		History: stale == "" && isHistory(ch, e), SentAt: nanos(e.SentAt),
	}})
	switch {
	case e.Hops > MaxHops:
		tx.dispose(c.ID, pos, ch.Name, StatusUnrouted, "too many hops", "")
	case e.Kind == envelope.KindEcho || e.Kind == envelope.KindUnparsed:
		tx.dispose(c.ID, pos, ch.Name, StatusUnrouted, string(e.Kind), "")
	case stale != "":
		tx.dispose(c.ID, pos, ch.Name, StatusFenced, stale, "")
	case ch.Role == envelope.RoleCustomer:
		tx.fromCustomer(c, ch, e, pos, opened)
	default:
		tx.fromFarSide(c, ch, e, pos)
	}
	return VerdictAccepted
}

func (tx *Transaction) duplicate(c *Conversation, in *Inbound) Verdict {
	tx.add(c.ID, &journal.Change_Duplicate{Duplicate: &journal.Duplicate{Channel: in.Channel, VendorId: in.Envelope.VendorID}})
	return VerdictDuplicate
}

// open begins a conversation. The customer may have one that has ended and is not yet archived.
func (tx *Transaction) open(ch *Channel, who *Customer) string {
	if former, ok := tx.threads.get(ThreadKey{who.Channel, who.Thread}); ok {
		tx.comeBack(tx.mutable(former))
	}
	id, owner := tx.newID(), tx.policy.owner(ch)
	tx.add(id, &journal.Change_Opened{Opened: &journal.Opened{
		Channel: who.Channel, Thread: who.Thread, SenderId: who.ID, SenderName: who.Name, Owner: owner, Home: owner,
	}})
	return id
}

func (tx *Transaction) fromCustomer(c *Conversation, ch *Channel, e *envelope.Envelope, pos Position, opened bool) {
	about := &about{channel: ch.Name, role: ch.Role, envelope: e, pos: pos, item: itemOf(pos, e)}
	if e.Kind == envelope.KindMessage {
		tx.deciding = pos
		defer func() { tx.deciding = Position{} }()
	}
	if opened {
		tx.event(c, route.EventOpened, &aboutEvent{channel: ch.Name, role: ch.Role})
	}
	switch e.Kind {
	case envelope.KindMessage:
		tx.remember(c, e.Attributes)
		tx.message(c, about)
	case envelope.KindConnected, envelope.KindDisconnected, envelope.KindHandoverRequested:
		wanted := e.Kind == envelope.KindHandoverRequested
		if wanted {
			tx.remember(c, e.Attributes)
		}
		switch matched := tx.event(c, route.Event(e.Kind), &aboutEvent{
			channel: ch.Name, role: ch.Role, pos: pos, reason: e.Attributes["reason"],
		}); {
		case matched, wanted && tx.call(c), isHistory(ch, e): // it travels with control
		default:
			tx.dispose(c.ID, pos, ch.Name, StatusUnrouted, "no rule for "+string(e.Kind), "")
		}
	default:
		tx.receipt(c, c.Owner, e, pos)
	}
}

// fromFarSide decides on what the owner says, or a channel that is asked.
func (tx *Transaction) fromFarSide(c *Conversation, ch *Channel, e *envelope.Envelope, pos Position) {
	took := false
	if c.Offer != nil && c.Offer.Target == ch.Name {
		if e.Kind == envelope.KindDisconnected {
			tx.unlink(c, ch.Name)
			tx.offerFailed(c, OfferClosed, e.Attributes["reason"])
			return
		}
		tx.accept(c)
		took = true
	}
	ev := &aboutEvent{channel: ch.Name, role: ch.Role, pos: pos, reason: e.Attributes["reason"]}
	switch e.Kind {
	case envelope.KindMessage:
		tx.message(c, &about{
			channel: ch.Name, role: ch.Role, envelope: e, pos: pos, item: itemOf(pos, e), toCustomer: true,
		})
	case envelope.KindDisconnected:
		tx.left(c, ch, ev)
	case envelope.KindConnected, envelope.KindHandoverRequested:
		if !tx.event(c, route.Event(e.Kind), ev) && !took {
			tx.dispose(c.ID, pos, ch.Name, StatusUnrouted, "no rule for "+string(e.Kind), "")
		}
	default:
		tx.receipt(c, c.Channel, e, pos)
	}
}

// left handles the owner's departure: a rule decides where control goes, else it falls back to home.
func (tx *Transaction) left(c *Conversation, ch *Channel, ev *aboutEvent) {
	tx.unlink(c, ch.Name)
	ev.free = true
	matched := tx.event(c, route.EventDisconnected, ev)
	switch {
	case c.Owner != ch.Name:
	case tx.ends(c) && !wordsWait(c, ch.Name): // nobody needs control any more
	case c.Offer != nil && c.Offer.Hold: // somebody is asked, and messages wait; if nobody comes, control goes home
	case c.Home != ch.Name:
		tx.pass(c, c.Home, "disconnected", moveFree)
	case !matched:
		tx.dispose(c.ID, ev.pos, ch.Name, StatusUnrouted, "left, and is home itself", "")
	}
}

// receipt forwards receipts and typing on the normal path, to whoever wants them.
func (tx *Transaction) receipt(c *Conversation, to string, e *envelope.Envelope, pos Position) {
	ch := tx.policy.Channels[to]
	if ch == nil || !ch.wants(e.Kind) {
		tx.dispose(c.ID, pos, e.Channel, StatusUnrouted, to+" does not take "+string(e.Kind), "")
		return
	}
	tx.send(c, ch, Item{Pos: pos}, sendOptions{})
}

func nanos(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixNano()
}
