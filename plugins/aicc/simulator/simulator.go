// Package simulator plays Huawei Cloud AICC: the message API that the gateway calls, the push calls by
// which the agents' words come back, and the desk with its queue.
//
// It follows the vendor's pages "Message Push Interface Specifications", tokenByAkSk, applyToken,
// send and downloadFileStream. A customer goes to the agents' queue at once: there is no robot
// in front of them.
package simulator

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"patchbay/sandbox/fault"
	"patchbay/sandbox/push"
	"patchbay/sandbox/record"
)

// Names of the endpoints for faults.
const (
	EndpointAccessToken = "tokenByAkSk"
	EndpointApplyToken  = "applyToken"
	EndpointSend        = "send"
	EndpointDownload    = "downloadFileStream"
	EndpointPush        = "push" // our calls of the gateway's webhook
)

// Stamp is the form of the timestamp in the signature, on which sources differ.
type Stamp int

// The forms.
const (
	StampSeconds Stamp = iota // 2006-01-02T15:04:05Z
	StampMillis               // 2006-01-02T15:04:05.000Z
	StampEpoch                // milliseconds since 1970
)

// Options configure a Simulator.
type Options struct {
	AppKey    string
	AppSecret string
	ChannelID string // the channel's configuration id

	// PushBase is what the vendor's console calls baseUrl: gateway address and channel prefix. The
	// simulator adds /webhooks/v1/messages.
	PushBase  string
	PushKey   string // message push key, 43 letters and digits: the signature's secret
	AccessKey string // names the key in the signature; default AppKey
	Stamp     Stamp
	// PushBearer, if set, makes pushes prove themselves by this bearer token instead of a signature
	// (the console's OAuth mode).
	PushBearer string

	// ConnectEvent makes Accept push a CONNECT event besides the system text.
	ConnectEvent bool
	UserTokenTTL time.Duration // default 1 h
	Retry        push.Retry
	Client       *http.Client // default push.NewClient()
	Concurrency  int          // pushes under way at once; default 64
	Discard      bool         // count calls and pushes, but keep neither events nor lines
	Now          func() time.Time
}

// Counts is how much the simulator saw.
type Counts struct {
	Connects, Chats, Disconnects int64 // accepted send calls by control type
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
	closed   atomic.Bool // outside working hours
	codes    atomic.Int64
	files    sync.Map // file id → []byte

	connects, chats, disconnects, refused atomic.Int64

	tokens tokens
	mu     sync.Mutex
	desk   map[string]*Chat // by user id
	order  []string         // user ids by the time of their first CONNECT
}

// New returns a pretend AICC within working hours.
func New(o Options) *Simulator {
	if o.AccessKey == "" {
		o.AccessKey = o.AppKey
	}
	if o.UserTokenTTL == 0 {
		o.UserTokenTTL = time.Hour
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Client == nil {
		o.Client = push.NewClient()
	}
	s := &Simulator{o: o, desk: map[string]*Chat{}}
	s.SetPushBase(o.PushBase)
	s.pusher = push.New(push.Options{
		Client: o.Client, Faults: &s.Faults, Retry: o.Retry, Concurrency: o.Concurrency, Discard: o.Discard,
	})
	return s
}

// Close ends the pushes, also those under way, and waits for them.
func (s *Simulator) Close() { s.pusher.Close() }

// SetPushBase changes where pushes go, for a gateway that came back on another port.
func (s *Simulator) SetPushBase(base string) { s.pushBase.Store(&base) }

// SetOpen says whether the agents are within their working hours; outside, CONNECT and TRANS2AGENT
// are answered with result code 12.
func (s *Simulator) SetOpen(open bool) {
	s.closed.Store(!open)
	s.happened(Event{Kind: "hours", Text: fmt.Sprintf("open: %t", open)})
}

// Open says whether the agents are within their working hours.
func (s *Simulator) Open() bool { return !s.closed.Load() }

// Pushed lists what became of the pushes, in the order in which they ended.
func (s *Simulator) Pushed() *record.Log[push.Outcome] { return &s.pusher.Outcomes }

// AddFile makes a file available to downloadFileStream.
func (s *Simulator) AddFile(id string, content []byte) { s.files.Store(id, content) }

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
		Refused: s.refused.Load(),
	}
	c.Queued, c.Accepted, c.Failed = s.pusher.Counts()
	return c
}

// Wait returns nil as soon as done holds of the desk's events, or an error when ctx ends.
func (s *Simulator) Wait(ctx context.Context, done func([]Event) bool) error {
	return s.Events.Wait(ctx, done)
}
