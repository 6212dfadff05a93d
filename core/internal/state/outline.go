package state

import "github.com/tinylib/msgp/msgp"

// outline contains the data of a conversation at rest that a start needs: most fields of its summary, and the keys for
// the indexes. Reading it needs almost no allocations, so a start takes less than half the time of decoding all
// conversations.
type outline struct {
	id       Key
	threads  []Key  // for the index of threads
	channels uint64 // set of the channels with live threads
	awaited  []byte // channel whose answer the customer waits for, in the encoded conversation; nil without one
	since    int64  // UnansweredSince in nanoseconds, or 0
	history  uint64 // sequence of the oldest history entry, or 0
	closing  bool
	busy     bool // the conversation must be decoded to get its summary
}

// read replaces o by the outline of the first conversation of b, and returns the bytes after it.
func (o *outline) read(b []byte) (rest []byte, err error) {
	*o = outline{threads: o.threads[:0]}
	return readFields(b, o.readField)
}

// readField reads a field of the encoded Conversation.
func (o *outline) readField(name, b []byte) error {
	switch string(name) {
	case "id":
		id, _, err := msgp.ReadStringZC(b)
		o.id = keyOf(msgp.UnsafeString(id))
		return err
	case "o":
		owner, _, err := msgp.ReadStringZC(b)
		o.awaited = owner
		return err
	case "un":
		since, _, err := msgp.ReadTimeBytes(b)
		o.since = since.UnixNano()
		return err
	case "hi":
		return o.readHistory(b)
	case "ts":
		_, err := readFields(b, o.readThread)
		return err
	case "fo":
		return o.readFormerThreads(b)
	case "cl":
		o.closing = true
	case "of", "dp": // see Conversation.isBusy
		o.busy = true
	case "la", "he":
		n, _, err := msgp.ReadArrayHeaderBytes(b)
		o.busy = o.busy || n > 0
		return err
	}
	return nil
}

func (o *outline) readHistory(b []byte) error {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil || n == 0 {
		return err
	}
	var oldest HistoryEntry
	_, err = oldest.UnmarshalMsg(b)
	o.history = oldest.Pos.Seq
	return err
}

func (o *outline) readThread(channel, b []byte) error {
	var id []byte
	var live, reassigned bool
	_, err := readFields(b, func(name, b []byte) (err error) {
		switch string(name) {
		case "id":
			id, _, err = msgp.ReadStringZC(b)
		case "l":
			live, _, err = msgp.ReadBoolBytes(b)
		case "ra":
			reassigned, _, err = msgp.ReadBoolBytes(b)
		}
		return err
	})
	if live {
		o.channels |= channelBit(msgp.UnsafeString(channel))
	}
	if !reassigned {
		o.threads = append(o.threads, keyOf(msgp.UnsafeString(channel), msgp.UnsafeString(id)))
	}
	return err
}

func (o *outline) readFormerThreads(b []byte) error {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	for range n {
		if err != nil {
			break
		}
		var f FormerThread
		b, err = f.UnmarshalMsg(b)
		o.threads = append(o.threads, keyOf(f.Channel, f.Thread))
	}
	return err
}

// readFields calls f with each name and value of the map at the start of b, and returns the bytes after the map.
func readFields(b []byte, f func(name, value []byte) error) (rest []byte, err error) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	for ; n > 0 && err == nil; n-- {
		var name []byte
		if name, b, err = msgp.ReadMapKeyZC(b); err != nil {
			break
		}
		value := b
		if b, err = msgp.Skip(b); err == nil {
			err = f(name, value[:len(value)-len(b)])
		}
	}
	return b, err
}

// summary returns the summary of a conversation that is not busy.
func (o *outline) summary(numbers *channelNumbers) summary {
	s := summary{history: o.history, unanswered: o.since, closing: o.closing}
	if s.unanswered != 0 {
		s.awaited = numbers.number(string(o.awaited))
	}
	if !s.closing {
		s.channels = o.channels
	}
	return s
}
