package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// maxResultBytes leaves room for the frame around a result.
const maxResultBytes = protocol.MaxMessageBytes - 1<<10

var errResultTooLarge = &sdk.Error{
	Kind: sdk.KindPermanent, Status: http.StatusInternalServerError,
	Text: fmt.Sprintf("the adapter's result is larger than %d bytes", maxResultBytes),
}

// Receive implements pluginpb.PluginServiceServer.
func (s *service) Receive(stream pluginpb.PluginService_ReceiveServer) error {
	if s.receiver == nil {
		return status.Error(codes.Unimplemented, "this adapter does not receive")
	}
	w := newResultWriter(receiveResultSize, func(r []*pluginpb.ReceiveResult) error {
		return stream.Send(&pluginpb.ReceiveResponse{Results: r})
	})
	recv := func() ([]*pluginpb.ReceiveCall, error) {
		frame, err := stream.Recv()
		return frame.GetCalls(), err
	}
	refuse := func(id uint64) *pluginpb.ReceiveResult {
		return &pluginpb.ReceiveResult{Id: id, Error: errorToProto(errStopping)}
	}
	return serveCalls(s, stream.Context(), callReceive, recv, s.receive, refuse, w)
}

// receive runs one call. It always returns a result.
func (s *service) receive(ctx context.Context, call *pluginpb.ReceiveCall) *pluginpb.ReceiveResult {
	out := &pluginpb.ReceiveResult{Id: call.GetId()}
	req := requestFromProto(call)
	err := s.catchPanic("receive", func() error {
		rec, err := s.receiver.Receive(ctx, req)
		if err != nil {
			return err
		}
		if rec == nil {
			return errors.New("the adapter returned neither a reception nor an error")
		}
		out.Response = responseToProto(&rec.Response)
		out.Envelopes, err = encodeEnvelopes("envelope", rec.Envelopes, func(e *envelope.Envelope) error {
			if !slices.Contains(req.Channels, e.Channel) {
				return fmt.Errorf("channel: %q is not a channel of this call", e.Channel)
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
