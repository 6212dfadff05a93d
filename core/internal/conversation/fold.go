package conversation

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"patchbay/core/internal/journal"
)

// fold applies one change. It must be a function of the tables and the change alone.
func (t *tables) fold(ch *journal.Change) error {
	if done := t.foldWhole(ch); done {
		return nil
	}
	if k, ok := ch.GetKind().(*journal.Change_Opened); ok {
		t.foldOpened(ch.GetConversation(), k.Opened)
		return nil
	}
	c := t.mutable(ch.GetConversation())
	if c == nil {
		if _, late := ch.GetKind().(*journal.Change_Late); late {
			return nil
		}
		return fmt.Errorf("fold %T: unknown conversation %q", ch.GetKind(), ch.GetConversation())
	}
	switch k := ch.GetKind().(type) {
	case *journal.Change_Accepted:
		t.foldAccepted(c, k.Accepted)
	case *journal.Change_Attributed:
		if c.Attributes == nil {
			c.Attributes = map[string]string{}
		}
		maps.Copy(c.Attributes, k.Attributed.GetAttributes())
		maps.DeleteFunc(c.Attributes, func(_, v string) bool { return v == "" })
	case *journal.Change_HomeMoved:
		c.Home = k.HomeMoved.GetHome()
	case *journal.Change_Offered:
		o := k.Offered
		c.Offer = &Offer{
			Target: o.GetTarget(), Rest: o.GetRest(), MadeAt: t.at, Deadline: time.Unix(0, o.GetDeadline()),
			Within: time.Duration(o.GetWithin()), Rule: o.GetRule(), Else: o.GetElse(), Hold: o.GetHold(),
		}
	case *journal.Change_OfferEnded:
		c.Offer = nil
	case *journal.Change_Held:
		c.Held = append(c.Held, toItem(k.Held.GetItem()))
	case *journal.Change_Passed:
		t.foldPassed(c, k.Passed)
	case *journal.Change_Queued:
		t.foldQueued(c, k.Queued.GetDelivery())
	case *journal.Change_Attempted:
		if d := c.find(k.Attempted.GetDelivery()); d != nil {
			d.Attempts, d.NextAt = k.Attempted.GetAttempts(), time.Unix(0, k.Attempted.GetNext())
			d.Error, d.Text, d.NotCalled = k.Attempted.GetError(), k.Attempted.GetText(), k.Attempted.GetNotCalled()
		}
	case *journal.Change_Ended:
		t.foldEnded(c, k.Ended)
	case *journal.Change_Linked:
		t.foldLinked(c, k.Linked)
	case *journal.Change_Unlinked:
		if th := c.Threads[k.Unlinked.GetChannel()]; th != nil {
			th.Live = false
		}
	case *journal.Change_Closing:
		t.foldClosing(c, k.Closing.GetRule())
	case *journal.Change_Closed:
		t.foldClosed(c)
	case *journal.Change_Disposed:
		t.foldDisposed(c, toPosition(k.Disposed.GetPosition()))
	case *journal.Change_Duplicate, *journal.Change_Routed, *journal.Change_Late:
	default:
		return fmt.Errorf("fold: change of unknown kind %T; was the log written by a newer version?", k)
	}
	return nil
}

// foldWhole applies changes that belong to no conversation's state.
func (t *tables) foldWhole(ch *journal.Change) bool {
	switch k := ch.GetKind().(type) {
	case *journal.Change_LeaseStarted:
	case *journal.Change_CursorMoved:
		t.cursors.set(k.CursorMoved.GetChannel(), k.CursorMoved.GetCursor())
	case *journal.Change_ThreadPending:
		pos := toPosition(k.ThreadPending.GetPosition())
		o := &PendingEnvelope{Pos: pos, Channel: k.ThreadPending.GetChannel(), Thread: k.ThreadPending.GetThread(), Deadline: time.Unix(0, k.ThreadPending.GetDeadline())}
		if pos.Seq == t.seq && int(pos.Index) < len(t.rec.GetEnvelopes()) {
			s := t.rec.GetEnvelopes()[pos.Index]
			o.Bytes, o.ID, o.Hops, o.Cause = s.GetEnvelope(), s.GetId(), int(s.GetHops()), s.GetCause()
		}
		t.orphans.set(pos, o)
		t.waiting.add(o, 1)
	case *journal.Change_PendingEnded:
		if o, ok := t.orphans.get(toPosition(k.PendingEnded.GetPosition())); ok {
			t.orphans.remove(o.Pos)
			t.waiting.add(o, -1)
		}
	case *journal.Change_DeadLettered:
		t.foldDead(ch.GetConversation(), k.DeadLettered)
	case *journal.Change_DeadLetterEnded:
		t.letters.remove(k.DeadLetterEnded.GetDead())
	case *journal.Change_Disposed:
		return ch.GetConversation() == ""
	default:
		return false
	}
	return true
}

func (t *tables) foldOpened(id string, o *journal.Opened) {
	c := &Conversation{
		ID: id, Channel: o.GetChannel(), Thread: o.GetThread(), SenderID: o.GetSenderId(), SenderName: o.GetSenderName(),
		Created: t.at, LastActive: t.at, Owner: o.GetOwner(), Home: o.GetHome(), Epoch: 1, OwnerSince: t.at,
		Threads: map[string]*Thread{o.GetChannel(): {ID: o.GetThread(), Epoch: 1, Live: true}},
	}
	t.convs.set(id, c)
	key := ThreadKey{c.Channel, c.Thread}
	if former, ok := t.threads.get(key); ok { // what the vendor repeats may be of before; clipped: both go on appending
		c.Digests = slices.Clip(t.mutable(former).Digests)
	}
	t.claim(c, key)
}

func (t *tables) foldAccepted(c *Conversation, a *journal.Accepted) {
	c.LastActive = t.at
	if len(a.GetDigest()) == 16 {
		d := [16]byte(a.GetDigest())
		c.Digests = push(c.Digests, d, maxDigests)
	}
	th := c.Threads[a.GetChannel()]
	if th != nil && th.ID == a.GetThread() {
		th.LastSent = max(th.LastSent, a.GetSentAt())
		if asked := c.Offer != nil && c.Offer.Target == a.GetChannel(); a.GetChannel() != c.Owner && !asked {
			th.EndedSent = max(th.EndedSent, a.GetSentAt()) // what was sent out of its term, or before, is stale for ever
		}
	}
	if !a.GetHistory() {
		return
	}
	c.History = push(c.History, HistoryEntry{
		Item: Item{toPosition(a.GetPosition()), a.GetTextBytes(), a.GetRich(), toExtent(a.GetExtent())}, Role: a.GetRole(), Channel: a.GetChannel(),
	}, MaxHistory)
	c.HistoryCount++
	if th != nil && a.GetChannel() != c.Channel && th.Seen == c.HistoryCount-1 {
		th.Seen = c.HistoryCount
	}
	if a.GetChannel() == c.Channel {
		if c.UnansweredSince.IsZero() {
			c.UnansweredSince = t.at
		}
	} else {
		c.UnansweredSince = time.Time{}
	}
}

// foldDisposed forgets a message: it neither waits nor travels with control. An entry that is not the last keeps its
// place, since entries are numbered.
func (t *tables) foldDisposed(c *Conversation, p Position) {
	c.Held = slices.DeleteFunc(c.Held, func(i Item) bool { return i.Pos == p })
	n := len(c.History)
	if n == 0 || c.History[n-1].Pos != p {
		return
	}
	c.History = slices.Clip(c.History[:n-1]) // clipped: what comes next must not overwrite an older value's entry
	c.HistoryCount--
	for _, th := range c.Threads {
		th.Seen = min(th.Seen, c.HistoryCount)
	}
}

// trimSlack is how far a list may outgrow its bound before it is trimmed, which copies it.
const trimSlack = 32

// push appends to a list of which at least the newest keep are kept. It never changes an element that is there: older
// values of the conversation share the list.
func push[T any](list []T, v T, keep int) []T {
	if len(list) >= keep+trimSlack {
		list = append(make([]T, 0, keep+trimSlack), list[len(list)-keep+1:]...)
	}
	return append(list, v)
}

func (t *tables) foldPassed(c *Conversation, p *journal.Passed) {
	if th := c.Threads[p.GetFrom()]; th != nil {
		th.EndedSent = th.LastSent
	}
	c.Owner, c.Epoch, c.OwnerSince = p.GetOwner(), p.GetEpoch(), t.at
	c.Handovers++
	if len(c.Moves) >= MaxBounces {
		c.Moves = slices.Delete(c.Moves, 0, 1)
	}
	c.Moves = append(c.Moves, t.at)
}

func (t *tables) foldQueued(c *Conversation, d *journal.Delivery) {
	nd := Delivery{
		ID: d.GetId(), Channel: d.GetChannel(), Kind: d.GetKind(), Item: toItem(d.GetItem()), Piece: d.GetPiece(),
		Pieces: d.GetPieces(), Epoch: d.GetEpoch(), Offer: d.GetOffer(), Reason: d.GetReason(), Thread: d.GetThread(),
		Follows: d.GetFollows(), Copy: d.GetCopy(), Reopened: d.GetReopened(), QueuedAt: t.at,
	}
	for _, h := range d.GetHistory() {
		nd.History = append(nd.History, toItem(h))
	}
	l := c.lane(nd.Channel)
	if l == nil {
		c.Lanes = append(c.Lanes, Lane{Channel: nd.Channel})
		l = &c.Lanes[len(c.Lanes)-1]
	}
	l.Queue = append(l.Queue, nd)
	c.Held = slices.DeleteFunc(c.Held, func(i Item) bool { return nd.Follows && i.Pos == nd.Item.Pos })
	if nd.Channel == c.Owner && (nd.Follows || nd.Kind == KindTranscript) {
		c.HistoryEpoch = c.Epoch
	}
}

func (t *tables) foldEnded(c *Conversation, e *journal.Ended) {
	for i := range c.Lanes {
		l := &c.Lanes[i]
		j := slices.IndexFunc(l.Queue, func(d Delivery) bool { return d.ID == e.GetDelivery() })
		if j < 0 {
			continue
		}
		d := l.Queue[j]
		l.Queue = slices.Delete(l.Queue, j, j+1)
		switch {
		case e.GetStatus() == StatusDelivered:
			c.saw(&d)
		case e.GetStatus() == StatusDead && d.Kind == KindOpen && d.Channel == c.Owner:
			c.HistoryEpoch = 0 // what should have travelled was waiting for the thread
		}
		if len(l.Queue) == 0 {
			c.Lanes = slices.Delete(c.Lanes, i, i+1)
		}
		return
	}
}

// saw notes what the delivery's channel now knows.
func (c *Conversation) saw(d *Delivery) {
	th := c.Threads[d.Channel]
	if th == nil || d.Channel == c.Channel {
		return
	}
	for _, it := range d.History {
		th.Seen = max(th.Seen, c.number(it.Pos))
	}
	if d.Kind == KindSend {
		th.Seen = max(th.Seen, c.number(d.Item.Pos))
	}
}

func (t *tables) foldLinked(c *Conversation, l *journal.Linked) {
	key := ThreadKey{l.GetChannel(), l.GetThread()}
	old := c.Threads[l.GetChannel()]
	switch {
	case l.GetFormer():
		t.recognise(c, key)
	case old != nil && old.ID == l.GetThread():
		old.Epoch, old.Live = l.GetEpoch(), true
		if l.GetHasState() {
			old.State = l.GetState()
		}
	default:
		if old != nil && !old.Reassigned {
			t.recognise(c, ThreadKey{l.GetChannel(), old.ID})
		}
		// A thread in use must not leave the index when it ages out of the former ones.
		c.FormerThreads = slices.DeleteFunc(c.FormerThreads, func(f FormerThread) bool { return f == FormerThread{key.Channel, key.Thread} })
		c.Threads[l.GetChannel()] = &Thread{ID: l.GetThread(), Epoch: l.GetEpoch(), State: l.GetState(), Live: true}
	}
	t.claim(c, key)
}

// recognise keeps a thread in the index though it is not used any more; the oldest such goes first.
func (t *tables) recognise(c *Conversation, key ThreadKey) {
	c.FormerThreads = slices.DeleteFunc(c.FormerThreads, func(f FormerThread) bool { return f.Channel == key.Channel && f.Thread == key.Thread })
	if len(c.FormerThreads) >= maxFormerThreads {
		t.threads.remove(ThreadKey{c.FormerThreads[0].Channel, c.FormerThreads[0].Thread})
		c.FormerThreads = slices.Delete(c.FormerThreads, 0, 1)
	}
	c.FormerThreads = append(c.FormerThreads, FormerThread{key.Channel, key.Thread})
}

func (t *tables) foldClosed(c *Conversation) {
	for ch, th := range c.Threads {
		if !th.Reassigned {
			t.threads.remove(ThreadKey{ch, th.ID})
		}
	}
	for _, f := range c.FormerThreads {
		t.threads.remove(ThreadKey{f.Channel, f.Thread})
	}
	t.convs.remove(c.ID)
}

func (t *tables) foldDead(conv string, d *journal.DeadLettered) {
	scratch := &Conversation{}
	t.foldQueued(scratch, d.GetDelivery())
	nd := scratch.Lanes[0].Queue[0]
	nd.QueuedAt, nd.Attempts = time.Unix(0, d.GetQueuedAt()), d.GetAttempts()
	l := &DeadLetter{Conversation: conv, Delivery: nd, Error: d.GetError(), Text: d.GetText(), Attempts: d.GetAttempts(), At: t.at}
	if d.GetCustomerChannel() != "" {
		l.Customer = &Customer{
			Channel: d.GetCustomerChannel(), Thread: d.GetCustomerThread(), ID: d.GetSenderId(), Name: d.GetSenderName(),
		}
	}
	t.letters.set(nd.ID, l)
}
