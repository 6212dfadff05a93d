package state

import (
	"fmt"
	"maps"
	"time"

	"patchbay/core/internal/journal"
)

// Fold applies one change. The result depends on the layer and the change alone.
func (l *Layer) Fold(ch *journal.Change) error {
	if l.foldGlobal(ch) {
		return nil
	}
	if k, ok := ch.GetKind().(*journal.Change_Opened); ok {
		l.foldOpened(ch.GetConversation(), k.Opened)
		return nil
	}
	c := l.Mutable(ch.GetConversation())
	if c == nil {
		if _, late := ch.GetKind().(*journal.Change_Late); late {
			return nil
		}
		return fmt.Errorf("fold %T: unknown conversation %q", ch.GetKind(), ch.GetConversation())
	}
	return l.foldConversation(c, ch)
}

// foldGlobal applies a change that needs no conversation, and returns false for all other changes. Some of these
// changes also change conversations.
func (l *Layer) foldGlobal(ch *journal.Change) bool {
	switch k := ch.GetKind().(type) {
	case *journal.Change_LeaseStarted:
		if behind := l.state.at.Sub(l.at); behind > 0 {
			l.setBack(behind)
		}
	case *journal.Change_Revised:
		l.foldRevised(k.Revised)
	case *journal.Change_CursorMoved:
		l.cursors.put(k.CursorMoved.GetChannel(), k.CursorMoved.GetCursor())
	case *journal.Change_ThreadPending:
		l.foldThreadPending(k.ThreadPending)
	case *journal.Change_PendingEnded:
		if p, ok := l.pending.get(PositionOf(k.PendingEnded.GetPosition())); ok {
			l.pending.remove(p.Pos)
			l.pendingCount.add(p, -1)
		}
	case *journal.Change_DeadLettered:
		l.foldDeadLettered(ch.GetConversation(), k.DeadLettered)
	case *journal.Change_DeadLetterEnded:
		l.foldDeadLetterEnded(ch.GetConversation(), k.DeadLetterEnded.GetDead())
	case *journal.Change_ChannelPaused:
		l.foldChannelPaused(k.ChannelPaused)
	case *journal.Change_Disposed, *journal.Change_Duplicate, *journal.Change_Commanded:
		return ch.GetConversation() == ""
	default:
		return false
	}
	return true
}

// foldConversation applies a change to a conversation.
func (l *Layer) foldConversation(c *Conversation, ch *journal.Change) error {
	switch k := ch.GetKind().(type) {
	case *journal.Change_Accepted:
		l.foldAccepted(c, k.Accepted)
	case *journal.Change_AnswerNeeded:
		c.UnansweredSince, c.TimerDone = l.at, 0
	case *journal.Change_Answered:
		c.UnansweredSince, c.TimerDone = time.Time{}, 0
		c.noteAnswer(l.at)
	case *journal.Change_AnswerWaitEnded:
		c.endAnswerWait(l.at)
	case *journal.Change_TimerDone:
		c.TimerDone = time.Duration(k.TimerDone.GetAfter())
	case *journal.Change_Attributed:
		attributes := make(map[string]string, len(c.Attributes)+len(k.Attributed.GetAttributes()))
		maps.Copy(attributes, c.Attributes)
		maps.Copy(attributes, k.Attributed.GetAttributes())
		maps.DeleteFunc(attributes, func(_, v string) bool { return v == "" })
		c.Attributes = attributes
	case *journal.Change_HomeMoved:
		c.Home = k.HomeMoved.GetHome()
	case *journal.Change_Offered:
		c.Offer = toOffer(k.Offered)
	case *journal.Change_OfferEnded:
		l.foldOfferEnded(c, k.OfferEnded)
	case *journal.Change_Departing:
		c.Departure = toDeparture(k.Departing)
	case *journal.Change_Departed:
		c.Departure = nil
	case *journal.Change_Held:
		c.hold(toItem(k.Held.GetItem()))
	case *journal.Change_Passed:
		l.foldPassed(c, k.Passed)
	case *journal.Change_Queued:
		l.foldQueued(c, k.Queued)
	case *journal.Change_Attempted:
		foldAttempted(c, k.Attempted)
	case *journal.Change_Ended:
		l.foldEnded(c, k.Ended)
	case *journal.Change_DeliveryFailed:
		foldDeliveryFailed(c, k.DeliveryFailed)
	case *journal.Change_Linked:
		l.foldLinked(c, k.Linked)
	case *journal.Change_Unlinked:
		if th := c.ownThread(k.Unlinked.GetChannel()); th != nil {
			th.Live = false
		}
	case *journal.Change_Closing:
		c.Closing, c.ClosedAt, c.UnansweredSince = k.Closing.GetRule(), l.at, time.Time{}
		c.Unanswered = k.Closing.GetUnanswered()
		c.endAnswerWait(l.at)
		c.Received = nil
		c.Departure, c.Held = nil, nil // later changes put the held messages into the customer's next conversation
		c.unblockAll(l.at)
	case *journal.Change_Closed:
		l.removeThreads(c)
		l.convs.remove(c.ID)
	case *journal.Change_Disposed:
		foldDisposed(c, PositionOf(k.Disposed.GetPosition()))
	case *journal.Change_Duplicate, *journal.Change_Routed, *journal.Change_Late, *journal.Change_Commanded:
	default:
		return fmt.Errorf("fold change: unknown kind %T; a newer version may have written the log", k)
	}
	return nil
}

func (l *Layer) foldThreadPending(p *journal.ThreadPending) {
	pos := PositionOf(p.GetPosition())
	e := &PendingEnvelope{
		Pos: pos, Channel: p.GetChannel(), Thread: p.GetThread(), Deadline: time.Unix(0, p.GetDeadline()),
	}
	if pos.Seq == l.seq && int(pos.Index) < len(l.record.GetEnvelopes()) {
		s := l.record.GetEnvelopes()[pos.Index]
		e.Bytes, e.ID, e.Hops, e.Cause = s.GetEnvelope(), s.GetId(), int(s.GetHops()), s.GetCause()
	}
	l.pending.put(pos, e)
	l.pendingCount.add(e, 1)
}
