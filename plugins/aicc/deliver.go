package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
)

// maxText limits the text of one message, in bytes. The limit on the page of send is "1 KB".
const maxText = 1024

// Calls that carry a message.
const (
	callSend  = "send"
	callAsync = "sendAsync" // for a customer whose session has expired
)

// deliveredEvents are the event kinds that Deliver accepts in addition to messages.
var deliveredEvents = []envelope.Kind{
	envelope.KindTyping, envelope.KindRead, envelope.KindDisconnected, envelope.KindClosed,
}

// Deliver implements sdk.Deliverer: a message becomes CHAT, a typing or read event INPUT or READ, and the end of a
// conversation DISCONNECT.
func (a *adapter) Deliver(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	c, err := a.channel(d.Channel)
	if err != nil {
		return nil, err
	}
	if d.Thread == "" {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: "send", Field: "thread", Text: "is missing"}
	}
	switch d.Envelope.Kind {
	case envelope.KindMessage:
		return c.chat(ctx, d)
	case envelope.KindTyping:
		return c.sendEvent(ctx, d, "send typing event", controlInput, "")
	case envelope.KindRead:
		return c.sendRead(ctx, d)
	case envelope.KindDisconnected, envelope.KindClosed:
		return c.disconnect(ctx, d)
	}
	return nil, &sdk.Error{Kind: sdk.KindUnsupported, Op: "send",
		Text: fmt.Sprintf("AICC has no equivalent of envelope kind %s", d.Envelope.Kind)}
}

// send makes a call that may have an effect, and stores the customer's newest token in st.
func (c *channel) send(ctx context.Context, op, call string, st *threadState, m uplink) (*result, error) {
	a, err := c.callAuthorized(ctx, op, m.From, st, request{
		url: c.settings.BaseURL + apiPath + call, body: m, secrets: []string{m.Content},
	})
	if err != nil {
		return nil, err
	}
	var r result
	if err := json.Unmarshal(a.body, &r); err != nil || r.code() == "" {
		return nil, &sdk.Error{Kind: sdk.KindUnknown, Op: op, Text: "the response has no resultCode"}
	}
	c.redact(&r, st, m.Content)
	return &r, nil
}

// uplink returns a message from a user to the channel.
func (c *channel) uplink(user string, st *threadState, control, media, content string) uplink {
	m := uplink{
		Channel: channelWeb, ControlType: control, MediaType: media, Content: content,
		From: user, To: c.settings.ChannelID, SourceType: sourceCustomer,
		Timestamp: strconv.FormatInt(c.now().UnixMilli(), 10),
	}
	if st.UserName != defaultName {
		m.SenderNickname = st.UserName
	}
	return m
}

// withSender adds the sender's attributes for which send has fields.
func (m uplink) withSender(e *envelope.Envelope) uplink {
	if avatar := e.Attributes[attrAvatar]; isLink(avatar) {
		m.SenderAvatar = avatar
	}
	m.UserAgent = text.Clip(text.OneLine(e.Attributes[attrUserAgent]), maxAttribute)
	return m
}

// refusalError returns the error for a result code other than 0. Its status is 200: AICC may send a business failure
// with HTTP status 500 (send), but it has processed the call, and other calls may succeed. A response without a code
// has no status, because it is not a result of AICC.
func refusalError(op string, r *result, kind sdk.ErrorKind, reason string) error {
	e := &sdk.Error{Kind: kind, Op: op, Reason: reason, Code: r.shownCode, Text: r.shown}
	if r.code() != "" {
		e.Status = http.StatusOK
	}
	return e
}
