package state

import "fmt"

// A conversation at rest, and in a snapshot, is one MessagePack map with the names of the json tags. The types in the
// line msgp:tuple are encoded as arrays: new fields must follow the existing ones.

//go:generate ../../../.tools/msgp -file . -io=false -tests=false -o encoding_gen.go
//msgp:tag json
//msgp:tuple Item Position HistoryEntry FailedMessage FormerThread
//msgp:ignore Backlog Customer DeadLetter DeadLetterClass ID Key Layer Pause PendingEnvelope Retention Revision Snapshot State

// IsZero reports whether the item is unset.
func (i Item) IsZero() bool { return i == Item{} }

// IsZero reports whether there is no decision.
func (d Decision) IsZero() bool { return d == Decision{} }

// appendConversation appends the encoding of a conversation to b.
func appendConversation(b []byte, c *Conversation) []byte {
	b, err := c.MarshalMsg(b)
	if err != nil {
		panic(fmt.Sprintf("encode conversation %s: %v", c.ID, err)) // no value of these types causes an error
	}
	return b
}

// decodeConversation decodes the first conversation of b, and returns the bytes after it.
func decodeConversation(b []byte) (c *Conversation, rest []byte, err error) {
	c = &Conversation{}
	if rest, err = c.UnmarshalMsg(b); err != nil {
		return nil, nil, fmt.Errorf("decode conversation: %w", err)
	}
	if c.Threads == nil {
		c.Threads = map[string]*Thread{}
	}
	return c, rest, nil
}
