package main

import (
	"context"
	"fmt"
	"strconv"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

const (
	maxText   = 1024 // bytes of one message: the vendor's "1 KB"
	maxUserID = 32   // characters of userId
)

// Open implements sdk.Opener: it puts the customer into AICC's queue: by CONNECT and, where that lands at AICC's robot,
// by TRANS2AGENT after it. The thread is the user id that AICC knows the customer by. To repeat it is harmless: a
// customer who has an agent already is reported as accepted.
func (a *adapter) Open(ctx context.Context, o *sdk.Opening) (*sdk.Opened, error) {
	c, err := a.channel(o.Channel)
	if err != nil {
		return nil, err
	}
	if n := len(o.CustomerID); n == 0 || n > maxUserID {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opConnect, Field: "customer_id",
			Text: fmt.Sprintf("%d characters; AICC takes 1 to %d", n, maxUserID)}
	}
	st := readState(nil)
	if o.Customer.Name != "" {
		st.UserName = clip(o.Customer.Name, envelope.MaxIDBytes)
	}
	served, err := c.enter(ctx, opConnect, controlConnect, o.CustomerID, &st)
	if err == nil && c.settings.Transfer && !served {
		served, err = c.enter(ctx, opTransfer, controlTransfer, o.CustomerID, &st)
	}
	if err != nil {
		return nil, err
	}
	c.sessions.open(o.CustomerID, st)
	opened := &sdk.Opened{Thread: o.CustomerID, Accepted: served}
	opened.State, err = st.bytes()
	return opened, err
}

// The steps of Open, as errors name them.
const (
	opConnect  = "connect"
	opTransfer = "transfer to an agent"
)

// enter takes one step towards an agent. It reports whether the customer has one already.
func (c *channel) enter(ctx context.Context, op, control, user string, st *threadState) (served bool, err error) {
	r, err := c.send(ctx, op, callSend, st, c.uplink(user, st, control, mediaText, ""))
	if err != nil {
		return false, harmless(err)
	}
	if r.code() == codeDone {
		return false, nil
	}
	why := r.cause()
	if why == causeServed {
		return true, nil
	}
	kind, reason := openError(why)
	return false, refused(op, r, kind, reason)
}

// Deliver implements sdk.Deliverer: a message becomes CHAT, notices INPUT and READ, the end of a conversation
// DISCONNECT. If AICC refuses the credentials, which has no effect, they are renewed and the call is made once more.
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
	case envelope.KindTyping:
		return c.notice(ctx, d, "tell typing", controlInput, "")
	case envelope.KindRead:
		return c.readReport(ctx, d)
	case envelope.KindDisconnected, envelope.KindClosed:
		return c.disconnect(ctx, d)
	}
	return nil, &sdk.Error{Kind: sdk.KindUnsupported, Op: "send",
		Text: fmt.Sprintf("AICC has no form for kind %s", d.Envelope.Kind)}
}

func (c *channel) uplink(user string, st *threadState, control, media, content string) uplink {
	m := uplink{
		Channel: channelWeb, ControlType: control, MediaType: media, Content: content,
		From: user, To: c.settings.ChannelID, SourceType: sourceCustomer,
		Timestamp: strconv.FormatInt(c.now().UnixMilli(), 10),
	}
	if st.UserName != nameless {
		m.SenderNickname = st.UserName
	}
	return m
}

// of adds what an envelope says about its sender, and send has fields for.
func (m uplink) of(e *envelope.Envelope) uplink {
	if avatar := e.Attributes[attrAvatar]; isLink(avatar) {
		m.SenderAvatar = avatar
	}
	m.UserAgent = clip(e.Attributes[attrUserAgent], maxAttribute)
	return m
}

// refused makes the error of an answer whose result code is not 0.
func refused(op string, r *result, kind sdk.ErrorKind, reason string) error {
	return &sdk.Error{Kind: kind, Op: op, Reason: reason, Code: r.shownCode, Text: r.shown}
}
