package serve

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// Deliver implements pluginpb.PluginServiceServer.
func (s *service) Deliver(stream pluginpb.PluginService_DeliverServer) error {
	if s.deliverer == nil {
		return status.Error(codes.Unimplemented, "this adapter does not deliver")
	}
	w := newResultWriter(deliverResultSize, func(r []*pluginpb.DeliverResult) error {
		return stream.Send(&pluginpb.DeliverResponse{Results: r})
	})
	recv := func() ([]*pluginpb.DeliverCall, error) {
		frame, err := stream.Recv()
		return frame.GetCalls(), err
	}
	refuse := func(id uint64) *pluginpb.DeliverResult {
		return &pluginpb.DeliverResult{Id: id, Error: errorToProto(errStopping)}
	}
	return serveCalls(s, stream.Context(), callDeliver, recv, s.deliver, refuse, w)
}

// deliver runs one call. It always returns a result.
func (s *service) deliver(ctx context.Context, call *pluginpb.DeliverCall) *pluginpb.DeliverResult {
	out := &pluginpb.DeliverResult{Id: call.GetId()}
	err := s.catchPanic("deliver", func() error {
		switch a := call.GetAction().(type) {
		case *pluginpb.DeliverCall_Send:
			return s.send(ctx, call, a.Send, out)
		case *pluginpb.DeliverCall_Open:
			return s.open(ctx, call, a.Open, out)
		default:
			return &sdk.Error{Kind: sdk.KindUnsupported, Text: "the adapter does not support the action of this call"}
		}
	})
	if err == nil && deliverResultSize(out) > protocol.MaxFrameBytes && proto.Size(out) > maxResultBytes {
		err = outcomeUnknown(errResultTooLarge)
	}
	if err != nil {
		return &pluginpb.DeliverResult{Id: call.GetId(), Error: deliverError(ctx, err)}
	}
	return out
}

func (s *service) send(
	ctx context.Context, call *pluginpb.DeliverCall, a *pluginpb.SendAction, out *pluginpb.DeliverResult,
) error {
	d, err := deliveryFromProto(call, a)
	if err != nil {
		return &sdk.Error{Kind: sdk.KindPermanent, Op: "read delivery", Err: err}
	}
	if d.Media, err = s.attached.take(a.GetAssigned().GetMedia()); err != nil {
		return err
	}
	cleanDelivery(d)
	r, err := s.deliverer.Deliver(ctx, d)
	if err != nil {
		return err
	}
	if r == nil {
		return outcomeUnknown(errors.New("the adapter returned neither a receipt nor an error"))
	}
	if err := checkState(r.State); err != nil {
		return err
	}
	replies, err := encodeEnvelopes("reply", r.Replies, func(e *envelope.Envelope) error {
		if e.Channel != call.GetChannel() {
			return fmt.Errorf("channel: %q, must be %q", e.Channel, call.GetChannel())
		}
		return nil
	})
	if err != nil {
		return outcomeUnknown(err)
	}
	out.VendorId, out.State, out.HasState = r.VendorID, r.State, r.State != nil
	out.Replies, out.Degraded = replies, r.Degraded
	return nil
}

func (s *service) open(
	ctx context.Context, call *pluginpb.DeliverCall, a *pluginpb.OpenAction, out *pluginpb.DeliverResult,
) error {
	if s.opener == nil {
		return &sdk.Error{Kind: sdk.KindUnsupported, Text: "this adapter does not open conversations"}
	}
	request := openRequestFromProto(call, a)
	cleanOpen(request)
	o, err := s.opener.Open(ctx, request)
	if err != nil {
		return err
	}
	if o == nil || o.Thread == "" || len(o.Thread) > envelope.MaxThreadBytes {
		err := fmt.Errorf("the adapter opened a conversation without a thread of 1 to %d bytes", envelope.MaxThreadBytes)
		return outcomeUnknown(err)
	}
	if err := checkState(o.State); err != nil {
		return err
	}
	out.Thread, out.State, out.HasState, out.Accepted = o.Thread, o.State, o.State != nil, o.Accepted
	return nil
}

func checkState(state []byte) error {
	if len(state) <= sdk.MaxStateBytes {
		return nil
	}
	err := fmt.Errorf("the adapter returned a thread state of %d bytes, at most %d", len(state), sdk.MaxStateBytes)
	return outcomeUnknown(err)
}
