package conversation

import (
	"slices"

	"patchbay/core/internal/inbound"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// keepPending stores an envelope until its thread is known. A vendor may answer before the gateway has stored the
// outcome of the call that opened the thread. A customer's envelope is kept pending until the departure of the owner
// takes effect.
func (tx *Transaction) keepPending(in *inbound.Envelope) Verdict {
	ch, thread := tx.policy.Channels[in.Channel], in.Envelope.Thread
	if c := tx.layer.Conversation(tx.layer.Find(in.Channel, thread)); c != nil && ch.Role == envelope.RoleCustomer &&
		c.Undelivered()+tx.layer.PendingOnThread(in.Channel, thread) >= MaxUndelivered {
		return VerdictBusy
	}
	count, bytes := tx.layer.PendingCount()
	if count >= MaxPending || bytes+len(in.Bytes) > maxPendingBytes ||
		tx.layer.PendingOfChannel(in.Channel) >= maxPendingPerChannel {
		return VerdictBusy
	}
	pos := tx.store(in.Bytes, in.Envelope, nil)
	wait := PendingWait + ch.Timeout
	tx.add("", &journal.Change_ThreadPending{ThreadPending: &journal.ThreadPending{
		Position: pos.Proto(), Channel: in.Channel, Thread: thread, Deadline: tx.at.Add(wait).UnixNano(),
		Departing: ch.Role == envelope.RoleCustomer,
	}})
	return VerdictAccepted
}

// admitThread admits the pending envelopes of a thread that has become known, in order of arrival. If they exceed the
// limits of one record, AdmitPending admits the others.
func (tx *Transaction) admitThread(channel, thread string) {
	if tx.layer.PendingOnThread(channel, thread) == 0 {
		return
	}
	tx.admit(tx.pendingWhere(func(p *state.PendingEnvelope) bool {
		return p.Channel == channel && p.Thread == thread
	}), maxAdmittedAtOnce, "")
}

// wakePending is called for each delivery that ends without success. If it is an open, the envelopes that waited for
// the new thread belong to the channel's current thread, and wakePending makes them ready for AdmitPending.
func (tx *Transaction) wakePending(c *state.Conversation, d *state.Delivery) {
	th := c.Threads[d.Channel]
	if d.Kind == state.KindOpen && th != nil && tx.layer.PendingOnThread(d.Channel, th.ID) > 0 {
		tx.layer.SetPendingReady(true)
	}
}

// AdmitPending admits pending envelopes that no longer have to wait. Call it while State.PendingReady returns true.
func (tx *Transaction) AdmitPending() { tx.admitReady(maxAdmittedAtOnce, "") }

// AdmitOnePending is AdmitPending for the first envelope only. If cause is set, no decision can be made on that
// envelope, and it becomes a dead letter.
func (tx *Transaction) AdmitOnePending(cause string) { tx.admitReady(1, cause) }

func (tx *Transaction) admitReady(most int, cause string) {
	defer tx.beginInput()()
	tx.layer.SetPendingReady(false)
	tx.admit(tx.pendingWhere(func(p *state.PendingEnvelope) bool {
		id := tx.layer.Find(p.Channel, p.Thread)
		ch := tx.policy.Channels[p.Channel]
		if ch != nil && ch.Role == envelope.RoleCustomer {
			return !tx.isDeparting(id)
		}
		return id != "" && (ch == nil || !tx.isBetweenThreads(id, ch, p.Thread))
	}), most, cause)
}

// admit admits envelopes of the list, in order. It stops when the transaction has admitted most envelopes or
// maxAdmittedBytes. If cause is set, the envelopes become dead letters.
func (tx *Transaction) admit(list []*state.PendingEnvelope, most int, cause string) {
	for _, p := range list {
		if tx.layer.Pending(p.Pos) == nil { // already admitted: an earlier envelope of the list linked the thread
			continue
		}
		full := tx.admittedCount >= most || tx.admittedBytes+len(p.Bytes) > maxAdmittedBytes
		if full && tx.admittedCount > 0 {
			tx.layer.SetPendingReady(true)
			return
		}
		id := tx.layer.Find(p.Channel, p.Thread)
		ch := tx.policy.Channels[p.Channel]
		customer := ch != nil && ch.Role == envelope.RoleCustomer
		if customer && tx.isDeparting(id) || !customer && id == "" { // because of an earlier envelope
			continue
		}
		tx.adapt(id)
		tx.admittedCount++
		tx.admittedBytes += len(p.Bytes)
		in := tx.takePending(p)
		if in == nil {
			continue
		}
		if tx.IsDuplicate(in) {
			tx.recordDuplicate(id, in)
			continue
		}
		if cause != "" {
			tx.KeepUndecided(in, cause)
			continue
		}
		verdict := VerdictAccepted
		if customer {
			verdict = tx.receiveCustomer(id, ch, in)
		} else {
			verdict = tx.accept(id, ch, in, false, false)
		}
		if verdict == VerdictBusy { // the vendor will not send it again
			tx.KeepUndecided(in, "the conversation has too many undelivered messages")
		}
	}
}

// ExpirePending ends pending envelopes whose deadline has passed, as many as fit in one record. A customer's envelope
// is admitted instead, because the departure that it waits for is overdue.
func (tx *Transaction) ExpirePending() { tx.expirePending(maxPendingExpiredAtOnce, "") }

// ExpireOnePending is ExpirePending for the first envelope only. If cause is set, no decision can be made on the
// departure that the envelope waits for, and the envelope becomes a dead letter.
func (tx *Transaction) ExpireOnePending(cause string) { tx.expirePending(1, cause) }

func (tx *Transaction) expirePending(most int, cause string) {
	defer tx.beginInput()()
	due := tx.pendingWhere(func(p *state.PendingEnvelope) bool { return !p.Deadline.After(tx.at) })
	for _, p := range due[:min(len(due), most)] {
		if ch := tx.policy.Channels[p.Channel]; ch != nil && ch.Role == envelope.RoleCustomer {
			tx.admitOverdue(p, cause)
			continue
		}
		tx.endPending(p, state.StatusUnrouted)
		tx.disposePending(p, "unknown thread "+p.Thread)
	}
}

// admitOverdue lets an overdue departure take effect, so that AdmitPending admits the envelope that waits for it.
func (tx *Transaction) admitOverdue(p *state.PendingEnvelope, cause string) {
	if id := tx.layer.Find(p.Channel, p.Thread); tx.isDeparting(id) {
		if cause != "" {
			if in := tx.takePending(p); in != nil {
				tx.KeepUndecided(in, cause)
			}
			return
		}
		tx.depart(tx.layer.Mutable(id))
	}
	tx.layer.SetPendingReady(true)
}

func (tx *Transaction) endPending(p *state.PendingEnvelope, status string) {
	tx.add("", &journal.Change_PendingEnded{PendingEnded: &journal.PendingEnded{Position: p.Pos.Proto(), Status: status}})
}

// disposePending records that a pending envelope is unrouted.
func (tx *Transaction) disposePending(p *state.PendingEnvelope, reason string) {
	tx.add("", &journal.Change_Disposed{Disposed: &journal.Disposed{
		Position: p.Pos.Proto(), Status: state.StatusUnrouted, Reason: reason, Channel: p.Channel, Id: p.ID,
	}})
}

// takePending ends a pending envelope as admitted and returns it. If it cannot be decoded or its channel was removed,
// takePending disposes of it and returns nil.
func (tx *Transaction) takePending(p *state.PendingEnvelope) *inbound.Envelope {
	tx.endPending(p, state.StatusAdmitted)
	if !tx.policy.IsConfigured(p.Channel) {
		tx.disposePending(p, "channel "+p.Channel+" is not in the configuration")
		return nil
	}
	e, err := protocol.DecodeEnvelope(p.Bytes)
	if err != nil {
		tx.disposePending(p, "the envelope cannot be decoded")
		return nil
	}
	e.ID, e.Hops, e.Cause = p.ID, p.Hops, p.Cause // assigned by the gateway, not part of the bytes
	return &inbound.Envelope{Channel: p.Channel, Envelope: e, Bytes: p.Bytes}
}

// pendingWhere returns the matching pending envelopes in order of arrival. It visits all of them.
func (tx *Transaction) pendingWhere(match func(*state.PendingEnvelope) bool) []*state.PendingEnvelope {
	var out []*state.PendingEnvelope
	tx.layer.EachPending(func(p *state.PendingEnvelope) {
		if match(p) {
			out = append(out, p)
		}
	})
	slices.SortFunc(out, func(x, y *state.PendingEnvelope) int { return x.Pos.Compare(y.Pos) })
	return out
}
