package conversation

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/render"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// Transaction decides on a batch of inputs. Its decisions become one record. One goroutine uses a transaction, for one
// record.
type Transaction struct {
	layer  *state.Layer
	policy *Policy
	newID  func() string
	at     time.Time
	seq    uint64
	record *journal.Record

	inputDepth    int
	closeRequests []closeRequest
	events        eventScope
	// deciding is the customer's message that rules decide on. It is sent later, so historyAfter leaves it out.
	deciding                     state.Position
	calls                        map[string]attempt.ChannelState // results of Policy.Calls, by channel
	oldestRecord                 uint64                          // of the log; 0 if unknown
	repairFrom                   int                             // number of changes before the present repair
	admittedCount, admittedBytes int                             // pending envelopes that this transaction has admitted
}

// Begin starts a transaction for the record with the sequence seq. NewID returns a new UUIDv7 at each call.
func Begin(s *state.State, p *Policy, now time.Time, seq uint64, newID func() string) *Transaction {
	r := &journal.Record{Lease: s.Lease(), Revision: p.Revision, At: now.UnixNano()}
	return &Transaction{
		layer: state.NewLayer(s, now, seq, r), policy: p, newID: newID, at: now, seq: seq, record: r,
		calls: map[string]attempt.ChannelState{},
	}
}

// At returns the time of the transaction.
func (tx *Transaction) At() time.Time { return tx.at }

// Policy returns the policy of the transaction. It is read only.
func (tx *Transaction) Policy() *Policy { return tx.policy }

// Record returns the record to store. It has no changes if nothing was decided.
func (tx *Transaction) Record() *journal.Record { return tx.record }

// Commit moves the decisions into the state. Call it after the record was stored.
func (tx *Transaction) Commit() { tx.layer.Commit() }

// EachChanged calls f with each changed conversation that still exists, in the order of the first changes. Call it
// before Commit.
func (tx *Transaction) EachChanged(f func(*state.Conversation)) {
	seen := map[string]bool{}
	for _, ch := range tx.record.GetChanges() {
		id := ch.GetConversation()
		if c := tx.layer.Changed(id); c != nil && !seen[id] {
			seen[id] = true
			f(c)
		}
	}
}

// StartLease adds the first change of a writer's lease.
func (tx *Transaction) StartLease(lease uint64, version string) {
	tx.record.Lease = lease
	tx.add("", &journal.Change_LeaseStarted{LeaseStarted: &journal.LeaseStarted{Version: version}})
}

// Revise puts the policy's revision of the configuration into force. Hash is the hash of the file. Cause is start,
// reload or previous.
func (tx *Transaction) Revise(hash, cause string) {
	tx.add("", &journal.Change_Revised{Revised: &journal.Revised{
		Hash: hash, Channels: slices.Sorted(maps.Keys(tx.policy.Channels)), Cause: cause,
	}})
}

// MoveCursor stores the cursor of a channel's subscription. The transaction must contain the last envelope that the
// adapter emitted before the cursor, so that the cursor is never ahead of the stored envelopes.
func (tx *Transaction) MoveCursor(channel string, cursor []byte) {
	if bytes.Equal(tx.layer.Cursor(channel), cursor) {
		return
	}
	tx.add("", &journal.Change_CursorMoved{CursorMoved: &journal.CursorMoved{Channel: channel, Cursor: cursor}})
}

// add adds a change, which is one of the generated Change_… wrappers, and folds it.
func (tx *Transaction) add(conv string, kind any) {
	ch := &journal.Change{Conversation: conv}
	journal.SetKind(ch, kind)
	tx.record.Changes = append(tx.record.Changes, ch)
	if err := tx.layer.Fold(ch); err != nil {
		panic(fmt.Sprintf("decide: %v", err)) // the writer keeps the input as a dead letter
	}
}

// store adds an envelope to the record.
func (tx *Transaction) store(bytes []byte, e *envelope.Envelope, c *state.Conversation) state.Position {
	s := &journal.StoredEnvelope{Envelope: bytes, Id: e.ID, Hops: int32(e.Hops), Cause: e.Cause}
	if s.Id == "" {
		s.Id = tx.newID()
	}
	if c != nil {
		s.Conversation, s.Epoch = c.ID, c.Epoch
	}
	e.ID, e.Conversation, e.Epoch, e.AcceptedAt = s.Id, s.Conversation, s.Epoch, tx.at
	tx.record.Envelopes = append(tx.record.Envelopes, s)
	return state.Position{Seq: tx.seq, Index: uint32(len(tx.record.Envelopes) - 1)}
}

// storeSystem adds an envelope from the gateway itself to the record.
func (tx *Transaction) storeSystem(c *state.Conversation, e *envelope.Envelope) state.Item {
	e.Sender = envelope.Sender{Role: envelope.RoleSystem}
	e.Thread, e.SentAt = c.Thread, tx.at
	b, err := protocol.EncodeEnvelope(e)
	if err != nil {
		panic(fmt.Sprintf("encode system envelope: %v", err))
	}
	return itemOf(tx.store(b, e, c), e)
}

// itemOf describes an envelope that is stored at p.
func itemOf(p state.Position, e *envelope.Envelope) state.Item {
	it := state.Item{Pos: p, TextBytes: uint32(len(e.Text()))}
	for i := range e.Parts {
		it.Rich = it.Rich || e.Parts[i].Type != envelope.PartText
	}
	if it.Rich {
		it.Extent = render.Measure(e)
	}
	if e.Kind == envelope.KindHandoverRequested {
		it.TextBytes = uint32(len(render.HandoverText(e)))
	}
	return it
}

// dispose ends an envelope without a delivery.
func (tx *Transaction) dispose(conv string, pos state.Position, channel, status, reason, rule string) {
	tx.add(conv, &journal.Change_Disposed{Disposed: &journal.Disposed{
		Position: pos.Proto(), Status: status, Reason: reason, Rule: rule, Channel: channel,
	}})
}

// KeepUndecided is KeepDead for an envelope on which no decision could be made.
func (tx *Transaction) KeepUndecided(in *inbound.Envelope, cause string) {
	tx.KeepDead(in, "undecided", cause)
}

// KeepDead stores an envelope without a decision on it, and a dead letter for it. Kind and cause are the kind and the
// text of the dead letter's error.
func (tx *Transaction) KeepDead(in *inbound.Envelope, kind, cause string) {
	e := in.Envelope
	pos := tx.store(in.Bytes, e, nil)
	d := &journal.DeadLettered{
		Delivery: &journal.Delivery{
			Id: tx.newID(), Channel: in.Channel, Kind: state.KindSend, Item: itemOf(pos, e).Proto(),
			Follows: e.Sender.Role == envelope.RoleCustomer,
		},
		Error: kind, Text: cause, QueuedAt: tx.at.UnixNano(),
	}
	if d.Delivery.Follows {
		d.CustomerChannel, d.CustomerThread, d.SenderId, d.SenderName = in.Channel, e.Thread, e.Sender.ID, e.Sender.Name
	}
	tx.add(tx.layer.Find(in.Channel, e.Thread), &journal.Change_DeadLettered{DeadLettered: d})
}
