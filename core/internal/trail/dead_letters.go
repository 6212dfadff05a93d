package trail

import (
	"time"

	"patchbay/core/internal/conversation"
)

// DeadLetter is a delivery that was given up, as operators see it.
type DeadLetter struct {
	ID           string    `json:"id"` // its delivery's
	Conversation string    `json:"conversation,omitempty"`
	Channel      string    `json:"channel"`
	Kind         string    `json:"kind"`  // send, open or transcript
	Error        string    `json:"error"` // kind of error
	Text         string    `json:"text,omitempty"`
	Attempts     uint32    `json:"attempts"`
	QueuedAt     time.Time `json:"queued_at"`
	At           time.Time `json:"at"` // when it was given up
}

// DescribeDead tells about a dead letter.
func DescribeDead(d *conversation.DeadLetter) DeadLetter {
	return DeadLetter{
		ID: d.Delivery.ID, Conversation: d.Conversation, Channel: d.Delivery.Channel, Kind: d.Delivery.Kind, Error: d.Error,
		Text: d.Text, Attempts: d.Attempts, QueuedAt: d.Delivery.QueuedAt.UTC(), At: d.At.UTC(),
	}
}
