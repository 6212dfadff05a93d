package conversation

import (
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// eventScope contains the events and rules of one input. Events that a decision causes are queued and run after all of
// its effects, in the order in which they happened.
type eventScope struct {
	queue []queuedEvent
	done  map[int]bool // rules that have matched. A rule matches at most once, so a chain of events ends
}

type queuedEvent struct {
	conv  string
	kind  route.Event
	event *event
}

// beginEvents starts the scope of one input; the returned function runs its events and ends it. The scope of an input
// within another one, such as a pending envelope of a thread that was just linked, is separate.
func (tx *Transaction) beginEvents() (end func()) {
	outer := tx.events
	tx.events = eventScope{}
	return func() {
		tx.runEvents()
		tx.events = outer
	}
}

// raise queues an event.
func (tx *Transaction) raise(c *state.Conversation, kind route.Event, ev *event) {
	tx.events.queue = append(tx.events.queue, queuedEvent{c.ID, kind, ev})
}

// runEvents runs the rules for the queued events, and for the events that these rules cause. It skips the events of
// closed conversations.
func (tx *Transaction) runEvents() {
	for len(tx.events.queue) > 0 {
		next := tx.events.queue[0]
		tx.events.queue = tx.events.queue[1:]
		if c := tx.layer.Mutable(next.conv); c != nil && c.Closing == "" {
			tx.applyEvent(c, next.kind, next.event)
		}
	}
}

// runEvent runs the rules for an event and for the events that it causes. It reports whether a rule matched.
func (tx *Transaction) runEvent(c *state.Conversation, kind route.Event, ev *event) bool {
	steps := tx.applyEvent(c, kind, ev)
	tx.runEvents()
	return len(steps) > 0
}

// applyEvent runs the rules for an event, applies their effects and returns the rules that matched.
func (tx *Transaction) applyEvent(c *state.Conversation, kind route.Event, ev *event) []route.Step {
	f := tx.facts(c, kind, ev.channel, ev.role)
	f.Reason, f.After = ev.reason, ev.after
	steps := tx.runRules(c, f, ev.item.Pos)
	how := handoverByRule
	if ev.ownerLeft {
		how = handoverUnlimited
	}
	how.unanswered = kind == route.EventUnanswered
	rule, happened := tx.applyControl(c, steps, how)
	tx.copyEvent(c, steps, envelope.Kind(kind), ev)
	if rule != nil && happened && rule.Say.IsSet() {
		tx.say(c, &rule.Say, "")
	}
	return steps
}
