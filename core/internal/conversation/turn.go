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
type Turn struct {
	*tables
	book   *Book
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
func (b *Book) Begin(p *Policy, now time.Time, seq uint64, newID func() string) *Turn {
	t := &Turn{tables: newTables(b), book: b, policy: p, newID: newID, unadopted: b.unadopted}
	t.at, t.seq = now, seq
	t.rec = &journal.Record{Term: b.term, Generation: p.Generation, At: now.UnixNano()}
	return t
}

// At returns the time that the turn decides at.
func (t *Turn) At() time.Time { return t.at }

// Record returns what to store. It has no changes if nothing happened.
func (t *Turn) Record() *journal.Record { return t.rec }

// Commit moves the decisions into the book. Call it after the record was stored, and then drop the turn.
func (t *Turn) Commit() {
	t.book.term = max(t.book.term, t.rec.GetTerm())
	t.book.unadopted = t.unadopted
	t.book.merge(t.tables)
}

// Touched calls f for each conversation that the turn changed, in the order of their first changes, with its new
// value. It is meaningful before Commit only; closed conversations are not among them.
func (t *Turn) Touched(f func(*Conversation)) {
	seen := make(map[string]bool, len(t.convs.over))
	for _, ch := range t.rec.GetChanges() {
		id := ch.GetConversation()
		if c := t.convs.over[id]; c != nil && !seen[id] {
			seen[id] = true
			f(c)
		}
	}
}

// StartTerm writes the first change of a writer's term.
func (t *Turn) StartTerm(term uint64, version string) {
	t.rec.Term = term
	t.add("", &journal.Change_TermStarted{TermStarted: &journal.TermStarted{Version: version}})
}

// add writes down a change, which is one of the generated Change_… wrappers, and folds it.
func (t *Turn) add(conv string, kind any) {
	ch := &journal.Change{Conversation: conv}
	journal.SetKind(ch, kind)
	t.rec.Changes = append(t.rec.Changes, ch)
	if err := t.fold(ch); err != nil {
		panic(fmt.Sprintf("decide: %v", err)) // the writer turns it into an undecided dead letter
	}
}

// store adds an envelope to the record.
func (t *Turn) store(bytes []byte, e *envelope.Envelope, c *Conversation) Position {
	s := &journal.Stored{Envelope: bytes, Id: e.ID, Hops: int32(e.Hops), Cause: e.Cause}
	if s.Id == "" {
		s.Id = t.newID()
	}
	if c != nil {
		s.Conversation, s.Epoch = c.ID, c.Epoch
	}
	e.ID, e.Conversation, e.Epoch, e.AcceptedAt = s.Id, s.Conversation, s.Epoch, t.at
	t.rec.Envelopes = append(t.rec.Envelopes, s)
	return Position{t.seq, uint32(len(t.rec.Envelopes) - 1)}
}

// speak stores an envelope of the gateway's own.
func (t *Turn) speak(c *Conversation, e *envelope.Envelope) Item {
	e.Sender = envelope.Sender{Role: envelope.RoleSystem}
	e.Thread, e.SentAt = c.Thread, t.at
	b, err := protocol.EncodeEnvelope(e)
	if err != nil {
		panic(fmt.Sprintf("encode own envelope: %v", err))
	}
	return itemOf(t.store(b, e, c), e)
}

func digest(in *Inbound) []byte {
	if in.Envelope.VendorID == "" {
		return nil
	}
	h := sha256.Sum256([]byte(in.Channel + "\x00" + in.Envelope.Thread + "\x00" + in.Envelope.VendorID))
	return h[:16]
}

func (t *Turn) dispose(conv string, pos Position, channel, status, reason, rule string) {
	t.add(conv, &journal.Change_Disposed{Disposed: &journal.Disposed{
		Position: pos.proto(), Status: status, Reason: reason, Rule: rule, Channel: channel,
	}})
}
