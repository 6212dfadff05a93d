package conversation

import (
	"patchbay/core/internal/journal"
	"patchbay/sdk/protocol"
)

// orphan lets an envelope wait until its thread is known: the vendor may answer before the result of
// opening the conversation is stored.
func (t *Turn) orphan(in *Inbound) Verdict {
	if t.orphans.len() >= MaxOrphans {
		return VerdictBusy
	}
	pos := t.store(in.Bytes, in.Envelope, nil)
	wait := OrphanWait + t.policy.Channels[in.Channel].Timeout
	t.add("", &journal.Change_Orphaned{Orphaned: &journal.Orphaned{
		Position: pos.proto(), Channel: in.Channel, Thread: in.Envelope.Thread, Deadline: t.at.Add(wait).UnixNano(),
	}})
	return VerdictAccepted
}

// adopt takes in what waited for a thread that is now known, in order of arrival.
func (t *Turn) adopt(c *Conversation, channel, thread string) {
	for {
		o := t.firstOrphan(func(o *Orphan) bool { return o.Channel == channel && o.Thread == thread })
		if o == nil {
			return
		}
		t.add("", &journal.Change_OrphanEnded{OrphanEnded: &journal.OrphanEnded{Position: o.Pos.proto(), Status: "adopted"}})
		e, err := protocol.DecodeEnvelope(o.Bytes)
		ch := t.policy.Channels[channel]
		if err != nil || ch == nil {
			t.dispose("", o.Pos, channel, StatusUnrouted, "can't be read", "")
			continue
		}
		e.ID, e.Hops, e.Cause = o.ID, o.Hops, o.Cause // what the gateway said it was, not what the bytes say
		if t.into(c.ID, ch, &Inbound{Channel: channel, Envelope: e, Bytes: o.Bytes}, false) == VerdictBusy {
			t.dispose("", o.Pos, channel, StatusUnrouted, "too much waits in the conversation", "")
		}
	}
}

// Orphans gives up on envelopes whose thread did not become known in time, a bounded number at once: the record must
// not outgrow the log.
func (t *Turn) Orphans() {
	for range orphansAtOnce {
		o := t.firstOrphan(func(o *Orphan) bool { return !o.Deadline.After(t.at) })
		if o == nil {
			return
		}
		t.add("", &journal.Change_OrphanEnded{OrphanEnded: &journal.OrphanEnded{Position: o.Pos.proto(), Status: StatusUnrouted}})
		t.dispose("", o.Pos, o.Channel, StatusUnrouted, "unknown thread", "")
	}
}

func (t *Turn) firstOrphan(match func(*Orphan) bool) *Orphan {
	var first *Orphan
	see := func(o *Orphan) {
		if match(o) && (first == nil || o.Pos.Less(first.Pos)) {
			first = o
		}
	}
	for pos, o := range t.orphans.base {
		if !t.orphans.gone[pos] {
			see(o)
		}
	}
	for _, o := range t.orphans.over {
		see(o)
	}
	return first
}
