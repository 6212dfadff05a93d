// Package scenario runs conversation tests in virtual time. It replaces the writer: it makes the gateway's decisions
// (package conversation) on a state in memory. It also replaces the lanes: the test selects the outcomes of
// deliveries. No adapter is started, and nothing is stored.
package scenario

import (
	"fmt"
	"time"

	"patchbay/core/conversationtest"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/recorded"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// Options describe the gateway of a World.
type Options struct {
	Policy *conversation.Policy     // the World uses a copy
	GiveUp map[string]time.Duration // by channel: age at which a delivery is given up
}

// World is a gateway in virtual time, with its customers and vendors. It implements conversationtest.Driver.
type World struct {
	policy  *conversation.Policy
	giveUp  map[string]time.Duration
	state   *state.State
	now     time.Time
	records []*journal.Record // the sequence of the first one is 1
	lastID  int
	calls   map[string]channelCalls
	matched map[string]bool // rules

	customers     map[string]*customer
	conversations map[string]*customer // by the id of the conversation
	deliveries    map[string]*journal.Delivery
}

// channelCalls are the outcomes of the calls to a channel.
type channelCalls struct{ outcome, reason string }

// customer is a customer of the test. The channel is the one that the customer used last.
type customer struct {
	name, channel string
	conversation  string              // the newest
	closed        string              // rule or cause that closed it; "" if it is live
	threads       map[string][]string // by channel, oldest first
	observed      int                 // number of records whose changes were returned
}

// New returns a World whose time is start.
func New(o Options, start time.Time) *World {
	p := *o.Policy
	w := &World{
		policy: &p, giveUp: o.GiveUp, state: state.New(), now: start, calls: map[string]channelCalls{},
		matched: map[string]bool{}, customers: map[string]*customer{}, conversations: map[string]*customer{},
		deliveries: map[string]*journal.Delivery{},
	}
	configured := p.Reachable
	p.Reachable = func(channel string, within time.Duration) bool {
		if w.calls[channel].outcome == conversationtest.CallsUnreachable {
			return false
		}
		return configured == nil || configured(channel, within)
	}
	w.transact(func(tx *conversation.Transaction) { tx.StartLease(1, "test") })
	return w
}

// Matched returns the names of the rules that have matched.
func (w *World) Matched() map[string]bool { return w.matched }

// Decisions returns all runs of the rules. The sequence of a decision is the number of its record; Records returns the
// number of records so far.
func (w *World) Decisions() []*recorded.Decision {
	var out []*recorded.Decision
	replay := recorded.DecisionReader{Policy: w.policy, Stored: func(p state.Position) *journal.StoredEnvelope {
		return w.records[p.Seq-1].GetEnvelopes()[p.Index]
	}}
	for i, r := range w.records {
		replay.Record(uint64(i+1), r, func(d *recorded.Decision) { out = append(out, d) })
	}
	return out
}

// Records returns the number of records.
func (w *World) Records() uint64 { return uint64(len(w.records)) }

func (w *World) newID() string {
	w.lastID++
	return fmt.Sprintf("00000000-0000-7000-8000-%012d", w.lastID)
}

// transact decides and commits.
func (w *World) transact(decide func(*conversation.Transaction)) {
	seq := uint64(len(w.records) + 1)
	tx := conversation.Begin(w.state, w.policy, w.now, seq, w.newID)
	decide(tx)
	tx.Commit() // also without changes: the decision can change State.PendingReady
	if len(tx.Record().GetChanges()) == 0 {
		return
	}
	w.records = append(w.records, tx.Record())
	for _, ch := range tx.Record().GetChanges() {
		w.index(ch)
	}
}

// index notes a new conversation, thread or delivery, and the rules that matched.
func (w *World) index(ch *journal.Change) {
	switch k := ch.GetKind().(type) {
	case *journal.Change_Opened:
		c := w.customers[k.Opened.GetThread()]
		if c != nil {
			c.conversation = ch.GetConversation()
			w.conversations[ch.GetConversation()] = c
		}
	case *journal.Change_Linked:
		c := w.conversations[ch.GetConversation()]
		if c == nil {
			return
		}
		list := c.threads[k.Linked.GetChannel()]
		if len(list) == 0 || list[len(list)-1] != k.Linked.GetThread() {
			c.threads[k.Linked.GetChannel()] = append(list, k.Linked.GetThread())
		}
	case *journal.Change_Queued:
		w.deliveries[k.Queued.GetDelivery().GetId()] = k.Queued.GetDelivery()
	case *journal.Change_Routed:
		for _, rule := range k.Routed.GetRules() {
			w.matched[rule] = true
		}
	}
}

// envelopeAt returns a stored envelope.
func (w *World) envelopeAt(p *journal.Position) *envelope.Envelope {
	stored := w.records[p.GetSeq()-1].GetEnvelopes()[p.GetIndex()]
	e, err := protocol.DecodeEnvelope(stored.GetEnvelope())
	if err != nil { // not possible: the World has encoded it
		return &envelope.Envelope{}
	}
	return e
}
