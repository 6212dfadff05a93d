package conversation

import (
	"slices"

	"patchbay/core/internal/journal"
	"patchbay/sdk/protocol"
)

// orphan lets an envelope wait until its thread is known: the vendor may answer before the result of
// opening the conversation is stored.
func (tx *Transaction) orphan(in *Inbound) Verdict {
	if tx.orphans.len() >= MaxPending || tx.orphansOf(in.Channel) >= maxPendingPerChannel ||
		tx.book.waiting.bytes+tx.waiting.bytes+len(in.Bytes) > maxPendingBytes {
		return VerdictBusy
	}
	pos := tx.store(in.Bytes, in.Envelope, nil)
	wait := PendingWait + tx.policy.Channels[in.Channel].Timeout
	tx.add("", &journal.Change_ThreadPending{ThreadPending: &journal.ThreadPending{
		Position: pos.proto(), Channel: in.Channel, Thread: in.Envelope.Thread, Deadline: tx.at.Add(wait).UnixNano(),
	}})
	return VerdictAccepted
}

func (tx *Transaction) orphansOf(channel string) int {
	return tx.book.waiting.channels[channel] + tx.waiting.channels[channel]
}

func (tx *Transaction) orphansOn(k ThreadKey) int {
	return tx.book.waiting.threads[k] + tx.waiting.threads[k]
}

// adopt takes in what waited for a thread that is now known, in order of arrival. What is too much for one record stays
// for Adopt.
func (tx *Transaction) adopt(channel, thread string) {
	k := ThreadKey{channel, thread}
	if tx.orphansOn(k) == 0 {
		return
	}
	tx.takeIn(tx.orphansWhere(func(o *PendingEnvelope) bool { return o.key() == k }))
}

// notOpened has Adopt take in what waited for the end of opening a channel's next thread, if none came of it: it is of the last one.
func (tx *Transaction) notOpened(c *Conversation, d *Delivery) {
	th := c.Threads[d.Channel]
	if d.Kind == KindOpen && th != nil && tx.orphansOn(ThreadKey{d.Channel, th.ID}) > 0 {
		tx.unadopted = true
	}
}

// Adopt takes in more of what waited for threads that are known by now. Call it as long as Book.Unadopted says so.
func (tx *Transaction) AdmitPending() {
	defer tx.enter()()
	tx.unadopted = false
	tx.takeIn(tx.orphansWhere(func(o *PendingEnvelope) bool {
		id, known := tx.threads.get(o.key())
		ch := tx.policy.Channels[o.Channel]
		return known && (ch == nil || !tx.early(id, ch, o.Thread))
	}))
}

func (tx *Transaction) takeIn(list []*PendingEnvelope) {
	for _, o := range list {
		if _, waits := tx.orphans.get(o.Pos); !waits { // what came before it has linked the thread once more
			continue
		}
		if tx.adopted > 0 && (tx.adopted >= maxAdmittedAtOnce || tx.adoptedBytes+len(o.Bytes) > maxAdmittedBytes) {
			tx.unadopted = true
			return
		}
		id, known := tx.threads.get(o.key())
		if !known { // what came before it has ended the conversation
			continue
		}
		tx.adopted++
		tx.adoptedBytes += len(o.Bytes)
		tx.add("", &journal.Change_PendingEnded{PendingEnded: &journal.PendingEnded{Position: o.Pos.proto(), Status: "adopted"}})
		e, err := protocol.DecodeEnvelope(o.Bytes)
		ch := tx.policy.Channels[o.Channel]
		if err != nil || ch == nil {
			tx.dispose("", o.Pos, o.Channel, StatusUnrouted, "can't be read", "")
			continue
		}
		e.ID, e.Hops, e.Cause = o.ID, o.Hops, o.Cause // what the gateway said it was, not what the bytes say
		if tx.into(id, ch, &Inbound{Channel: o.Channel, Envelope: e, Bytes: o.Bytes}, false) == VerdictBusy {
			tx.dispose("", o.Pos, o.Channel, StatusUnrouted, "too much waits in the conversation", "")
		}
	}
}

// Orphans gives up on envelopes whose thread did not become known in time, a bounded number at once: the record must
// not outgrow the log.
func (tx *Transaction) ExpirePending() {
	due := tx.orphansWhere(func(o *PendingEnvelope) bool { return !o.Deadline.After(tx.at) })
	for _, o := range due[:min(len(due), maxPendingExpiredAtOnce)] {
		tx.add("", &journal.Change_PendingEnded{PendingEnded: &journal.PendingEnded{Position: o.Pos.proto(), Status: StatusUnrouted}})
		tx.dispose("", o.Pos, o.Channel, StatusUnrouted, "unknown thread", "")
	}
}

// orphansWhere returns the envelopes that match, in order of arrival. It looks at all.
func (tx *Transaction) orphansWhere(match func(*PendingEnvelope) bool) []*PendingEnvelope {
	var out []*PendingEnvelope
	tx.orphans.each(func(_ Position, o *PendingEnvelope) {
		if match(o) {
			out = append(out, o)
		}
	})
	slices.SortFunc(out, func(x, y *PendingEnvelope) int { return x.Pos.compare(y.Pos) })
	return out
}
