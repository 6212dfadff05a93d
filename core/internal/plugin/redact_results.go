package plugin

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"patchbay/sdk/protocol/pluginpb"
)

// redactUnary removes secrets from the responses of unary calls.
func (r *redactor) redactUnary(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn,
	invoke grpc.UnaryInvoker, opts ...grpc.CallOption,
) error {
	if err := invoke(ctx, method, req, reply, cc, opts...); err != nil {
		return r.redactStatus(err)
	}
	r.redactMessage(reply)
	return nil
}

// redactedStream removes secrets from the responses of a stream.
type redactedStream struct {
	grpc.ClientStream
	redactor *redactor
}

// RecvMsg implements grpc.ClientStream.
func (s redactedStream) RecvMsg(m any) error {
	if err := s.ClientStream.RecvMsg(m); err != nil {
		return s.redactor.redactStatus(err)
	}
	s.redactor.redactMessage(m)
	return nil
}

// redactStatus removes secrets from the text of a gRPC error. It returns any other error as it is.
func (r *redactor) redactStatus(err error) error {
	s, ok := status.FromError(err)
	if clean := r.redact(s.Message()); ok && clean != s.Message() {
		return status.Error(s.Code(), clean)
	}
	return err
}

// redactMessage removes secrets from the texts in a response that are for operators. It does not change envelopes,
// states and responses for the vendor.
func (r *redactor) redactMessage(m any) {
	switch m := m.(type) {
	case *pluginpb.ReceiveResponse:
		for _, result := range m.GetResults() {
			r.redactError(result.GetError())
		}
	case *pluginpb.DeliverResponse:
		for _, result := range m.GetResults() {
			r.redactError(result.GetError())
			result.Degraded = r.redact(result.GetDegraded())
		}
	case *pluginpb.ValidateResponse:
		for _, p := range m.GetProblems() {
			p.Message = r.redact(p.GetMessage())
		}
	case *pluginpb.WatchHealthResponse:
		for _, c := range m.GetUnhealthy() {
			c.Text = r.redact(c.GetText())
		}
	case *pluginpb.CollectMetricsResponse:
		m.Text = []byte(r.redact(string(m.GetText())))
	case interface{ GetError() *pluginpb.Error }: // configure, subscribe, fetch, attach
		r.redactError(m.GetError())
	}
}

func (r *redactor) redactError(e *pluginpb.Error) {
	if e == nil {
		return
	}
	for _, text := range []*string{&e.Op, &e.Text, &e.Code, &e.Reason, &e.Field} {
		*text = r.redact(*text)
	}
}
