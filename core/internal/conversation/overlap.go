package conversation

import (
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// Overlap selects how a bot gets the messages that a customer writes while the bot has not answered.
type Overlap string

// The values of Overlap. With OverlapSend, each message is sent immediately. With OverlapQueue, a message waits for
// the bot's first answer to the previous message, at most answerWait. With OverlapMerge, messages wait in the same
// way, and then one delivery joins the texts of the waiting messages.
const (
	OverlapSend  Overlap = "send"
	OverlapQueue Overlap = "queue"
	OverlapMerge Overlap = "merge"
)

// answerWait is the maximum time, from the end of a call, that the customer's next message waits for the bot's answer.
const answerWait = 30 * time.Second

// waits reports whether the customer's next message waits for an answer of the channel.
func (c *Channel) waits() bool {
	return c != nil && c.Role == envelope.RoleBot && (c.Overlap == OverlapQueue || c.Overlap == OverlapMerge)
}

// awaitsAnswer reports whether the lane waits for an answer after a delivery has succeeded.
func (tx *Transaction) awaitsAnswer(c *state.Conversation, d *state.Delivery) bool {
	return d.Follows && !d.Answered && d.Channel == c.Owner && c.Closing == "" &&
		tx.policy.Channels[d.Channel].waits() && c.IsLastPiece(d)
}

// AnswerDeadline returns the time at which a lane no longer waits for an answer, or the zero time if it does not wait.
func AnswerDeadline(c *state.Conversation) time.Time {
	if c.AwaitedSince.IsZero() {
		return time.Time{}
	}
	return c.AwaitedSince.Add(answerWait)
}

// endAnswerWait ends an overdue wait of the owner's lane for an answer.
func (tx *Transaction) endAnswerWait(c *state.Conversation) {
	if at := AnswerDeadline(c); !at.IsZero() && !at.After(tx.at) {
		tx.add(c.ID, &journal.Change_AnswerWaitEnded{AnswerWaitEnded: &journal.AnswerWaitEnded{Channel: c.Owner}})
		tx.mergeWaiting(c)
	}
}

// continueLane continues the owner's lane after an answer. Messages of the customer that are still queued need an
// answer too. Waited is set if the lane waited for this answer.
func (tx *Transaction) continueLane(c *state.Conversation, waited bool) {
	if !tx.policy.Channels[c.Owner].waits() {
		return
	}
	for _, d := range queueOf(c, c.Owner) {
		if d.Follows && !d.Answered {
			tx.needAnswer(c, d.Item.Pos)
			break
		}
	}
	if waited { // otherwise the head can be in flight
		tx.mergeWaiting(c)
	}
}

// mergeWaiting joins the customer's messages at the front of the owner's lane into one delivery, up to the limit of
// the channel's texts. It joins only messages that consist of text. The caller ensures that none of them is in flight.
func (tx *Transaction) mergeWaiting(c *state.Conversation) {
	ch := tx.policy.Channels[c.Owner]
	if !ch.waits() || ch.Overlap != OverlapMerge {
		return
	}
	var group []state.Delivery
	bytes := 0
	for _, d := range queueOf(c, c.Owner) {
		if d.Kind == state.KindSend && !d.Follows && !d.Copy { // an event, such as typing
			continue
		}
		if d.Kind != state.KindSend || !d.Follows || d.Thread != "" || d.Item.Rich || d.Pieces > 1 || d.Attempts > 0 {
			break
		}
		bytes += joinedBytes(&d)
		if len(group) > 0 && ch.TextBytes > 0 && bytes-1 > ch.TextBytes { // the last line end is not sent
			break
		}
		group = append(group, d)
	}
	if len(group) < 2 {
		return
	}
	first := &group[0]
	joined := first.Proto()
	joined.Epoch = c.Epoch
	for i := range group[1:] {
		for _, it := range group[1+i].Items() {
			joined.Joined = append(joined.Joined, it.Proto())
		}
	}
	joined.Id = tx.newID()
	tx.add(c.ID, &journal.Change_Queued{Queued: &journal.Queued{Delivery: joined, Before: first.ID}})
	for i := range group {
		tx.endDelivery(c, &group[i], state.StatusMerged, "joined in delivery "+joined.GetId())
	}
}

// joinedBytes returns the size of a delivery's texts with a line end after each.
func joinedBytes(d *state.Delivery) int {
	n := 0
	for _, it := range d.Items() {
		n += int(it.TextBytes) + 1
	}
	return n
}
