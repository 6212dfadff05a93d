package conversation

import (
	"slices"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// controlModel derives from the records which messages of the customer the owner has received and not answered, and
// whether the owner's lane waits for an answer. It does not use the code under test.
type controlModel struct {
	lanes    map[string][]string // ids of deliveries, by channel
	received []state.Position
	spoke    bool // a message of the owner, in its epoch, was sent to the customer
	awaited  int64
	left     map[string]bool   // channels whose thread has ended
	rules    map[string]string // newest event for which a rule matched
}

func (m *controlModel) queue(q *journal.Queued) {
	if m.lanes == nil {
		m.lanes = map[string][]string{}
	}
	d := q.GetDelivery()
	lane := m.lanes[d.GetChannel()]
	at := slices.Index(lane, q.GetBefore())
	if at < 0 {
		at = len(lane)
	}
	m.lanes[d.GetChannel()] = slices.Insert(lane, at, d.GetId())
}

// controlChange applies a change of a conversation.
func (l *recordModel) controlChange(h *harness, c *ownership, ch *journal.Change) {
	h.Helper()
	m := &c.control
	switch k := ch.GetKind().(type) {
	case *journal.Change_Routed:
		for _, rule := range k.Routed.GetRules() {
			if m.rules == nil {
				m.rules = map[string]string{}
			}
			m.rules[rule] = k.Routed.GetEvent()
		}
	case *journal.Change_Answered:
		m.received = nil
		if lane := m.lanes[c.owner]; m.awaited == 0 && len(lane) > 0 {
			l.deliveries[lane[0]].answered = true
		}
		m.awaited = 0
		l.clockAnswered(h, c, state.PositionOf(k.Answered.GetPosition()))
	case *journal.Change_AnswerWaitEnded:
		if m.awaited == 0 || l.at < m.awaited+int64(answerWait) {
			h.Fatalf("the wait for an answer ended at %d, and began at %d", l.at, m.awaited)
		}
		m.awaited = 0
	case *journal.Change_Unlinked:
		if m.left == nil {
			m.left = map[string]bool{}
		}
		m.left[k.Unlinked.GetChannel()] = true
	}
}

// messagesWait reports whether messages that a bot has not received wait for its answer to another one.
func (l *recordModel) messagesWait(h *harness, c *ownership) bool {
	ch := h.policy.Channels[c.owner]
	return overlaps(ch) && slices.ContainsFunc(c.control.lanes[c.owner], func(id string) bool {
		return l.deliveries[id].d.GetFollows() && !l.deliveries[id].answered
	})
}

func overlaps(ch *Channel) bool {
	return ch != nil && ch.Role == envelope.RoleBot && ch.Overlap != "" && ch.Overlap != OverlapSend
}

// controlEnded applies the end of a delivery.
func (l *recordModel) controlEnded(h *harness, c *ownership, sh *deliveryEntry, e *journal.Ended) {
	h.Helper()
	m, channel := &c.control, sh.d.GetChannel()
	m.lanes[channel] = slices.DeleteFunc(m.lanes[channel], func(id string) bool { return id == e.GetDelivery() })
	awaits := false
	if sh.status == state.StatusDelivered && sh.d.GetFollows() && channel == c.owner && !c.closed {
		if m.awaited != 0 {
			h.Fatalf("a message was delivered to %s, which has not answered the one before", channel)
		}
		rest := slices.ContainsFunc(m.lanes[channel], func(id string) bool {
			return l.deliveries[id].d.GetFollows() && positionsIn(l.deliveries[id].d)[0] == positionsIn(sh.d)[0]
		})
		if !rest && !sh.answered {
			m.received = append(m.received, positionsIn(sh.d)...)
			awaits = overlaps(h.policy.Channels[channel])
		}
	}
	if e.GetAwaitsAnswer() != awaits {
		h.Fatalf("the lane to %s waits for an answer: %v, by the model %v", channel, e.GetAwaitsAnswer(), awaits)
	}
	if awaits {
		m.awaited = l.at
	}
}

// controlPassed applies a move of control. Messages without an answer that the next owner must get again no longer
// count as delivered: the model expects them at the next owner.
func (l *recordModel) controlPassed(h *harness, c *ownership, p *journal.Passed) {
	m := &c.control
	to := h.policy.Channels[p.GetOwner()]
	again := p.GetReason() == reasonOperator || m.rules[p.GetReason()] == string(route.EventUnanswered) ||
		h.policy.Channels[c.owner] == nil || m.left[c.owner] && !m.spoke && !l.isOpenQueued(c)
	if to != nil && to.Role == envelope.RoleBot && again {
		for _, pos := range m.received {
			for _, sh := range l.messages[pos].deliveries {
				sh.resent = sh.resent || sh.status != ""
			}
		}
	}
	m.received, m.spoke, m.awaited = nil, false, 0
}

// isOpenQueued reports whether an open of this epoch is queued for the owner.
func (l *recordModel) isOpenQueued(c *ownership) bool {
	return slices.ContainsFunc(c.control.lanes[c.owner], func(id string) bool {
		d := l.deliveries[id].d
		return d.GetKind() == state.KindOpen && d.GetEpoch() == c.epoch
	})
}

// checkControl compares the state with the model.
func (l *recordModel) checkControl(h *harness, c *state.Conversation) {
	h.Helper()
	m := &l.ownership[c.ID].control
	var received []state.Position
	for _, it := range c.Received {
		received = append(received, it.Pos)
	}
	if len(received) >= state.MaxHistory { // older ones are history
		m.received = m.received[len(m.received)-len(received):]
	}
	if !slices.Equal(received, m.received) {
		h.Fatalf("received without an answer: %v, by the records %v", received, m.received)
	}
	if got := unixNano(c.AwaitedSince); got != m.awaited {
		h.Fatalf("an answer is awaited since %d, by the records since %d", got, m.awaited)
	}
}
