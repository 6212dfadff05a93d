package conversation

import (
	"container/heap"
	"slices"
	"time"

	"patchbay/core/internal/journal"
)

// threadKey finds a conversation by a channel's own handle.
type ThreadKey struct{ Channel, Thread string }

// Book is the state of the whole gateway: the fold of all records. It belongs to the writer; others may
// keep the *Conversation values that they were given, since these never change.
type State struct {
	convs   map[string]*Conversation
	threads map[ThreadKey]string
	dead    map[string]*DeadLetter
	orphans map[Position]*PendingEnvelope
	cursors map[string][]byte // by channel; the bytes never change
	term    uint64
	// waiting counts the orphans, and deadlines has their first one at the top.
	waiting   orphanCount
	deadlines deadlines
	unadopted bool            // orphans may wait whose thread is known
	dirty     map[uint32]bool // buckets that the newest snapshot does not have
}

// NewBook returns an empty book.
func NewState() *State {
	return &State{
		convs: map[string]*Conversation{}, threads: map[ThreadKey]string{},
		dead: map[string]*DeadLetter{}, orphans: map[Position]*PendingEnvelope{}, cursors: map[string][]byte{}, dirty: map[uint32]bool{},
		waiting: newOrphanCount(), unadopted: true,
	}
}

// Conversation returns a conversation, or nil.
func (b *State) Conversation(id string) *Conversation { return b.convs[id] }

// Find returns the id of the conversation that a channel's thread belongs to, or "".
func (b *State) Find(channel, thread string) string { return b.threads[ThreadKey{channel, thread}] }

// Len returns the number of live conversations.
func (b *State) Len() int { return len(b.convs) }

// Term returns the term of the newest record.
func (b *State) Lease() uint64 { return b.term }

// All calls f for each conversation until it returns false.
func (b *State) All(f func(*Conversation) bool) {
	for _, c := range b.convs {
		if !f(c) {
			return
		}
	}
}

// Inconsistent returns the conversations that refer to channels which the policy does not have.
func (b *State) Inconsistent(p *Policy) []string {
	tx := &Transaction{policy: p}
	var ids []string
	for id, c := range b.convs {
		if !tx.consistent(c) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Needs says what must stay in the log beside what is under way.
type Retention struct {
	History     bool // what would travel with control
	DeadLetters bool // what dead letters hold
}

// Oldest returns the lowest sequence that must stay in the log for the book's sake, or limit if none. It looks at every
// conversation and dead letter.
func (b *State) Oldest(limit uint64, n Retention) uint64 {
	low := limit
	for _, c := range b.convs {
		if p, ok := c.Oldest(); ok && p.Seq < low {
			low = p.Seq
		}
		if n.History && len(c.History) > 0 {
			low = min(low, c.History[0].Pos.Seq)
		}
	}
	if n.DeadLetters {
		for _, d := range b.dead {
			if seq := d.oldest(); seq != 0 {
				low = min(low, seq)
			}
		}
	}
	return low
}

// Replay folds a record that was read back from the log at seq.
func (b *State) Replay(seq uint64, r *journal.Record) error {
	t := newTables(b)
	t.at, t.seq, t.rec = time.Unix(0, r.GetAt()), seq, r
	if r.GetLease() > b.term {
		b.term = r.GetLease()
	}
	for _, c := range r.GetChanges() {
		if err := t.fold(c); err != nil {
			return err
		}
	}
	b.merge(t)
	return nil
}

// tables is a layer over a book: what folds work on.
type tables struct {
	convs   layer[string, *Conversation]
	threads layer[ThreadKey, string]
	letters layer[string, *DeadLetter]
	orphans layer[Position, *PendingEnvelope]
	cursors layer[string, []byte]
	waiting orphanCount // how many more
	at      time.Time
	seq     uint64
	rec     *journal.Record // holds the envelopes that changes refer to
}

func newTables(b *State) *tables {
	return &tables{
		convs: overlay(b.convs), threads: overlay(b.threads), letters: overlay(b.dead), orphans: overlay(b.orphans),
		cursors: overlay(b.cursors), waiting: newOrphanCount(),
	}
}

// mutable returns a conversation that may be changed, or nil.
func (t *tables) mutable(id string) *Conversation {
	if c, ok := t.convs.over[id]; ok {
		return c
	}
	c, ok := t.convs.get(id)
	if !ok {
		return nil
	}
	c = c.clone()
	t.convs.set(id, c)
	return c
}

// merge moves a layer into the book.
func (b *State) merge(t *tables) {
	for id := range t.convs.over {
		b.dirty[bucketOf(id)] = true
	}
	for id := range t.convs.gone {
		b.dirty[bucketOf(id)] = true
	}
	if len(t.letters.over)+len(t.letters.gone) > 0 {
		b.dirty[bucketDead] = true
	}
	if len(t.orphans.over)+len(t.orphans.gone) > 0 {
		b.dirty[bucketOrphans] = true
	}
	if len(t.cursors.over) > 0 {
		b.dirty[bucketCursors] = true
	}
	b.waiting.merge(t.waiting)
	for pos, o := range t.orphans.over {
		heap.Push(&b.deadlines, deadline{o.Deadline, pos})
	}
	t.convs.commit()
	t.threads.commit()
	t.letters.commit()
	t.orphans.commit()
	t.cursors.commit()
}
