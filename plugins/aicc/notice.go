package main

import (
	"context"
	"fmt"
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// notice tells AICC something that matters now or never. To repeat it is harmless; what AICC refuses is not worth a
// repeat, and must neither hold up the messages behind it nor open a lapsed session again, so that a refusal is only
// noted.
func (c *channel) notice(ctx context.Context, d *sdk.Delivery, op, control, content string) (*sdk.Receipt, error) {
	st := readState(d.State)
	r, err := c.send(ctx, op, callSend, &st, c.uplink(d.Thread, &st, control, mediaText, content))
	if err != nil {
		return nil, harmless(err)
	}
	degraded := ""
	if r.code() != codeDone {
		degraded = fmt.Sprintf("AICC did not take the notice [code %s]: %s", r.shownCode, r.shown)
	}
	return st.receipt(d.State, degraded)
}

// readReport tells AICC which of its messages were read. Ids that the adapter derived are not AICC's.
func (c *channel) readReport(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	var ids []string
	for _, id := range d.Envelope.RefersTo {
		if id != "" && !strings.HasPrefix(id, derivedPrefix) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return &sdk.Receipt{Degraded: "names no message that AICC has an id for; nothing was sent"}, nil
	}
	return c.notice(ctx, d, "report as read", controlRead, strings.Join(ids, ","))
}

// disconnect tells AICC that the customer has gone. A session that is over is what was wanted. AICC also says
// "disconnect failed", without a reason; that is tried again once, in case it was a hitch, and then taken for a session
// that is over: a call whose answer was lost is answered so when it is repeated.
func (c *channel) disconnect(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	const op = "disconnect"
	st := readState(d.State)
	r, err := c.send(ctx, op, callSend, &st, c.uplink(d.Thread, &st, controlDisconnect, mediaText, ""))
	if err != nil {
		return nil, harmless(err)
	}
	if r.code() != codeDone {
		why := r.cause()
		kind, reason := sendError(why)
		if over := kind == sdk.KindGone || why == causeLeave && d.Attempt > 1; !over {
			return nil, refused(op, r, kind, reason)
		}
	}
	c.sessions.close(d.Thread)
	return st.receipt(d.State, "")
}

// wantedEvents are what Deliver wants beside messages.
var wantedEvents = []envelope.Kind{
	envelope.KindTyping, envelope.KindRead, envelope.KindDisconnected, envelope.KindClosed,
}
