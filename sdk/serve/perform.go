package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"google.golang.org/protobuf/proto"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// receive performs one inbound call. It always returns a result.
func (s *service) receive(ctx context.Context, call *pluginpb.ReceiveCall) *pluginpb.ReceiveResult {
	out := &pluginpb.ReceiveResult{Id: call.GetId()}
	req := requestFromProto(call)
	err := s.guard("receive", func() error {
		rec, err := s.receiver.Receive(ctx, req)
		if err != nil {
			return err
		}
		if rec == nil {
			return errors.New("the adapter returned neither a reception nor an error")
		}
		out.Answer = responseToProto(&rec.Answer)
		out.Envelopes, err = encodeEnvelopes("envelope", rec.Envelopes, func(e *envelope.Envelope) error {
			if !slices.Contains(req.Channels, e.Channel) {
				return fmt.Errorf("channel: %q did not get this call", e.Channel)
			}
			return nil
		})
		return err
	})
	if err == nil && receiveResultSize(out) > protocol.MaxFrameBytes && proto.Size(out) > maxResultBytes {
		err = errResultTooLarge
	}
	if err != nil {
		return &pluginpb.ReceiveResult{Id: call.GetId(), Error: receiveError(err)}
	}
	return out
}

// maxResultBytes leaves room for the frame around a result.
const maxResultBytes = protocol.MaxMessageBytes - 1<<10

// errResultTooLarge stands for a result that the wire can't carry.
var errResultTooLarge = &sdk.Error{
	Kind: sdk.KindPermanent, Status: http.StatusInternalServerError,
	Text: fmt.Sprintf("the adapter's result is larger than %d bytes", maxResultBytes),
}

// deliver performs one outbound call. It always returns a result.
func (s *service) deliver(ctx context.Context, call *pluginpb.DeliverCall) *pluginpb.DeliverResult {
	out := &pluginpb.DeliverResult{Id: call.GetId()}
	err := s.guard("deliver", func() error {
		switch a := call.GetAction().(type) {
		case *pluginpb.DeliverCall_Send:
			return s.send(ctx, call, a.Send, out)
		case *pluginpb.DeliverCall_Open:
			return s.open(ctx, call, a.Open, out)
		default:
			return &sdk.Error{Kind: sdk.KindUnsupported, Text: "the gateway asks for an action that this adapter does not know"}
		}
	})
	if err == nil && deliverResultSize(out) > protocol.MaxFrameBytes && proto.Size(out) > maxResultBytes {
		err = effectUnsure(errResultTooLarge)
	}
	if err != nil {
		return &pluginpb.DeliverResult{Id: call.GetId(), Error: deliverError(ctx, err)}
	}
	return out
}

func (s *service) send(ctx context.Context, call *pluginpb.DeliverCall, a *pluginpb.SendAction, out *pluginpb.DeliverResult) error {
	d, err := deliveryFromProto(call, a)
	if err != nil {
		return &sdk.Error{Kind: sdk.KindPermanent, Op: "read delivery", Err: err}
	}
	if d.Media, err = s.attached.take(a.GetAssigned().GetMedia()); err != nil {
		return err
	}
	r, err := s.deliverer.Deliver(ctx, d)
	if err != nil {
		return err
	}
	if r == nil {
		return effectUnsure(errors.New("the adapter returned neither a receipt nor an error"))
	}
	if len(r.State) > sdk.MaxStateBytes {
		return effectUnsure(fmt.Errorf("the adapter returned a thread state of %d bytes, at most %d", len(r.State), sdk.MaxStateBytes))
	}
	replies, err := encodeEnvelopes("reply", r.Replies, func(e *envelope.Envelope) error {
		if e.Channel != call.GetChannel() {
			return fmt.Errorf("channel: %q, must be %q", e.Channel, call.GetChannel())
		}
		return nil
	})
	if err != nil {
		return effectUnsure(err)
	}
	out.VendorId, out.State, out.HasState = r.VendorID, r.State, r.State != nil
	out.Replies, out.Degraded = replies, r.Degraded
	return nil
}

func (s *service) open(ctx context.Context, call *pluginpb.DeliverCall, a *pluginpb.OpenAction, out *pluginpb.DeliverResult) error {
	if s.opener == nil {
		return &sdk.Error{Kind: sdk.KindUnsupported, Text: "this adapter does not open conversations"}
	}
	o, err := s.opener.Open(ctx, openingFromProto(call, a))
	if err != nil {
		return err
	}
	if o == nil || o.Thread == "" || len(o.Thread) > envelope.MaxThreadBytes {
		return effectUnsure(fmt.Errorf("the adapter opened a conversation without a thread of 1 to %d bytes", envelope.MaxThreadBytes))
	}
	if len(o.State) > sdk.MaxStateBytes {
		return effectUnsure(fmt.Errorf("the adapter returned a thread state of %d bytes, at most %d", len(o.State), sdk.MaxStateBytes))
	}
	out.Thread, out.State, out.HasState, out.Accepted = o.Thread, o.State, o.State != nil, o.Accepted
	return nil
}

// effectUnsure is for mistakes of an adapter after the vendor may have taken the call.
func effectUnsure(err error) error { return &sdk.Error{Kind: sdk.KindUnknown, Err: err} }
