// Package simulator plays GPTBots: the conversation API that the gateway calls, the webhook calls by which answers
// come back, and the hand-off of a dialogue to people at the gateway's side.
//
// It follows the vendor's pages "Create conversation", "Send message" (both versions), "Webhook receives messages"
// (both versions), "Webhook check", "Human handoff service", "Agent response feedback" and "API overview", and
// takes them by the letter: a member that no page names is refused, so that a misspelt one is found
// (Options.Lenient takes it). Where the pages are silent it makes a choice that an option changes: the HTTP
// status of errors (Options.ErrorStatus), the immediate answer in webhook mode (Options.Ack), whether a failed
// webhook call is tried again (Options.Retry), more members of test calls (Options.TestFields), and what
// Human describes.
package botwebhook

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync"
	"sync/atomic"

	"patchbay/sandbox/fault"
	"patchbay/sandbox/push"
	"patchbay/sandbox/record"
)

// Counts is how much the simulator saw.
type Counts struct {
	Created int64 // conversations
	Asked   int64 // accepted send calls
	Refused int64 // calls that were answered with an error

	Queued   int64 // webhook calls, those of hand-offs included
	Accepted int64 // of them, taken by the gateway
	Failed   int64 // of them, given up
}

// Simulator is the pretend vendor. Create it with New and end it with Close; it is safe for concurrent use.
type Simulator struct {
	// Faults are what goes wrong on command.
	Faults fault.Set
	// Asked lists the accepted send calls of all conversations.
	Asked record.Log[Asked]
	// Created lists the conversations.
	Created record.Log[Conversation]
	// Rated lists the accepted feedback and quality calls.
	Rated record.Log[Rating]
	// Problems lists what was wrong with refused calls, and with the gateway's answers to webhook calls.
	Problems record.Log[string]

	o       Options
	pusher  *push.Pusher
	webhook atomic.Pointer[string]
	human   atomic.Pointer[string] // base address of the hand-off's webhooks

	conversations           sync.Map // id → Conversation
	answers                 sync.Map // message id → conversation id; stays empty with Discard
	handoffs                sync.Map // id → *Handoff
	created, asked, refused atomic.Int64
}

// New returns a pretend GPTBots.
func New(o Options) *Simulator {
	o.fill()
	s := &Simulator{o: o}
	s.SetWebhook(o.Webhook)
	s.SetHuman(o.Human.Base)
	s.pusher = push.New(push.Options{
		Client: o.Client, Faults: &s.Faults, Retry: o.Retry, Concurrency: o.Concurrency, Discard: o.Discard,
	})
	return s
}

// Close ends the hand-offs and the webhook calls, also those under way, and waits for them.
func (s *Simulator) Close() {
	s.handoffs.Range(func(_, h any) bool {
		h.(*Handoff).end(Abandoned)
		return true
	})
	s.pusher.Close()
}

// SetWebhook changes the address of the gateway's webhook, for a gateway that came back on another port.
func (s *Simulator) SetWebhook(address string) { s.webhook.Store(&address) }

// SetHuman changes the base address of the gateway's webhooks for hand-offs; "" means that there are none.
func (s *Simulator) SetHuman(base string) { s.human.Store(&base) }

// Pushed lists what became of the webhook calls, in the order in which they ended.
func (s *Simulator) Pushed() *record.Log[push.Outcome] { return &s.pusher.Outcomes }

// AskedIn returns the accepted send calls of one conversation, in order.
func (s *Simulator) AskedIn(conversation string) []Asked {
	var in []Asked
	for _, a := range s.Asked.All() {
		if a.Conversation.ID == conversation {
			in = append(in, a)
		}
	}
	return in
}

// Conversations returns the conversations of a user, in the order in which they were created.
func (s *Simulator) Conversations(user string) []Conversation {
	var of []Conversation
	for _, c := range s.Created.All() {
		if c.UserID == user {
			of = append(of, c)
		}
	}
	return of
}

// Wait returns nil as soon as done holds of the accepted send calls, or an error when ctx ends.
func (s *Simulator) Wait(ctx context.Context, done func([]Asked) bool) error {
	return s.Asked.Wait(ctx, done)
}

// Forget drops a conversation: calls for it are answered with code 40356 from now on.
func (s *Simulator) Forget(conversation string) { s.conversations.Delete(conversation) }

// Counts returns how much the simulator saw so far.
func (s *Simulator) Counts() Counts {
	c := Counts{Created: s.created.Load(), Asked: s.asked.Load(), Refused: s.refused.Load()}
	c.Queued, c.Accepted, c.Failed = s.pusher.Counts()
	return c
}

// Answer makes a webhook call that nobody asked for: a bot that speaks late, or a second time. The conversation must
// exist.
func (s *Simulator) Answer(conversation string, a Answer) error {
	c, ok := s.conversations.Load(conversation)
	if !ok {
		return fmt.Errorf("answer in conversation %s: no such conversation", conversation)
	}
	return s.push(c.(Conversation), a)
}

// newID returns 24 hexadecimal characters, the form of the vendor's ids.
func newID() string {
	var b [12]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
