package conversation

import (
	"slices"

	"patchbay/core/internal/journal"
	"patchbay/sdk/protocol"
)

// orphan lets an envelope wait until its thread is known: the vendor may answer before the result of
// opening the conversation is stored.
func (t *Turn) orphan(in *Inbound) Verdict {
	if t.orphans.len() >= MaxOrphans || t.orphansOf(in.Channel) >= maxOrphansOf ||
		t.book.waiting.bytes+t.waiting.bytes+len(in.Bytes) > maxOrphanBytes {
		return VerdictBusy
	}
	pos := t.store(in.Bytes, in.Envelope, nil)
	wait := OrphanWait + t.policy.Channels[in.Channel].Timeout
	t.add("", &journal.Change_Orphaned{Orphaned: &journal.Orphaned{
		Position: pos.proto(), Channel: in.Channel, Thread: in.Envelope.Thread, Deadline: t.at.Add(wait).UnixNano(),
	}})
	return VerdictAccepted
}

func (t *Turn) orphansOf(channel string) int {
	return t.book.waiting.channels[channel] + t.waiting.channels[channel]
}

func (t *Turn) orphansOn(k threadKey) int { return t.book.waiting.threads[k] + t.waiting.threads[k] }

// adopt takes in what waited for a thread that is now known, in order of arrival. What is too much for one record stays
// for Adopt.
func (t *Turn) adopt(channel, thread string) {
	k := threadKey{channel, thread}
	if t.orphansOn(k) == 0 {
		return
	}
	t.takeIn(t.orphansWhere(func(o *Orphan) bool { return o.key() == k }))
}

// notOpened has Adopt take in what waited for the end of opening a channel's next thread, if none came of it: it is of the last one.
func (t *Turn) notOpened(c *Conversation, d *Delivery) {
	th := c.Threads[d.Channel]
	if d.Kind == KindOpen && th != nil && t.orphansOn(threadKey{d.Channel, th.ID}) > 0 {
		t.unadopted = true
	}
}

// Adopt takes in more of what waited for threads that are known by now. Call it as long as Book.Unadopted says so.
func (t *Turn) Adopt() {
	defer t.enter()()
	t.unadopted = false
	t.takeIn(t.orphansWhere(func(o *Orphan) bool {
		id, known := t.threads.get(o.key())
		ch := t.policy.Channels[o.Channel]
		return known && (ch == nil || !t.early(id, ch, o.Thread))
	}))
}

func (t *Turn) takeIn(list []*Orphan) {
	for _, o := range list {
		if _, waits := t.orphans.get(o.Pos); !waits { // what came before it has linked the thread once more
			continue
		}
		if t.adopted > 0 && (t.adopted >= adoptAtOnce || t.adoptedBytes+len(o.Bytes) > adoptBytes) {
			t.unadopted = true
			return
		}
		id, known := t.threads.get(o.key())
		if !known { // what came before it has ended the conversation
			continue
		}
		t.adopted++
		t.adoptedBytes += len(o.Bytes)
		t.add("", &journal.Change_OrphanEnded{OrphanEnded: &journal.OrphanEnded{Position: o.Pos.proto(), Status: "adopted"}})
		e, err := protocol.DecodeEnvelope(o.Bytes)
		ch := t.policy.Channels[o.Channel]
		if err != nil || ch == nil {
			t.dispose("", o.Pos, o.Channel, StatusUnrouted, "can't be read", "")
			continue
		}
		e.ID, e.Hops, e.Cause = o.ID, o.Hops, o.Cause // what the gateway said it was, not what the bytes say
		if t.into(id, ch, &Inbound{Channel: o.Channel, Envelope: e, Bytes: o.Bytes}, false) == VerdictBusy {
			t.dispose("", o.Pos, o.Channel, StatusUnrouted, "too much waits in the conversation", "")
		}
	}
}

// Orphans gives up on envelopes whose thread did not become known in time, a bounded number at once: the record must
// not outgrow the log.
func (t *Turn) Orphans() {
	due := t.orphansWhere(func(o *Orphan) bool { return !o.Deadline.After(t.at) })
	for _, o := range due[:min(len(due), orphansAtOnce)] {
		t.add("", &journal.Change_OrphanEnded{OrphanEnded: &journal.OrphanEnded{Position: o.Pos.proto(), Status: StatusUnrouted}})
		t.dispose("", o.Pos, o.Channel, StatusUnrouted, "unknown thread", "")
	}
}

// orphansWhere returns the envelopes that match, in order of arrival. It looks at all.
func (t *Turn) orphansWhere(match func(*Orphan) bool) []*Orphan {
	var out []*Orphan
	t.orphans.each(func(_ Position, o *Orphan) {
		if match(o) {
			out = append(out, o)
		}
	})
	slices.SortFunc(out, func(x, y *Orphan) int { return x.Pos.compare(y.Pos) })
	return out
}
