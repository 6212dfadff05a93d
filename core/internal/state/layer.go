package state

import (
	"container/heap"
	"slices"
	"time"

	"patchbay/core/internal/journal"
)

// Layer collects the changes of one record over a state. It is not safe for concurrent use, and must not be used after
// Commit.
type Layer struct {
	state       *State
	convs       overlay[string, *Conversation]
	threads     overlay[threadKey, string]
	deadLetters overlay[string, *DeadLetter]
	pending     overlay[Position, *PendingEnvelope]
	cursors     overlay[string, []byte]
	pauses      overlay[string, *Pause]
	deadCopies  int  // difference to the state's count
	ids         []ID // accepted, in order
	idsSetBack  bool // see setBack
	revision    Revision

	pendingCount pendingCount // difference to the state's count
	pendingReady bool
	at           time.Time
	seq          uint64
	record       *journal.Record // contains the envelopes that changes refer to
}

// NewLayer returns a layer for a record with the time at and the sequence seq. The record may still grow.
func NewLayer(s *State, at time.Time, seq uint64, r *journal.Record) *Layer {
	return &Layer{
		state: s, convs: newOverlay[string, *Conversation](s.convs),
		threads:     newOverlay[threadKey, string](s.threads),
		deadLetters: newOverlay[string, *DeadLetter](s.deadLetters),
		pending:     newOverlay[Position, *PendingEnvelope](s.pending),
		cursors:     newOverlay[string, []byte](s.cursors), pauses: newOverlay[string, *Pause](s.pauses),
		pendingCount: newPendingCount(),
		pendingReady: s.pendingReady, at: at, seq: seq, record: r, revision: s.revision,
	}
}

// Conversation returns a conversation for reading, or nil.
func (l *Layer) Conversation(id string) *Conversation {
	c, _ := l.convs.get(id)
	return c
}

// Mutable returns the layer's copy of a conversation, which later folds change, or nil.
func (l *Layer) Mutable(id string) *Conversation {
	if c, ok := l.convs.set[id]; ok {
		return c
	}
	c, ok := l.convs.get(id)
	if !ok {
		return nil
	}
	c = c.clone()
	l.convs.put(id, c)
	return c
}

// Changed returns a conversation if Mutable has returned it or a fold has changed it, otherwise nil.
func (l *Layer) Changed(id string) *Conversation { return l.convs.set[id] }

// Find returns the id of the conversation that a channel's thread belongs to, or "".
func (l *Layer) Find(channel, thread string) string {
	id, _ := l.threads.get(threadKey{channel, thread})
	return id
}

// Cursor returns the cursor of a channel's subscription, or nil.
func (l *Layer) Cursor(channel string) []byte {
	cursor, _ := l.cursors.get(channel)
	return cursor
}

// HasID reports whether an envelope with the id was accepted recently. IDRetention and MaxRecentIDs are the limits.
func (l *Layer) HasID(id ID) bool {
	return slices.Contains(l.ids, id) || l.state.ids.contains(id, l.at)
}

// DeadLetter returns a dead letter by the id of its delivery or of one of its messages, or nil.
func (l *Layer) DeadLetter(id string) *DeadLetter {
	found, _ := l.deadLetters.get(id)
	if found == nil {
		l.EachDeadLetter(func(d *DeadLetter) {
			if d.has(id) {
				found = d
			}
		})
	}
	return found
}

// DeadLetterCount returns the number of dead letters.
func (l *Layer) DeadLetterCount() int { return l.deadLetters.len() }

// DeadCopyCount returns the number of dead letters that are copies for observers.
func (l *Layer) DeadCopyCount() int { return l.state.deadCopies + l.deadCopies }

// EachDeadLetter calls f for each dead letter, in no order.
func (l *Layer) EachDeadLetter(f func(*DeadLetter)) {
	l.deadLetters.each(func(_ string, d *DeadLetter) { f(d) })
}

// Commit moves the changes into the state.
func (l *Layer) Commit() {
	s := l.state
	for id := range l.convs.set {
		s.changed[bucketOf(id)] = true
	}
	for id := range l.convs.deleted {
		s.changed[bucketOf(id)] = true
	}
	if l.deadLetters.changed() {
		s.changed[bucketDeadLetters] = true
	}
	if l.pending.changed() {
		s.changed[bucketPending] = true
	}
	if l.cursors.changed() || l.pauses.changed() {
		s.changed[bucketChannels] = true
	}
	if len(l.record.GetChanges()) > 0 { // without changes, no record is stored, so a restore would not have this time
		s.at = l.at
		s.ids.forget(l.at)
	}
	if l.idsSetBack {
		s.ids.bound(l.at)
	}
	for _, id := range l.ids {
		s.ids.add(id, l.at)
	}
	s.deadCopies += l.deadCopies
	s.lease = max(s.lease, l.record.GetLease())
	s.revision = l.revision
	s.pendingReady = l.pendingReady
	s.pendingCount.merge(l.pendingCount)
	for pos, p := range l.pending.set {
		heap.Push(&s.deadlines, deadline{p.Deadline, pos})
	}
	l.convs.commit()
	l.threads.commit()
	l.deadLetters.commit()
	l.pending.commit()
	l.cursors.commit()
	l.pauses.commit()
}
