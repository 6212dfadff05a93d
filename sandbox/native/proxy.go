package native

import (
	"encoding/json"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"patchbay/sandbox/fault"
	"patchbay/sandbox/push"
	"patchbay/sandbox/record"
)

// Names of the proxy's endpoints for faults.
const (
	EndpointProxy  = "proxy"  // the gateway's calls
	EndpointAnswer = "answer" // our calls of the gateway's webhook
)

// ProxyOptions configure a Proxy.
type ProxyOptions struct {
	Organization string // default "d8ai"
	Chatbot      string // default "d8ai_chatbot"
	AccessToken  string // demanded in the body of each call
	// Revision is what the proxy knows of customPayload. By default it has the one string data.
	Revision Revision
	// Extensions takes our additions to the document: messageId, payload.media and payload.event. Without it they are
	// refused, as everything is that the document doesn't name.
	Extensions bool
	// ErrorStatus is the HTTP status of all refusals; 0 means one that fits. The document shows no refusal.
	ErrorStatus int

	Webhook      string // address that answers are posted to
	WebhookToken string // sent with answers as a bearer token; "" means none
	// WebhookSecret, "whsec_" and a key in base64, signs answers by Standard Webhooks; several are parted by blanks.
	// "" means no signature.
	WebhookSecret string
	Retry         push.Retry

	// Brain makes the replies to a call; default Echo. It is called by the goroutine that serves the call.
	Brain       func(Asked) []Reply
	Client      *http.Client // default push.NewClient()
	Concurrency int          // webhook calls under way at once; default 64
	Discard     bool         // count calls, but do not keep them
	// Observe, if set, is called with each accepted call before the replies are made.
	Observe func(Asked)
}

// Asked is one accepted call of the gateway.
type Asked struct {
	At           time.Time
	UserID       string
	Text         string // userSay
	TargetAgents []string
	Data         string          // customPayload.data
	Custom       json.RawMessage // customPayload as it came, nil if it didn't
	Header       http.Header
	Body         []byte // as it arrived

	// Our additions to the document.
	MessageID string
	Media     []File
	Event     *CustomerEvent
}

// Reply is one answer of the bot. What is empty is left out.
type Reply struct {
	Text            string
	Sender          Sender // default: role bot
	Suggestions     []string
	Media           []File
	Event           *Event
	MessageID       string // default: a new one
	VendorMessageID string
	SentAt          time.Time // default: now
}

// Echo is the usual brain: it repeats what was said.
func Echo(a Asked) []Reply {
	if a.Text == "" {
		return nil
	}
	return []Reply{{Text: "You said: " + a.Text}}
}

// ProxyCounts is how much a proxy saw.
type ProxyCounts struct {
	Asked   int64 // accepted calls
	Refused int64

	Queued   int64 // webhook calls
	Accepted int64 // of them, answered with any 2xx
	Failed   int64 // of them, given up
}

// Proxy is the pretend message proxy. Create it with NewProxy and end it with Close; it is safe for concurrent use.
type Proxy struct {
	// Faults are what goes wrong on command.
	Faults fault.Set
	// Asked lists the accepted calls.
	Asked record.Log[Asked]
	// Problems lists what was wrong with refused calls.
	Problems record.Log[string]

	o       ProxyOptions
	pusher  *push.Pusher
	webhook atomic.Pointer[string]
	data    sync.Map // user id → *UserData, the newest

	asked, refused atomic.Int64
}

// NewProxy returns a pretend message proxy.
func NewProxy(o ProxyOptions) *Proxy {
	if o.Organization == "" {
		o.Organization = "d8ai"
	}
	if o.Chatbot == "" {
		o.Chatbot = "d8ai_chatbot"
	}
	if o.Brain == nil {
		o.Brain = Echo
	}
	p := &Proxy{o: o}
	p.SetWebhook(o.Webhook)
	p.pusher = push.New(push.Options{
		Client: o.Client, Faults: &p.Faults, Retry: o.Retry, Concurrency: o.Concurrency, Discard: o.Discard,
	})
	return p
}

// Close ends the webhook calls, also those under way, and waits for them.
func (p *Proxy) Close() { p.pusher.Close() }

// SetWebhook changes the address that answers are posted to, for a gateway that came back on another port.
func (p *Proxy) SetWebhook(address string) { p.webhook.Store(&address) }

// Pushed lists what became of the webhook calls, in the order in which they ended.
func (p *Proxy) Pushed() *record.Log[push.Outcome] { return &p.pusher.Outcomes }

// AskedBy returns the accepted calls of one user, in order.
func (p *Proxy) AskedBy(user string) []Asked {
	var by []Asked
	for _, a := range p.Asked.All() {
		if a.UserID == user {
			by = append(by, a)
		}
	}
	return by
}

// Counts returns how much the proxy saw so far.
func (p *Proxy) Counts() ProxyCounts {
	c := ProxyCounts{Asked: p.asked.Load(), Refused: p.refused.Load()}
	c.Queued, c.Accepted, c.Failed = p.pusher.Counts()
	return c
}
