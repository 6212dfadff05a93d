package conversation

import (
	"fmt"
	"slices"

	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// Copies wait in the lanes of the observer channels. They do not count towards MaxUndelivered.

// errorOverflow is the kind of error of a copy that was given up because too many wait.
const errorOverflow = "overflow"

// sendCopies sends a copy of an envelope to each observer that a matching rule names and that receives the kind. The
// copy of a message carries the decision d about the message.
func (tx *Transaction) sendCopies(
	c *state.Conversation, steps []route.Step, kind envelope.Kind, it state.Item, d state.Decision,
) {
	sent := map[string]bool{}
	for _, s := range steps {
		for _, name := range s.Rule.Copy {
			if ch := tx.policy.Channels[name]; ch != nil && ch.receives(kind) && !sent[name] {
				sent[name] = true
				tx.send(c, ch, it, sendOptions{copy: true, decision: d, reason: s.Rule.Name})
				tx.limitCopies(c, name)
			}
		}
	}
}

// copyEvent sends copies of an event. For an event without an envelope, the gateway makes one.
func (tx *Transaction) copyEvent(c *state.Conversation, steps []route.Step, kind envelope.Kind, ev *event) {
	if !slices.ContainsFunc(steps, func(s route.Step) bool { return len(s.Rule.Copy) > 0 }) {
		return
	}
	it := ev.item
	if it.Pos == (state.Position{}) {
		attrs := map[string]string{"reason": ev.reason}
		switch kind {
		case envelope.KindPassed:
			attrs["owner"], attrs["owner_role"] = ev.channel, string(ev.role)
		case envelope.KindDisconnected:
			attrs["channel"] = ev.channel
		}
		it = tx.storeSystem(c, &envelope.Envelope{Kind: kind, Attributes: attrs})
	}
	tx.sendCopies(c, steps, kind, it, state.Decision{})
}

// limitCopies gives up the oldest copies for an observer if more than maxCopies wait.
func (tx *Transaction) limitCopies(c *state.Conversation, channel string) {
	copies := slices.Clone(queueOf(c, channel))
	copies = slices.DeleteFunc(copies, func(d state.Delivery) bool { return d.Kind != state.KindSend })
	for len(copies) > maxCopies {
		tx.deadLetter(c, &copies[0], errorOverflow, fmt.Sprintf("more than %d copies of the conversation wait", maxCopies))
		copies = copies[1:]
	}
}
