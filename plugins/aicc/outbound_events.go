package main

import (
	"context"
	"strings"

	"patchbay/sdk"
)

// sendEvent sends a typing or read event. Repeating it is harmless.
func (c *channel) sendEvent(
	ctx context.Context, d *sdk.Delivery, op, control, content string,
) (*sdk.Receipt, error) {
	st := readState(d.State)
	r, err := c.send(ctx, op, callSend, &st, c.uplink(d.Thread, &st, control, mediaText, content))
	if err != nil {
		return nil, asTransient(err)
	}
	if r.code() != codeDone {
		kind, reason := sendError(r.cause())
		return nil, refusalError(op, r, kind, reason)
	}
	return st.receipt(d.State, "")
}

// sendRead sends the ids of the messages that the customer has read, except ids that the adapter derived, because they
// do not exist at AICC.
func (c *channel) sendRead(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	var ids []string
	for _, id := range d.Envelope.RefersTo {
		if id != "" && !strings.HasPrefix(id, derivedPrefix) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return &sdk.Receipt{Degraded: "not sent: AICC has no ids for these messages"}, nil
	}
	return c.sendEvent(ctx, d, "send read event", controlRead, strings.Join(ids, ","))
}

// disconnect ends the customer's session. An expired session counts as success. "Disconnect failed" has no documented
// cause. AICC also gives this response if an earlier call succeeded and its response was lost. The call is therefore
// repeated once, and then counts as successful.
func (c *channel) disconnect(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	const op = "disconnect"
	st := readState(d.State)
	r, err := c.send(ctx, op, callSend, &st, c.uplink(d.Thread, &st, controlDisconnect, mediaText, ""))
	if err != nil {
		return nil, asTransient(err)
	}
	if r.code() != codeDone {
		cause := r.cause()
		kind, reason := sendError(cause)
		if expired := kind == sdk.KindGone || cause == causeDisconnect && d.Attempt > 1; !expired {
			return nil, refusalError(op, r, kind, reason)
		}
	}
	c.polledUsers.close(d.Thread)
	return st.receipt(d.State, "")
}
