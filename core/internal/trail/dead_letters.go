package trail

import (
	"time"

	"patchbay/core/internal/state"
)

// DeadLetter is a delivery that was given up, and for an open the messages that needed its thread.
type DeadLetter struct {
	ID           string    `json:"id"` // of the delivery
	Conversation string    `json:"conversation,omitempty"`
	Channel      string    `json:"channel"`
	Kind         string    `json:"kind"`  // send, open or transcript
	Error        string    `json:"error"` // kind of error
	Detail       string    `json:"detail,omitempty"`
	Attempts     uint32    `json:"attempts"`
	Messages     int       `json:"messages"`         // that a replay sends
	Blocks       bool      `json:"blocks,omitempty"` // its lane waits until it is replayed or dropped
	QueuedAt     time.Time `json:"queued_at"`
	DeadAt       time.Time `json:"dead_at"`
}

// DescribeDeadLetter returns a dead letter of the state in the form for operators.
func DescribeDeadLetter(s *state.State, d *state.DeadLetter) DeadLetter {
	c := s.Conversation(d.Conversation)
	return DeadLetter{
		Blocks: c != nil && c.Blocked[d.Delivery.Channel] == d.Delivery.ID,
		ID:     d.Delivery.ID, Conversation: d.Conversation, Channel: d.Delivery.Channel, Kind: d.Delivery.Kind,
		Error: d.Error, Detail: d.Text, Attempts: d.Attempts, Messages: d.MessageCount(),
		QueuedAt: d.Delivery.QueuedAt.UTC(), DeadAt: d.At.UTC(),
	}
}
