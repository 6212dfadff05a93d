package conversation

import (
	"maps"
	"slices"
	"strings"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// Inbound decides on an envelope that a channel received.
func (t *Turn) Inbound(in *Inbound) Verdict {
	ch := t.policy.Channels[in.Channel]
	if ch == nil {
		return VerdictBusy // the channel went away while the call was on its way
	}
	id, known := t.threads.get(threadKey{in.Channel, in.Envelope.Thread})
	if ch.Role != envelope.RoleCustomer && (!known || t.early(id, ch, in.Envelope)) {
		return t.orphan(in)
	}
	if !known && !opens(in.Envelope.Kind) {
		pos := t.store(in.Bytes, in.Envelope, nil)
		t.dispose("", pos, in.Channel, StatusUnrouted, string(in.Envelope.Kind)+" does not open a conversation", "")
		return VerdictAccepted
	}
	opened := false
	if !known {
		id, opened = t.open(in, ch), true
	}
	return t.into(id, ch, in, opened)
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
func (t *Turn) into(id string, ch *Channel, in *Inbound, opened bool) Verdict {
	c := t.mutable(id)
	d := digest(in)
	if c.seen(d) {
		t.add(c.ID, &journal.Change_Duplicate{Duplicate: &journal.Duplicate{Channel: in.Channel, VendorId: in.Envelope.VendorID}})
		return VerdictDuplicate
	}
	if c.Undelivered() >= MaxUndelivered {
		return VerdictBusy
	}
	e := in.Envelope
	stale := t.stale(c, ch, e, in.late)
	pos := t.store(in.Bytes, e, c)
	it := itemOf(pos, e)
	t.add(c.ID, &journal.Change_Accepted{Accepted: &journal.Accepted{
		Position: pos.proto(), Channel: in.Channel, Thread: e.Thread, VendorId: e.VendorID, Digest: d,
		Kind: string(e.Kind), Role: string(e.Sender.Role), TextBytes: it.TextBytes, Rich: it.Rich,
		History: stale == "" && e.Kind == envelope.KindMessage && ch.Role != envelope.RoleObserver, SentAt: nanos(e.SentAt),
	}})
	switch {
	case e.Hops > MaxHops:
		t.dispose(c.ID, pos, ch.Name, StatusUnrouted, "too many hops", "")
	case e.Kind == envelope.KindEcho || e.Kind == envelope.KindUnparsed:
		t.dispose(c.ID, pos, ch.Name, StatusUnrouted, string(e.Kind), "")
	case stale != "":
		t.dispose(c.ID, pos, ch.Name, StatusFenced, stale, "")
	case ch.Role == envelope.RoleCustomer:
		t.fromCustomer(c, ch, e, pos, opened)
	default:
		t.fromFarSide(c, ch, e, pos)
	}
	return VerdictAccepted
}

func (t *Turn) open(in *Inbound, ch *Channel) string {
	id, owner := t.newID(), t.policy.owner(ch)
	t.add(id, &journal.Change_Opened{Opened: &journal.Opened{
		Channel: in.Channel, Thread: in.Envelope.Thread, SenderId: in.Envelope.Sender.ID, SenderName: in.Envelope.Sender.Name,
		Owner: owner, Home: owner,
	}})
	return id
}

// stale returns why an envelope must not reach the customer, or "": the fence.
func (t *Turn) stale(c *Conversation, ch *Channel, e *envelope.Envelope, late bool) string {
	if ch.Role == envelope.RoleCustomer {
		return ""
	}
	th := c.Threads[ch.Name]
	switch asked := c.Offer != nil && c.Offer.Target == ch.Name; {
	case late:
		return "answer to a call of an earlier term"
	case th == nil || th.ID != e.Thread:
		return "thread of an earlier term"
	case nanos(e.SentAt) != 0 && nanos(e.SentAt) <= th.EndedSent:
		return "sent in an earlier term"
	case asked && th.Live && (accepts(e) || e.Kind == envelope.KindDisconnected):
		return ""
	case ch.Name != c.Owner:
		return "not the owner"
	case ch.PerTerm && th.Epoch != c.Epoch:
		return "thread of an earlier term"
	}
	return ""
}

// early reports whether an envelope is on a channel's last thread, which has ended, while the channel is opening the next
// one. The next may have the same name, so who spoke is known only when the result of opening is.
func (t *Turn) early(id string, ch *Channel, e *envelope.Envelope) bool {
	c, ok := t.convs.get(id)
	if !ok {
		return false
	}
	th := c.Threads[ch.Name]
	if th == nil || th.ID != e.Thread || th.Live || !opening(c, ch.Name) {
		return false
	}
	asked := c.Offer != nil && c.Offer.Target == ch.Name
	return asked || th.Epoch != c.Epoch
}

// accepts reports whether an envelope from an asked channel means that somebody took the conversation.
func accepts(e *envelope.Envelope) bool {
	return e.Kind == envelope.KindConnected || e.Kind == envelope.KindMessage && e.Sender.Role == envelope.RoleAgent
}

func (t *Turn) fromCustomer(c *Conversation, ch *Channel, e *envelope.Envelope, pos Position, opened bool) {
	about := &about{channel: ch.Name, role: ch.Role, envelope: e, pos: pos, item: itemOf(pos, e)}
	if e.Kind == envelope.KindMessage {
		t.deciding = pos
		defer func() { t.deciding = Position{} }()
	}
	if opened {
		t.event(c, route.EventOpened, &aboutEvent{channel: ch.Name, role: ch.Role})
	}
	switch e.Kind {
	case envelope.KindMessage:
		t.remember(c, e.Attributes)
		t.message(c, about)
	case envelope.KindConnected, envelope.KindDisconnected, envelope.KindHandoverRequested:
		if !t.event(c, route.Event(e.Kind), &aboutEvent{channel: ch.Name, role: ch.Role, pos: pos, reason: e.Attributes["reason"]}) {
			t.dispose(c.ID, pos, ch.Name, StatusUnrouted, "no rule for "+string(e.Kind), "")
		}
	default:
		t.receipt(c, c.Owner, e, pos)
	}
}

// fromFarSide decides on what the owner says, or a channel that is asked.
func (t *Turn) fromFarSide(c *Conversation, ch *Channel, e *envelope.Envelope, pos Position) {
	took := false
	if c.Offer != nil && c.Offer.Target == ch.Name {
		if e.Kind == envelope.KindDisconnected {
			t.unlink(c, ch.Name)
			t.offerFailed(c, OfferClosed, e.Attributes["reason"])
			return
		}
		t.accept(c)
		took = true
	}
	ev := &aboutEvent{channel: ch.Name, role: ch.Role, pos: pos, reason: e.Attributes["reason"]}
	switch e.Kind {
	case envelope.KindMessage:
		t.message(c, &about{
			channel: ch.Name, role: ch.Role, envelope: e, pos: pos, item: itemOf(pos, e), toCustomer: true,
		})
	case envelope.KindDisconnected:
		t.left(c, ch, ev)
	case envelope.KindConnected, envelope.KindHandoverRequested:
		if !t.event(c, route.Event(e.Kind), ev) && !took {
			t.dispose(c.ID, pos, ch.Name, StatusUnrouted, "no rule for "+string(e.Kind), "")
		}
	default:
		t.receipt(c, c.Channel, e, pos)
	}
}

// left handles the owner's departure: a rule decides where control goes, else it falls back to home.
func (t *Turn) left(c *Conversation, ch *Channel, ev *aboutEvent) {
	t.unlink(c, ch.Name)
	ev.free = true
	matched := t.event(c, route.EventDisconnected, ev)
	switch {
	case c.Owner != ch.Name:
	case c.Offer != nil && c.Offer.Hold: // somebody is asked, and messages wait; if nobody comes, control goes home
	case c.Home != ch.Name:
		t.pass(c, c.Home, "disconnected", moveFree)
	case !matched:
		t.dispose(c.ID, ev.pos, ch.Name, StatusUnrouted, "left, and is home itself", "")
	}
}

// receipt forwards receipts and typing on the normal path, to whoever wants them.
func (t *Turn) receipt(c *Conversation, to string, e *envelope.Envelope, pos Position) {
	ch := t.policy.Channels[to]
	if ch == nil || !ch.wants(e.Kind) {
		t.dispose(c.ID, pos, e.Channel, StatusUnrouted, to+" does not take "+string(e.Kind), "")
		return
	}
	t.send(c, ch, Item{Pos: pos}, sendOptions{})
}

// orphan lets an envelope wait until its thread is known: the vendor may answer before the result of
// opening the conversation is stored.
func (t *Turn) orphan(in *Inbound) Verdict {
	if t.orphans.len() >= MaxOrphans {
		return VerdictBusy
	}
	pos := t.store(in.Bytes, in.Envelope, nil)
	wait := OrphanWait + t.policy.Channels[in.Channel].Timeout
	t.add("", &journal.Change_Orphaned{Orphaned: &journal.Orphaned{
		Position: pos.proto(), Channel: in.Channel, Thread: in.Envelope.Thread, Deadline: t.at.Add(wait).UnixNano(),
	}})
	return VerdictAccepted
}

// adopt takes in what waited for a thread that is now known, in order of arrival.
func (t *Turn) adopt(c *Conversation, channel, thread string) {
	for {
		o := t.firstOrphan(func(o *Orphan) bool { return o.Channel == channel && o.Thread == thread })
		if o == nil {
			return
		}
		t.add("", &journal.Change_OrphanEnded{OrphanEnded: &journal.OrphanEnded{Position: o.Pos.proto(), Status: "adopted"}})
		e, err := protocol.DecodeEnvelope(o.Bytes)
		ch := t.policy.Channels[channel]
		if err != nil || ch == nil {
			t.dispose("", o.Pos, channel, StatusUnrouted, "can't be read", "")
			continue
		}
		e.ID, e.Hops, e.Cause = o.ID, o.Hops, o.Cause // what the gateway said it was, not what the bytes say
		if t.into(c.ID, ch, &Inbound{Channel: channel, Envelope: e, Bytes: o.Bytes}, false) == VerdictBusy {
			t.dispose("", o.Pos, channel, StatusUnrouted, "too much waits in the conversation", "")
		}
	}
}

// Orphans gives up on envelopes whose thread did not become known in time, a bounded number at once: the record must
// not outgrow the log.
func (t *Turn) Orphans() {
	for range orphansAtOnce {
		o := t.firstOrphan(func(o *Orphan) bool { return !o.Deadline.After(t.at) })
		if o == nil {
			return
		}
		t.add("", &journal.Change_OrphanEnded{OrphanEnded: &journal.OrphanEnded{Position: o.Pos.proto(), Status: StatusUnrouted}})
		t.dispose("", o.Pos, o.Channel, StatusUnrouted, "unknown thread", "")
	}
}

func (t *Turn) firstOrphan(match func(*Orphan) bool) *Orphan {
	var first *Orphan
	see := func(o *Orphan) {
		if match(o) && (first == nil || o.Pos.Less(first.Pos)) {
			first = o
		}
	}
	for pos, o := range t.orphans.base {
		if !t.orphans.gone[pos] {
			see(o)
		}
	}
	for _, o := range t.orphans.over {
		see(o)
	}
	return first
}

func nanos(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixNano()
}

// remember keeps what the customer's vendor said beside the words, so that it comes back with the answers. These
// attributes have a dot in their name (native.custom_payload), those that rules set have none; what the newest message
// does not have is forgotten.
func (t *Turn) remember(c *Conversation, attrs map[string]string) {
	set, size := map[string]string{}, 0
	for _, k := range slices.Sorted(maps.Keys(attrs)) { // which ones fit must not depend on chance
		v := attrs[k]
		if size += len(k) + len(v); strings.Contains(k, ".") && v != "" && c.Attributes[k] != v && size <= MaxAttributes {
			set[k] = v
		}
	}
	for k := range c.Attributes {
		if _, still := attrs[k]; !still && strings.Contains(k, ".") {
			set[k] = ""
		}
	}
	if len(set) > 0 {
		t.add(c.ID, &journal.Change_Attributed{Attributed: &journal.Attributed{Attributes: set}})
	}
}
