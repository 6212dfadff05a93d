package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

const (
	maxText   = 1024 // bytes of one message: the vendor's "1 KB"
	maxUserID = 32   // characters of userId
	nameless  = "Customer"
)

// threadState is what the gateway keeps for each conversation. The token is the customer's
// ccmessaging-token; without one, applyToken gives a new one.
type threadState struct {
	UserName string    `json:"name"`
	Token    string    `json:"token,omitempty"`
	RenewAt  time.Time `json:"renew_at,omitzero"`
}

func readState(b []byte) threadState {
	var s threadState
	if json.Unmarshal(b, &s) != nil {
		s = threadState{} // nothing is lost but a token
	}
	if s.UserName == "" {
		s.UserName = nameless
	}
	return s
}

// bytes encodes the state; a token that does not fit is left out.
func (s threadState) bytes() ([]byte, error) {
	b, err := json.Marshal(s)
	if err == nil && len(b) > sdk.MaxStateBytes {
		s.Token, s.RenewAt = "", time.Time{}
		b, err = json.Marshal(s)
	}
	if err != nil {
		return nil, fmt.Errorf("encode thread state: %w", err)
	}
	return b, nil
}

// Open implements sdk.Opener: it puts the customer into AICC's queue (CONNECT). The thread is the user id
// that AICC knows the customer by. To repeat it is harmless: a customer who has an agent already is
// reported as accepted.
func (a *adapter) Open(ctx context.Context, o *sdk.Opening) (*sdk.Opened, error) {
	c, err := a.channel(o.Channel)
	if err != nil {
		return nil, err
	}
	const op = "connect"
	if n := len(o.CustomerID); n == 0 || n > maxUserID {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: op, Field: "customer_id",
			Text: fmt.Sprintf("%d characters; AICC takes 1 to %d", n, maxUserID)}
	}
	st := readState(nil)
	if o.Customer.Name != "" {
		st.UserName = clip(o.Customer.Name, envelope.MaxIDBytes)
	}
	r, err := c.send(ctx, op, &st, c.uplink(o.CustomerID, controlConnect, ""))
	if err != nil {
		return nil, harmless(err)
	}
	opened := &sdk.Opened{Thread: o.CustomerID}
	if r.ResultCode != codeDone {
		why := causeOf(string(r.ResultCode), r.ResultDesc)
		opened.Accepted = why == causeServed
		if !opened.Accepted {
			kind, reason := openError(why)
			return nil, refused(op, r, kind, reason)
		}
	}
	opened.State, err = st.bytes()
	return opened, err
}

// Deliver implements sdk.Deliverer: a message becomes CHAT, the end of a conversation DISCONNECT. If
// AICC refuses the credentials, which has no effect, they are renewed and the call is made once more.
func (a *adapter) Deliver(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	c, err := a.channel(d.Channel)
	if err != nil {
		return nil, err
	}
	if d.Thread == "" {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: "send", Field: "thread", Text: "missing"}
	}
	switch d.Envelope.Kind {
	case envelope.KindMessage:
		return c.chat(ctx, d)
	case envelope.KindDisconnected, envelope.KindClosed:
		return c.disconnect(ctx, d)
	}
	return nil, &sdk.Error{Kind: sdk.KindUnsupported, Op: "send",
		Text: fmt.Sprintf("AICC has no form for kind %s", d.Envelope.Kind)}
}

func (c *channel) chat(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	const op = "send message"
	text := d.Envelope.Text()
	if text == "" {
		return nil, &sdk.Error{Kind: sdk.KindUnsupported, Op: op,
			Text: "the message has no text, and AICC is sent text alone"}
	}
	if len(text) > maxText {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: op, Field: "parts",
			Text: fmt.Sprintf("%d bytes of text, at most %d", len(text), maxText)}
	}
	st := readState(d.State)
	r, err := c.send(ctx, op, &st, c.uplink(d.Thread, controlChat, text))
	if err != nil {
		return nil, err
	}
	if r.ResultCode != codeDone {
		kind, reason := sendError(causeOf(string(r.ResultCode), r.ResultDesc))
		return nil, refused(op, r, kind, reason)
	}
	return st.receipt(d.State, leftOut(d.Envelope))
}

// disconnect tells AICC that the customer has gone. A session that is over is what was wanted. AICC also says
// "disconnect failed", without a reason; that is tried again once, in case it was a hitch, and then taken for a session
// that is over: a call whose answer was lost is answered so when it is repeated.
func (c *channel) disconnect(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	const op = "disconnect"
	st := readState(d.State)
	r, err := c.send(ctx, op, &st, c.uplink(d.Thread, controlDisconnect, ""))
	if err != nil {
		return nil, harmless(err)
	}
	if r.ResultCode != codeDone {
		why := causeOf(string(r.ResultCode), r.ResultDesc)
		kind, reason := sendError(why)
		if over := kind == sdk.KindGone || why == causeLeave && d.Attempt > 1; !over {
			return nil, refused(op, r, kind, reason)
		}
	}
	return st.receipt(d.State, "")
}

// receipt carries the state only if it is not what the gateway has.
func (s threadState) receipt(former []byte, degraded string) (*sdk.Receipt, error) {
	b, err := s.bytes()
	if err != nil {
		return nil, err
	}
	if bytes.Equal(b, former) {
		b = nil
	}
	return &sdk.Receipt{State: b, Degraded: degraded}, nil
}

// leftOut says which parts a CHAT did not carry.
func leftOut(e *envelope.Envelope) string {
	n := 0
	for _, p := range e.Parts {
		if p.Type != envelope.PartText {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("parts left out because they are not text: %d", n)
}

func (c *channel) uplink(user, control, content string) uplink {
	return uplink{
		Channel: channelWeb, ControlType: control, MediaType: mediaText, Content: content,
		From: user, To: c.settings.ChannelID, SourceType: sourceCustomer,
		Timestamp: strconv.FormatInt(c.now().UnixMilli(), 10),
	}
}

// refused makes the error of an answer whose result code is not 0.
func refused(op string, r *result, kind sdk.ErrorKind, reason string) error {
	return &sdk.Error{Kind: kind, Op: op, Reason: reason, Code: clip(string(r.ResultCode), 64), Text: r.shown}
}
