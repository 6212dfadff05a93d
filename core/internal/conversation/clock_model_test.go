package conversation

import (
	"slices"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// clockModel derives the running clock of a conversation from the records. It does not use the code under test. Times
// are in nanoseconds; 0 means none.
type clockModel struct {
	last       int64 // newest message of the customer or the owner
	reached    int64 // when the owner last received a message of the customer
	unanswered int64 // oldest message of the customer without an answer
	ownerSince int64
	offerEnded int64
	done       time.Duration
	hold       bool // the pending offer holds messages
	deadline   int64
	within     time.Duration // of the pending offer, like deadline
}

// clockChange applies a change of a conversation. It must be called before the other fields of the model change.
func (l *recordModel) clockChange(h *harness, c *ownership, ch *journal.Change) {
	h.Helper()
	m := &c.clock
	switch k := ch.GetKind().(type) {
	case *journal.Change_Accepted:
		m.accepted(l.at, c, k.Accepted)
	case *journal.Change_Held:
		m.needAnswer(l.at)
	case *journal.Change_Queued:
		l.clockQueued(h, ch.GetConversation(), c, k.Queued.GetDelivery())
	case *journal.Change_Ended:
		sh := l.deliveries[k.Ended.GetDelivery()]
		if k.Ended.GetStatus() == state.StatusDelivered && sh.d.GetChannel() == c.owner &&
			(sh.d.GetFollows() || sh.d.GetKind() == state.KindOpen || sh.d.GetKind() == state.KindTranscript) {
			m.reached = l.at
		}
	case *journal.Change_Offered:
		m.hold, m.deadline, m.within = k.Offered.GetHold(), k.Offered.GetDeadline(), time.Duration(k.Offered.GetWithin())
	case *journal.Change_OfferEnded:
		if c.offered == k.OfferEnded.GetTarget() && c.offered != "" {
			if k.OfferEnded.GetOutcome() == state.OfferExpired && l.at < h.offerDue(m) {
				h.Fatalf("the offer to %s expired early", c.offered)
			}
			m.offerEnded, m.hold = l.at, false
		}
	case *journal.Change_Passed:
		m.ownerSince, m.done = l.at, 0
	case *journal.Change_TimerDone:
		event, since := m.running()
		after := time.Duration(k.TimerDone.GetAfter())
		if want := m.nextAfter(h, c); after != want || string(event) != k.TimerDone.GetEvent() {
			h.Fatalf("timer %v, want %s after %v", k.TimerDone, event, want)
		}
		if m.hold || c.leaving != "" || c.closed || l.at < h.timerDue(since+int64(after), after) {
			h.Fatalf("timer %v came early: hold %v, leaving %q, closed %v", k.TimerDone, m.hold, c.leaving, c.closed)
		}
		m.done = after
	case *journal.Change_Closing:
		early := l.at < h.timerDue(m.active()+int64(h.policy.CloseAfter), h.policy.CloseAfter) || c.offered != ""
		if k.Closing.GetRule() == state.ReasonCloseAfter && early {
			h.Fatalf("close_after came early: last message %d, offered to %q", m.last, c.offered)
		}
	}
}

func (m *clockModel) accepted(at int64, c *ownership, a *journal.Accepted) {
	if !a.GetHistory() || a.GetRole() == string(envelope.RoleSystem) {
		return
	}
	m.last = at
	if m.unanswered == 0 {
		m.done = 0
	}
	if a.GetKind() == string(envelope.KindHandoverRequested) && a.GetChannel() == c.channel {
		m.needAnswer(at)
	}
}

func (m *clockModel) needAnswer(at int64) {
	if m.unanswered == 0 {
		m.unanswered, m.done = at, 0
	}
}

// clockAnswered applies an answer. The messages that have waited for it need an answer too.
func (l *recordModel) clockAnswered(h *harness, c *ownership, p state.Position) {
	h.Helper()
	m := l.messages[p]
	if m == nil || m.channel != c.owner || m.fenced || m.disposed != "" || m.role == envelope.RoleSystem {
		h.Fatalf("%s is no answer of the owner %s", h.text(p), c.owner)
	}
	m.answers = true
	c.clock.unanswered, c.clock.done = 0, 0
	if l.messagesWait(h, c) {
		c.clock.needAnswer(l.at)
	}
}

// clockQueued applies a queued delivery. A customer's message needs an answer from then on. An owner's message is an
// answer when it is queued for the first time. If control has moved since, later messages need an answer from then on.
func (l *recordModel) clockQueued(h *harness, id string, c *ownership, d *journal.Delivery) {
	p := state.PositionOf(d.GetItem().GetPosition())
	m := l.messages[p]
	switch {
	case d.GetKind() != state.KindSend || d.GetCopy() || d.GetReopened() > 0 || c.closed || m.isQueuedAgain(id, d):
	case d.GetFollows():
		c.clock.needAnswer(l.at)
	case m != nil && d.GetChannel() == c.channel && m.channel != c.channel && len(m.deliveries) == 0:
		if m.role != envelope.RoleSystem && !m.answers && c.clock.unanswered != 0 && c.clock.unanswered < l.at {
			h.Fatalf("%s is not counted as an answer", h.text(p))
		}
	}
}

// isQueuedAgain reports whether a delivery only changes its place in its lane.
func (m *messageEntry) isQueuedAgain(conv string, d *journal.Delivery) bool {
	return m != nil && slices.ContainsFunc(m.deliveries, func(sh *deliveryEntry) bool {
		return sh.status == state.StatusMoved && sh.conv == conv && sh.holds[m] == m.holds &&
			sh.d.GetChannel() == d.GetChannel() && sh.d.GetEpoch() == d.GetEpoch() && sh.d.GetPiece() == d.GetPiece()
	})
}

// active returns the time from which close_after counts.
func (m *clockModel) active() int64 { return max(m.last, m.ownerSince, m.reached) }

// running returns the event of the running clock and its start.
func (m *clockModel) running() (route.Event, int64) {
	if m.unanswered == 0 {
		return route.EventIdle, max(m.last, m.ownerSince)
	}
	return route.EventUnanswered, max(m.unanswered, m.ownerSince, m.offerEnded)
}

// nextAfter returns the smallest `after` that is not done among the rules for the running clock, or 0.
func (m *clockModel) nextAfter(h *harness, c *ownership) time.Duration {
	event, _ := m.running()
	subject := c.owner
	if event == route.EventIdle {
		subject = c.channel
	}
	role := ""
	if ch := h.policy.Channels[subject]; ch != nil {
		role = string(ch.Role)
	}
	next := time.Duration(0)
	for i := range h.policy.Routes.Rules() {
		r := h.policy.Routes.Rule(i)
		if slices.Contains(r.Events, event) && r.After > m.done && (next == 0 || r.After < next) &&
			(len(r.From) == 0 || slices.Contains(r.From, subject) || slices.Contains(r.From, role)) {
			next = r.After
		}
	}
	return next
}

// checkClock compares the state with the model.
func (l *recordModel) checkClock(h *harness, c *state.Conversation) {
	h.Helper()
	m := &l.ownership[c.ID].clock
	if got := unixNano(c.UnansweredSince); c.Closing == "" && got != m.unanswered {
		h.Fatalf("unanswered since %d, by the records since %d:\n%s", got, m.unanswered, h.lanesOf(c.ID))
	}
	if got := unixNano(c.LastActive); got != m.last {
		h.Fatalf("last message at %d, by the records at %d", got, m.last)
	}
}

// timerDue returns the time at which a timer may run. If it was due when the gateway started or the policy came into
// force, it waits again.
func (h *harness) timerDue(at int64, after time.Duration) int64 {
	if from := h.policy.TimersFrom; !from.IsZero() && at <= from.UnixNano() {
		return from.UnixNano() + int64(min(after, MaxOverdueWait))
	}
	return at
}

// offerDue returns the time at which the pending offer may expire. If it was pending when the gateway started, it waits
// again.
func (h *harness) offerDue(m *clockModel) int64 {
	if h.policy.StartedAt.IsZero() {
		return m.deadline
	}
	return max(m.deadline, h.policy.StartedAt.UnixNano()+int64(min(m.within, MaxOverdueWait)))
}

// checkTimersDone checks that no timer of a conversation is overdue.
func (l *recordModel) checkTimersDone(h *harness, c *state.Conversation) {
	h.Helper()
	o := l.ownership[c.ID]
	_, since := o.clock.running()
	after := o.clock.nextAfter(h, o)
	overdue := func(at int64, after time.Duration) bool { return h.timerDue(at, after) <= h.now.UnixNano() }
	if o.offered != "" && h.offerDue(&o.clock) <= h.now.UnixNano() {
		h.Fatalf("the offer to %s is overdue", o.offered)
	}
	if o.closed || o.leaving != "" {
		return
	}
	if after > 0 && !o.clock.hold && overdue(since+int64(after), after) {
		h.Fatalf("a timer of %v is overdue", after)
	}
	waits := o.offered != "" || slices.ContainsFunc(c.Lanes, func(l state.Lane) bool { return l.Channel != "audit" })
	if !waits && overdue(o.clock.active()+int64(h.policy.CloseAfter), h.policy.CloseAfter) {
		h.Fatalf("close_after is overdue")
	}
}
