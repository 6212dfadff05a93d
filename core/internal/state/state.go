package state

import (
	"time"

	"patchbay/core/internal/journal"
)

// threadKey identifies a thread: names of threads are unique within a channel.
type threadKey struct{ channel, thread string }

// State is the state of the whole gateway. It belongs to the writer. Other packages may keep the *Conversation values
// that they receive, because these never change.
type State struct {
	convs       map[string]*Conversation
	threads     map[threadKey]string // index: thread to conversation
	deadLetters map[string]*DeadLetter
	copyLetters int // dead letters that are copies for observers
	pending     map[Position]*PendingEnvelope
	cursors     map[string][]byte // by channel; the bytes never change
	pauses      map[string]*Pause // newest pause by channel; the values never change
	ids         recentIDs
	lease       uint64
	revision    Revision
	at          time.Time // of the newest record

	pendingCount pendingCount
	deadlines    deadlines // of the pending envelopes
	pendingReady bool
	changed      map[uint32]bool // buckets that differ from the newest snapshot
}

// New returns an empty state.
func New() *State {
	changed := map[uint32]bool{}
	return &State{
		convs: map[string]*Conversation{}, threads: map[threadKey]string{}, deadLetters: map[string]*DeadLetter{},
		pending: map[Position]*PendingEnvelope{}, cursors: map[string][]byte{},
		pauses: map[string]*Pause{}, changed: changed,
		ids: recentIDs{changed: changed}, pendingCount: newPendingCount(), pendingReady: true,
	}
}

// Conversation returns a conversation, or nil.
func (s *State) Conversation(id string) *Conversation { return s.convs[id] }

// Find returns the id of the conversation that a channel's thread belongs to, or "".
func (s *State) Find(channel, thread string) string { return s.threads[threadKey{channel, thread}] }

// Len returns the number of conversations.
func (s *State) Len() int { return len(s.convs) }

// Lease returns the lease of the newest record.
func (s *State) Lease() uint64 { return s.lease }

// All calls f for each conversation until it returns false.
func (s *State) All(f func(*Conversation) bool) {
	for _, c := range s.convs {
		if !f(c) {
			return
		}
	}
}

// Cursor returns the stored cursor of a channel's subscription, or nil. The caller must not change it.
func (s *State) Cursor(channel string) []byte { return s.cursors[channel] }

// Retention selects data whose records stay in the log. The records of pending deliveries, pending envelopes and held
// messages always stay.
type Retention struct {
	History     bool // the history of conversations
	DeadLetters bool // the envelopes of dead letters
}

// OldestNeeded returns the lowest sequence that must stay in the log, at most limit. by is the id of the conversation
// that needs the oldest record, or "" if no conversation needs a record before limit. It visits all conversations,
// pending envelopes and dead letters.
func (s *State) OldestNeeded(limit uint64, r Retention) (low uint64, by string) {
	low = limit
	for _, c := range s.convs {
		if p, ok := c.Oldest(); ok && p.Seq < low {
			low, by = p.Seq, c.ID
		}
		if r.History && len(c.History) > 0 && c.History[0].Pos.Seq < low {
			low, by = c.History[0].Pos.Seq, c.ID
		}
	}
	for p := range s.pending {
		low = min(low, p.Seq)
	}
	if r.DeadLetters {
		for _, d := range s.deadLetters {
			if seq := d.OldestRecord(); seq != 0 {
				low = min(low, seq)
			}
		}
	}
	return low, by
}

// FoldRecord folds a record that was read from the log at seq.
func (s *State) FoldRecord(seq uint64, r *journal.Record) error {
	l := NewLayer(s, time.Unix(0, r.GetAt()), seq, r)
	for _, c := range r.GetChanges() {
		if err := l.Fold(c); err != nil {
			return err
		}
	}
	l.Commit()
	return nil
}
