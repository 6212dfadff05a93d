package state

import (
	"time"

	"patchbay/core/internal/journal"
)

// threadKey identifies a thread: ids of threads are unique within a channel.
type threadKey struct{ channel, thread string }

// State is the state of the whole gateway. It is not safe for concurrent use: in a running gateway, only the writer's
// goroutine uses it. Other goroutines may keep the *Conversation values that they receive, because these never change.
type State struct {
	convs       *conversations
	threads     threadIndex
	deadLetters mapTable[string, *DeadLetter]
	deadCopies  int // dead letters that are copies for observers
	pending     mapTable[Position, *PendingEnvelope]
	cursors     mapTable[string, []byte] // by channel; the bytes never change
	pauses      mapTable[string, *Pause] // newest pause by channel; the values never change
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
func New() *State { return NewWithLimit(maxDecoded) }

// NewWithLimit returns an empty state that keeps at most the given number of conversations decoded.
func NewWithLimit(decoded int) *State {
	changed, convs := map[uint32]bool{}, newConversations(decoded)
	return &State{
		convs: convs, threads: threadIndex{convs, map[Key]place{}}, deadLetters: mapTable[string, *DeadLetter]{},
		pending: mapTable[Position, *PendingEnvelope]{}, cursors: mapTable[string, []byte]{},
		pauses: mapTable[string, *Pause]{}, changed: changed,
		ids: recentIDs{changed: changed}, pendingCount: newPendingCount(), pendingReady: true,
	}
}

// Conversation returns a conversation, or nil.
func (s *State) Conversation(id string) *Conversation {
	c, _ := s.convs.get(id)
	return c
}

// ConversationOf returns the conversation with a key, or nil.
func (s *State) ConversationOf(k Key) *Conversation {
	p, ok := s.convs.places[k]
	if !ok {
		return nil
	}
	return s.convs.at(p)
}

// Find returns the id of the conversation that a channel's thread belongs to, or "".
func (s *State) Find(channel, thread string) string {
	id, _ := s.threads.get(threadKey{channel, thread})
	return id
}

// Len returns the number of conversations.
func (s *State) Len() int { return s.convs.len() }

// Lease returns the lease of the newest record.
func (s *State) Lease() uint64 { return s.lease }

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
	low, by = s.convs.oldestNeeded(limit, r.History)
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
