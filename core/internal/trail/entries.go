package trail

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/journal"
)

// collect adds a record's steps to the trails of the conversations that were found.
func collect(found map[string]*Conversation, strays map[conversation.Position]bool, index map[conversation.Position]string, seq uint64, r *journal.Record, text bool) {
	at := time.Unix(0, r.GetAt()).UTC()
	for i, s := range r.GetEnvelopes() {
		if p := (conversation.Position{Seq: seq, Index: uint32(i)}); found[s.GetConversation()] != nil || strays[p] {
			index[p] = s.GetId()
		}
	}
	for _, ch := range r.GetChanges() {
		conv := found[ch.GetConversation()]
		if ch.GetConversation() == "" {
			if p, ok := about(ch); !ok || !strays[p] {
				continue
			}
		}
		if conv == nil {
			continue
		}
		e, ok := entry(ch, index)
		if !ok {
			continue
		}
		e.At, e.Seq = at, seq
		if a := ch.GetAccepted(); a != nil && text && a.GetPosition().GetSeq() == seq {
			e.Text = textOf(r.GetEnvelopes()[a.GetPosition().GetIndex()])
		}
		if d := ch.GetQueued().GetDelivery(); d.GetKind() == conversation.KindSend && text && d.GetItem().GetPosition().GetSeq() == seq && !d.GetFollows() {
			e.Text = textOf(r.GetEnvelopes()[d.GetItem().GetPosition().GetIndex()])
		}
		conv.Entries = append(conv.Entries, e)
	}
}

// entry tells one change in words; false if it says nothing to an operator.
func entry(ch *journal.Change, index map[conversation.Position]string) (Entry, bool) {
	env := func(p *journal.Position) string {
		return index[conversation.Position{Seq: p.GetSeq(), Index: p.GetIndex()}]
	}
	switch k := ch.GetKind().(type) {
	case *journal.Change_Opened:
		return Entry{What: "opened", Channel: k.Opened.GetChannel(), Detail: "owner " + k.Opened.GetOwner()}, true
	case *journal.Change_Accepted:
		a := k.Accepted
		return Entry{What: conversation.StatusAccepted, Channel: a.GetChannel(), Envelope: env(a.GetPosition()), VendorID: a.GetVendorId(), Kind: a.GetKind(), Role: a.GetRole()}, true
	case *journal.Change_Duplicate:
		return Entry{What: conversation.StatusDuplicate, Channel: k.Duplicate.GetChannel(), VendorID: k.Duplicate.GetVendorId()}, true
	case *journal.Change_Routed:
		r := k.Routed
		return Entry{What: "routed", Kind: r.GetEvent(), Envelope: env(r.GetPosition()), Rule: strings.Join(r.GetRules(), ", "), Detail: strings.Join(r.GetErrors(), "; ")}, true
	case *journal.Change_Disposed:
		d := k.Disposed
		return Entry{What: d.GetStatus(), Channel: d.GetChannel(), Envelope: env(d.GetPosition()), Rule: d.GetRule(), Detail: d.GetReason()}, true
	case *journal.Change_HomeMoved:
		return Entry{What: "home", Channel: k.HomeMoved.GetHome()}, true
	case *journal.Change_Offered:
		o := k.Offered
		return Entry{What: "offered", Channel: o.GetTarget(), Rule: o.GetRule(), Detail: "for " + time.Duration(o.GetWithin()).String()}, true
	case *journal.Change_OfferEnded:
		o := k.OfferEnded
		return Entry{What: "offer " + o.GetOutcome(), Channel: o.GetTarget(), Detail: o.GetReason()}, true
	case *journal.Change_Held:
		return Entry{What: conversation.StatusHeld, Envelope: env(k.Held.GetItem().GetPosition()), Detail: "waits with the offer"}, true
	case *journal.Change_Passed:
		p := k.Passed
		return Entry{What: "passed", Channel: p.GetOwner(), Rule: p.GetReason(), Detail: fmt.Sprintf("from %s, epoch %d", p.GetFrom(), p.GetEpoch())}, true
	}
	return deliveryEntry(ch, env)
}

func deliveryEntry(ch *journal.Change, env func(*journal.Position) string) (Entry, bool) {
	switch k := ch.GetKind().(type) {
	case *journal.Change_Queued:
		d := k.Queued.GetDelivery()
		e := Entry{What: conversation.StatusQueued, Channel: d.GetChannel(), Kind: d.GetKind(), Delivery: d.GetId(), Envelope: env(d.GetItem().GetPosition()), Rule: d.GetReason()}
		if d.GetPieces() > 1 {
			e.Detail = fmt.Sprintf("piece %d of %d", d.GetPiece()+1, d.GetPieces())
		}
		return e, true
	case *journal.Change_Attempted:
		a := k.Attempted
		return Entry{What: conversation.StatusRetrying, Delivery: a.GetDelivery(), Kind: a.GetError(),
			Detail: "attempt " + strconv.Itoa(int(a.GetAttempts())) + " failed: " + a.GetText()}, true
	case *journal.Change_Ended:
		d := k.Ended
		return Entry{What: d.GetStatus(), Channel: d.GetChannel(), Delivery: d.GetDelivery(), VendorID: d.GetVendorId(), Kind: d.GetError(), Detail: strings.TrimSpace(d.GetText() + " " + d.GetDegraded())}, true
	case *journal.Change_Late:
		return Entry{What: "late", Channel: k.Late.GetChannel(), Delivery: k.Late.GetDelivery(), Detail: "outcome " + k.Late.GetOutcome() + " came after the delivery had ended"}, true
	case *journal.Change_Linked:
		return Entry{What: "thread", Channel: k.Linked.GetChannel(), VendorID: k.Linked.GetThread(), Detail: "epoch " + strconv.FormatUint(k.Linked.GetEpoch(), 10)}, true
	case *journal.Change_Closed:
		return Entry{What: "closed", Detail: k.Closed.GetReason()}, true
	case *journal.Change_Orphaned:
		o := k.Orphaned
		return Entry{What: conversation.StatusHeld, Channel: o.GetChannel(), Envelope: env(o.GetPosition()), VendorID: o.GetThread(), Detail: "waits for its thread"}, true
	case *journal.Change_DeadLettered:
		d := k.DeadLettered
		if d.GetError() != "undecided" || d.GetAttempts() > 0 { // else it was queued, and its end says the same
			return Entry{}, false
		}
		return Entry{What: conversation.StatusDead, Channel: d.GetDelivery().GetChannel(), Envelope: env(d.GetDelivery().GetItem().GetPosition()),
			Delivery: d.GetDelivery().GetId(), Kind: d.GetError(), Detail: d.GetText()}, true
	case *journal.Change_DeadEnded:
		return Entry{What: "dead letter " + k.DeadEnded.GetStatus(), Delivery: k.DeadEnded.GetDead()}, true
	}
	return Entry{}, false
}

// describe tells where a live conversation stands.
func describe(c *conversation.Conversation) *State {
	s := &State{
		Channel: c.Channel, Customer: c.SenderID, Owner: c.Owner, Home: c.Home, Epoch: c.Epoch, OwnerSince: c.OwnerSince.UTC(),
		Handovers: c.Handovers, Held: len(c.Held), Threads: map[string]string{}, Attributes: c.Attributes,
		Created: c.Created.UTC(), Last: c.Last.UTC(),
	}
	if c.Offer != nil {
		s.Offer, s.OfferUntil = c.Offer.Target, c.Offer.Deadline.UTC()
	}
	for ch, th := range c.Threads {
		s.Threads[ch] = th.ID
	}
	return s
}

// waiting lists what has not come to an end. Why a lane's head waits is known to the lanes; whoever shows the
// list adds it where Why is empty.
func waiting(c *conversation.Conversation) []Waiting {
	var out []Waiting
	for range c.Held {
		out = append(out, Waiting{Kind: conversation.KindSend, Status: conversation.StatusHeld, Channel: offerTarget(c), Why: "waits until the offer to " + offerTarget(c) + " ends"})
	}
	for i := range c.Lanes {
		for j := range c.Lanes[i].Queue {
			d := &c.Lanes[i].Queue[j]
			w := Waiting{Delivery: d.ID, Channel: d.Channel, Kind: d.Kind, Status: conversation.StatusQueued, Attempts: d.Attempts, Since: d.QueuedAt.UTC()}
			if d.Attempts > 0 {
				w.Status, w.Next = conversation.StatusRetrying, d.NextAt.UTC()
			}
			if j > 0 {
				w.Why = "waits behind " + c.Lanes[i].Queue[0].ID + " in its lane"
			} else if d.Attempts > 0 {
				w.Why = "last attempt failed: " + d.Text
			}
			out = append(out, w)
		}
	}
	return out
}

func offerTarget(c *conversation.Conversation) string {
	if c.Offer == nil {
		return ""
	}
	return c.Offer.Target
}

// Describe returns a live conversation without its log, or nil.
func Describe(b *conversation.Book, id string) *Conversation {
	c := b.Conversation(id)
	if c == nil {
		return nil
	}
	return &Conversation{ID: id, Live: true, State: describe(c), Waiting: waiting(c)}
}
