package main

import (
	"context"
	"fmt"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
)

// maxUserID limits userId, in characters (applyToken).
const maxUserID = 32

// Operations of Open in error texts.
const (
	opConnect  = "connect"
	opTransfer = "transfer to an agent"
)

// Open implements sdk.Opener. CONNECT puts the customer into the agents' queue; with the setting transfer, TRANS2AGENT
// follows, because CONNECT only reaches AICC's robot. The thread is the user id. Repeating Open is harmless: a customer
// who already has an agent is reported as accepted.
func (a *adapter) Open(ctx context.Context, o *sdk.OpenRequest) (*sdk.OpenResult, error) {
	c, err := a.channel(o.Channel)
	if err != nil {
		return nil, err
	}
	if n := len(o.CustomerID); n == 0 || n > maxUserID {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opConnect, Field: "customer_id",
			Text: fmt.Sprintf("has %d characters; AICC accepts 1 to %d", n, maxUserID)}
	}
	st := readState(nil)
	if o.Customer.Name != "" {
		st.UserName = text.Clip(o.Customer.Name, envelope.MaxIDBytes)
	}
	accepted, err := c.requestAgent(ctx, opConnect, controlConnect, o.CustomerID, &st)
	if err == nil && c.settings.Transfer && !accepted {
		accepted, err = c.requestAgent(ctx, opTransfer, controlTransfer, o.CustomerID, &st)
	}
	if err != nil {
		return nil, err
	}
	c.polledUsers.open(o.CustomerID, st)
	opened := &sdk.OpenResult{Thread: o.CustomerID, Accepted: accepted}
	opened.State, err = st.bytes()
	return opened, err
}

// requestAgent sends CONNECT or TRANS2AGENT. It reports whether the customer already has an agent.
func (c *channel) requestAgent(
	ctx context.Context, op, control, user string, st *threadState,
) (accepted bool, err error) {
	r, err := c.send(ctx, op, callSend, st, c.uplink(user, st, control, mediaText, ""))
	if err != nil {
		return false, asTransient(err)
	}
	if r.code() == codeDone {
		return false, nil
	}
	cause := r.cause()
	if cause == causeHasAgent {
		return true, nil
	}
	kind, reason := openError(cause)
	return false, refusalError(op, r, kind, reason)
}
