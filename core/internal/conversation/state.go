package conversation

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/sdk/envelope"
)

// Position names an envelope in the log.
type Position struct {
	Seq   uint64 `json:"s"`
	Index uint32 `json:"i"`
}

// Less orders positions as the log does.
func (p Position) Less(q Position) bool {
	return p.Seq < q.Seq || p.Seq == q.Seq && p.Index < q.Index
}

func (p Position) compare(q Position) int {
	return cmp.Or(cmp.Compare(p.Seq, q.Seq), cmp.Compare(p.Index, q.Index))
}

// Item is an envelope in one of a conversation's queues.
type Item struct {
	Pos       Position `json:"p"`
	TextBytes uint32   `json:"t,omitempty"`
	Rich      bool     `json:"x,omitempty"` // has parts other than text
	Extent    Extent   `json:"e,omitzero"`  // zero if there is only text
}

// Delivery kinds.
const (
	KindSend       = "send"       // one envelope, or a piece of one
	KindOpen       = "open"       // create the vendor's conversation
	KindTranscript = "transcript" // what the channel has not yet seen, as text
)

// Delivery is one call to a vendor with at most one effect.
type Delivery struct {
	ID        string    `json:"id"`
	Channel   string    `json:"ch"`
	Kind      string    `json:"k"`
	Item      Item      `json:"it,omitzero"`
	Piece     uint32    `json:"pc,omitempty"`
	Pieces    uint32    `json:"ps,omitempty"`
	Epoch     uint64    `json:"e"`
	History   []Item    `json:"h,omitempty"`
	Offer     bool      `json:"o,omitempty"`
	Reason    string    `json:"r,omitempty"`
	Thread    string    `json:"th,omitempty"`
	Follows   bool      `json:"f,omitempty"`
	Copy      bool      `json:"cp,omitempty"`
	Reopened  uint32    `json:"ro,omitempty"`
	QueuedAt  time.Time `json:"q"`
	Attempts  uint32    `json:"a,omitempty"` // calls that were made
	NextAt    time.Time `json:"n,omitzero"`
	NotCalled bool      `json:"u,omitempty"` // no call was made of the last try, which failed before
	Error     string    `json:"er,omitempty"`
	Text      string    `json:"tx,omitempty"`
}

// Lane is one conversation's deliveries towards one channel, in order.
type Lane struct {
	Channel string     `json:"ch"`
	Queue   []Delivery `json:"q"`
}

// Thread is a channel's own handle for a conversation.
type Thread struct {
	ID         string `json:"id"`
	Epoch      uint64 `json:"e"`            // term that it belongs to
	State      []byte `json:"st,omitempty"` // the adapter's
	Live       bool   `json:"l,omitempty"`
	Reassigned bool   `json:"tk,omitempty"` // by another conversation: this one is not found by it
	Seen       uint64 `json:"s,omitempty"`  // history entries that the channel knows
	LastSent   int64  `json:"ls,omitempty"` // newest time on the vendor's clock
	EndedSent  int64  `json:"es,omitempty"` // LastSent when its last term ended
}

// FormerThread is a thread that is only recognised, never used.
type FormerThread struct {
	Channel string `json:"ch"`
	Thread  string `json:"th"`
}

// Offer is the pending question whether a channel takes the conversation.
type Offer struct {
	Target   string        `json:"t"`
	Rest     []string      `json:"r,omitempty"`
	MadeAt   time.Time     `json:"m"`
	Deadline time.Time     `json:"d"`
	Within   time.Duration `json:"w"`
	Rule     string        `json:"ru"`
	Else     string        `json:"el,omitempty"`
	Hold     bool          `json:"h,omitempty"`
}

// Entry is a message that travels with control.
type HistoryEntry struct {
	Item
	Role    string `json:"r"`
	Channel string `json:"ch"`
}

// Conversation is one customer's dialogue. A value that is in a Book is never changed; a Turn works on a clone.
type Conversation struct {
	ID              string             `json:"id"`
	Channel         string             `json:"ch"` // customer's
	Thread          string             `json:"th"`
	SenderID        string             `json:"si,omitempty"`
	SenderName      string             `json:"sn,omitempty"`
	Created         time.Time          `json:"c"`
	LastActive      time.Time          `json:"l"`
	Owner           string             `json:"o"`
	Home            string             `json:"h"`
	Epoch           uint64             `json:"e"`
	OwnerSince      time.Time          `json:"os"`
	Handovers       uint32             `json:"ho,omitempty"`
	Moves           []time.Time        `json:"mv,omitempty"`
	Threads         map[string]*Thread `json:"ts,omitempty"`
	FormerThreads   []FormerThread     `json:"fo,omitempty"`
	Offer           *Offer             `json:"of,omitempty"`
	Held            []Item             `json:"he,omitempty"`
	Attributes      map[string]string  `json:"at,omitempty"`
	History         []HistoryEntry     `json:"hi,omitempty"`
	HistoryCount    uint64             `json:"hn,omitempty"` // entries ever; the last of History is number HistoryN
	HistoryEpoch    uint64             `json:"tr,omitempty"` // epoch whose owner has been given what travels
	Lanes           []Lane             `json:"la,omitempty"`
	Digests         [][16]byte         `json:"ri,omitempty"`
	UnansweredSince time.Time          `json:"un,omitzero"`  // oldest customer message without an answer
	Closing         string             `json:"cl,omitempty"` // rule that closed it
	ClosedAt        time.Time          `json:"ca,omitzero"`
}

// clone copies everything that a fold may change. Ring and History are shared: folds only append to them or put
// another list in their place.
func (c *Conversation) clone() *Conversation {
	d := *c
	d.Moves = slices.Clone(c.Moves)
	d.Threads = make(map[string]*Thread, len(c.Threads))
	for k, v := range c.Threads {
		t := *v
		d.Threads[k] = &t
	}
	d.FormerThreads = slices.Clone(c.FormerThreads)
	if c.Offer != nil {
		o := *c.Offer
		d.Offer = &o
	}
	d.Held = slices.Clone(c.Held)
	d.Attributes = maps.Clone(c.Attributes)
	d.Lanes = make([]Lane, len(c.Lanes))
	for i, l := range c.Lanes {
		d.Lanes[i] = Lane{l.Channel, slices.Clone(l.Queue)}
	}
	return &d
}

// lane returns the lane towards a channel, or nil.
func (c *Conversation) lane(channel string) *Lane {
	for i := range c.Lanes {
		if c.Lanes[i].Channel == channel {
			return &c.Lanes[i]
		}
	}
	return nil
}

// find returns a queued delivery, or nil.
func (c *Conversation) find(id string) *Delivery {
	for i := range c.Lanes {
		for j := range c.Lanes[i].Queue {
			if c.Lanes[i].Queue[j].ID == id {
				return &c.Lanes[i].Queue[j]
			}
		}
	}
	return nil
}

// Undelivered counts the deliveries and held messages.
func (c *Conversation) Undelivered() int {
	n := len(c.Held)
	for i := range c.Lanes {
		n += len(c.Lanes[i].Queue)
	}
	return n
}

func (c *Conversation) seen(digest []byte) bool {
	if len(digest) != 16 {
		return false
	}
	for i := range c.Digests {
		if bytes.Equal(c.Digests[i][:], digest) {
			return true
		}
	}
	return false
}

// number returns an entry's number, from 1, or 0 if it is not kept.
func (c *Conversation) number(p Position) uint64 {
	for i := range c.History {
		if c.History[i].Pos == p {
			return c.HistoryCount - uint64(len(c.History)-1-i)
		}
	}
	return 0
}

// Oldest returns the oldest position that the conversation still needs, and false if it needs none.
func (c *Conversation) Oldest() (Position, bool) {
	var oldest Position
	found := false
	see := func(items ...Item) {
		for _, it := range items {
			if it.Pos.Seq != 0 && (!found || it.Pos.Less(oldest)) {
				oldest, found = it.Pos, true
			}
		}
	}
	see(c.Held...)
	for i := range c.Lanes {
		for j := range c.Lanes[i].Queue {
			see(c.Lanes[i].Queue[j].Item)
			see(c.Lanes[i].Queue[j].History...)
		}
	}
	return oldest, found
}

// DeadLetter is a delivery that was given up.
type DeadLetter struct {
	Conversation string    `json:"conversation"`
	Delivery     Delivery  `json:"delivery"`
	Error        string    `json:"error"`
	Text         string    `json:"text,omitempty"`
	Attempts     uint32    `json:"attempts"`
	At           time.Time `json:"at"`
	Customer     *Customer `json:"customer,omitempty"` // of the customer's own words: who said them
}

// Customer is somebody at a customer's channel.
type Customer struct {
	Channel string `json:"channel"`
	Thread  string `json:"thread"`
	ID      string `json:"id,omitempty"`
	Name    string `json:"name,omitempty"`
}

// Orphan is an envelope whose thread nobody knows yet.
type PendingEnvelope struct {
	Pos      Position  `json:"p"`
	Channel  string    `json:"ch"`
	Thread   string    `json:"th"`
	Deadline time.Time `json:"d"`
	Bytes    []byte    `json:"b"` // encoded envelope
	ID       string    `json:"id"`
	Hops     int       `json:"h,omitempty"`
	Cause    string    `json:"c,omitempty"`
}

func (o *PendingEnvelope) key() ThreadKey { return ThreadKey{o.Channel, o.Thread} }

// itemOf describes an envelope that is stored at p.
func itemOf(p Position, e *envelope.Envelope) Item {
	it := Item{Pos: p, TextBytes: uint32(len(e.Text()))}
	for i := range e.Parts {
		it.Rich = it.Rich || e.Parts[i].Type != envelope.PartText
	}
	if it.Rich {
		it.Extent = extentOf(e)
	}
	if e.Kind == envelope.KindHandoverRequested {
		it.TextBytes = uint32(len(HandoverText(e)))
	}
	return it
}

func toItem(i *journal.Item) Item {
	return Item{Pos: toPosition(i.GetPosition()), TextBytes: i.GetTextBytes(), Rich: i.GetRich(), Extent: toExtent(i.GetExtent())}
}

func toPosition(p *journal.Position) Position { return Position{p.GetSeq(), p.GetIndex()} }

func (p Position) proto() *journal.Position { return &journal.Position{Seq: p.Seq, Index: p.Index} }

func (i Item) proto() *journal.Item {
	return &journal.Item{Position: i.Pos.proto(), TextBytes: i.TextBytes, Rich: i.Rich, Extent: i.Extent.proto()}
}
