// Package simulator plays Huawei Cloud AICC: the message API that the gateway calls, the push calls by
// which the agents' words come back, and the desk with its queue.
//
// It follows the vendor's pages "Message Push Interface Specifications", tokenByAkSk, applyToken, send, sendAsync,
// poll, uploadFileStream and downloadFileStream; texts of results are those of the page senMsgRsp.
package aicc

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"patchbay/sandbox/fault"
	"patchbay/sandbox/push"
	"patchbay/sandbox/record"
)

// Names of the endpoints for faults.
const (
	EndpointAccessToken = "tokenByAkSk"
	EndpointApplyToken  = "applyToken"
	EndpointSend        = "send"
	EndpointSendAsync   = "sendAsync"
	EndpointPoll        = "poll"
	EndpointUpload      = "uploadFileStream"
	EndpointDownload    = "downloadFileStream"
	EndpointFile        = "file" // the temporary links of downloadFileStream
	EndpointPush        = "push" // our calls of the gateway's webhook
)

// Counts is how much the simulator saw.
type Counts struct {
	Connects, Chats, Disconnects int64 // accepted send calls by control type
	Uploads, Downloads, Polls    int64 // accepted calls; a temporary link's use is a download too
	Refused                      int64 // calls that were answered with an error or a result code other than 0

	Queued   int64 // pushes
	Accepted int64 // of them, taken by the gateway
	Failed   int64 // of them, given up
}

// Simulator is the pretend vendor. Create it with New and end it with Close; it is safe for
// concurrent use.
type Simulator struct {
	// Faults are what goes wrong on command.
	Faults fault.Set
	// Events lists what happened at the desk, on both sides, in order.
	Events record.Log[Event]
	// Problems lists what was wrong with refused calls.
	Problems record.Log[string]

	o        Options
	pusher   *push.Pusher
	pushBase atomic.Pointer[string]
	pushKey  atomic.Pointer[string]
	closed   atomic.Bool // outside working hours
	codes    atomic.Int64

	connects, chats, disconnects, refused atomic.Int64
	uploads, downloads, polls             atomic.Int64

	tokens    tokens
	files     files
	mailboxes mailboxes

	mu       sync.Mutex
	desk     map[string]*Chat // by user id
	order    []string         // user ids by the time of their first CONNECT
	refusals []Refusal
}

// New returns a pretend AICC within working hours.
func New(o Options) *Simulator {
	o.complete()
	s := &Simulator{o: o, desk: map[string]*Chat{}}
	s.SetPushBase(o.PushBase)
	s.SetPushKey(o.PushKey)
	s.pusher = push.New(push.Options{
		Client: o.Client, Faults: &s.Faults, Retry: o.Retry, Concurrency: o.Concurrency, Discard: o.Discard,
	})
	return s
}

// Close ends the pushes, also those under way, and waits for them.
func (s *Simulator) Close() { s.pusher.Close() }

// SetPushBase changes where pushes go, for a gateway that came back on another port.
func (s *Simulator) SetPushBase(base string) { s.pushBase.Store(&base) }

// SetPushKey changes the key of the signature, as an administrator does in the console after it was changed at the
// gateway. Attempts that are still to be made are signed with it.
func (s *Simulator) SetPushKey(key string) { s.pushKey.Store(&key) }

// SetOpen says whether the agents are within their working hours; outside, CONNECT without a robot and TRANS2AGENT
// are answered with result code 12.
func (s *Simulator) SetOpen(open bool) {
	s.closed.Store(!open)
	s.happened(Event{Kind: "hours", Text: fmt.Sprintf("open: %t", open)})
}

// Open says whether the agents are within their working hours.
func (s *Simulator) Open() bool { return !s.closed.Load() }

// Pushed lists what became of the pushes, in the order in which they ended.
func (s *Simulator) Pushed() *record.Log[push.Outcome] { return &s.pusher.Outcomes }

// ExpireAccessTokens makes all access tokens expired: the next call of each is answered with 403.
func (s *Simulator) ExpireAccessTokens() { s.tokens.expireAccess() }

// ExpireUserTokens makes all user tokens expired. A call within a session still works and brings
// a new token in the header ccmessaging-token; any other is answered with 401.
func (s *Simulator) ExpireUserTokens() { s.tokens.expireUsers() }

// RevokeUserTokens forgets all user tokens: the next call with each is answered with 401.
func (s *Simulator) RevokeUserTokens() { s.tokens.revokeUsers() }

// Counts returns how much the simulator saw so far.
func (s *Simulator) Counts() Counts {
	c := Counts{
		Connects: s.connects.Load(), Chats: s.chats.Load(), Disconnects: s.disconnects.Load(),
		Uploads: s.uploads.Load(), Downloads: s.downloads.Load(), Polls: s.polls.Load(),
		Refused: s.refused.Load(),
	}
	c.Queued, c.Accepted, c.Failed = s.pusher.Counts()
	return c
}

// Wait returns nil as soon as done holds of the desk's events, or an error when ctx ends.
func (s *Simulator) Wait(ctx context.Context, done func([]Event) bool) error {
	return s.Events.Wait(ctx, done)
}
