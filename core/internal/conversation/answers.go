package conversation

import (
	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// needAnswer starts the customer's wait for an answer, if it does not run. It is called for each message of the
// customer that goes to the owner or is held. So a message that a rule drops needs no answer.
func (tx *Transaction) needAnswer(c *state.Conversation, p state.Position) {
	if c.UnansweredSince.IsZero() {
		tx.add(c.ID, &journal.Change_AnswerNeeded{AnswerNeeded: &journal.AnswerNeeded{Position: p.Proto()}})
	}
}

// answer ends the customer's wait: a message of the owner goes to the customer. A vendor's notice (sender system) is no
// answer.
func (tx *Transaction) answer(c *state.Conversation, m *message) {
	if c.UnansweredSince.IsZero() || m.envelope.Sender.Role == envelope.RoleSystem {
		return
	}
	waited := !c.AwaitedSince.IsZero()
	tx.add(c.ID, &journal.Change_Answered{Answered: &journal.Answered{
		Position: m.pos.Proto(), Channel: m.channel, After: int64(tx.at.Sub(c.UnansweredSince)),
	}})
	tx.continueLane(c, waited)
}
