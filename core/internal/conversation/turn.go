package conversation

import (
	"crypto/sha256"
	"fmt"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// Inbound is an envelope from an adapter: decoded, to decide on, and as it was encoded, to store.
type Inbound struct {
	Channel  string
	Envelope *envelope.Envelope
	Bytes    []byte
	late     bool // came with the outcome of a call that had been taken back
}

// Verdict is what became of an inbound envelope.
type Verdict int

// The verdicts. Only VerdictBusy leaves no trace: the vendor is asked to come back.
const (
	VerdictAccepted Verdict = iota
	VerdictDuplicate
	VerdictBusy
)

// Turn decides on a batch of inputs; what it decides becomes one record. It is used by one goroutine and
// thrown away afterwards.
type Transaction struct {
	*tables
	book   *State
	policy *Policy
	newID  func() string
	depth  int
	// nesting counts the inputs that are being worked on, one out of another, and asked are the conversations that rules close.
	nesting int
	asked   []closeAsked
	// deciding is the customer's message that is being decided on: it is on its way, so it is not history.
	deciding Position
	first    uint64 // oldest record of the log, if known
	// adopted counts what was taken in that had waited for its thread, and unadopted says whether some was left.
	adopted, adoptedBytes int
	unadopted             bool
}

// Begin starts a turn whose record will have the sequence seq. NewID returns a UUIDv7 at each call.
func (b *State) Begin(p *Policy, now time.Time, seq uint64, newID func() string) *Transaction {
	tx := &Transaction{tables: newTables(b), book: b, policy: p, newID: newID, unadopted: b.unadopted}
	tx.at, tx.seq = now, seq
	tx.rec = &journal.Record{Lease: b.term, Revision: p.Revision, At: now.UnixNano()}
	return tx
}

// At returns the time that the turn decides at.
func (tx *Transaction) At() time.Time { return tx.at }

// Record returns what to store. It has no changes if nothing happened.
func (tx *Transaction) Record() *journal.Record { return tx.rec }

// Commit moves the decisions into the book. Call it after the record was stored, and then drop the turn.
func (tx *Transaction) Commit() {
	tx.book.term = max(tx.book.term, tx.rec.GetLease())
	tx.book.unadopted = tx.unadopted
	tx.book.merge(tx.tables)
}

// Touched calls f for each conversation that the turn changed, in the order of their first changes, with its new
// value. It is meaningful before Commit only; closed conversations are not among them.
func (tx *Transaction) EachChanged(f func(*Conversation)) {
	seen := make(map[string]bool, len(tx.convs.over))
	for _, ch := range tx.rec.GetChanges() {
		id := ch.GetConversation()
		if c := tx.convs.over[id]; c != nil && !seen[id] {
			seen[id] = true
			f(c)
		}
	}
}

// StartTerm writes the first change of a writer's term.
func (tx *Transaction) StartLease(term uint64, version string) {
	tx.rec.Lease = term
	tx.add("", &journal.Change_LeaseStarted{LeaseStarted: &journal.LeaseStarted{Version: version}})
}

// add writes down a change, which is one of the generated Change_… wrappers, and folds it.
func (tx *Transaction) add(conv string, kind any) {
	ch := &journal.Change{Conversation: conv}
	journal.SetKind(ch, kind)
	tx.rec.Changes = append(tx.rec.Changes, ch)
	if err := tx.fold(ch); err != nil {
		panic(fmt.Sprintf("decide: %v", err)) // the writer turns it into an undecided dead letter
	}
}

// store adds an envelope to the record.
func (tx *Transaction) store(bytes []byte, e *envelope.Envelope, c *Conversation) Position {
	s := &journal.StoredEnvelope{Envelope: bytes, Id: e.ID, Hops: int32(e.Hops), Cause: e.Cause}
	if s.Id == "" {
		s.Id = tx.newID()
	}
	if c != nil {
		s.Conversation, s.Epoch = c.ID, c.Epoch
	}
	e.ID, e.Conversation, e.Epoch, e.AcceptedAt = s.Id, s.Conversation, s.Epoch, tx.at
	tx.rec.Envelopes = append(tx.rec.Envelopes, s)
	return Position{tx.seq, uint32(len(tx.rec.Envelopes) - 1)}
}

// speak stores an envelope of the gateway's own.
func (tx *Transaction) speak(c *Conversation, e *envelope.Envelope) Item {
	e.Sender = envelope.Sender{Role: envelope.RoleSystem}
	e.Thread, e.SentAt = c.Thread, tx.at
	b, err := protocol.EncodeEnvelope(e)
	if err != nil {
		panic(fmt.Sprintf("encode own envelope: %v", err))
	}
	return itemOf(tx.store(b, e, c), e)
}

func digest(in *Inbound) []byte {
	if in.Envelope.VendorID == "" {
		return nil
	}
	h := sha256.Sum256([]byte(in.Channel + "\x00" + in.Envelope.Thread + "\x00" + in.Envelope.VendorID))
	return h[:16]
}

func (tx *Transaction) dispose(conv string, pos Position, channel, status, reason, rule string) {
	tx.add(conv, &journal.Change_Disposed{Disposed: &journal.Disposed{
		Position: pos.proto(), Status: status, Reason: reason, Rule: rule, Channel: channel,
	}})
}
