package serve

import (
	"context"
	"log/slog"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// scripted is an adapter. The test sets its methods.
type scripted struct {
	description sdk.Description
	configure   func(sdk.Channel) (sdk.Endpoint, error)
	receive     func(context.Context, *sdk.Request) (*sdk.Reception, error)
	deliver     func(context.Context, *sdk.Delivery) (*sdk.Receipt, error)
	open        func(context.Context, *sdk.OpenRequest) (*sdk.OpenResult, error)
	drain       func(context.Context) error
	health      func(string) error
	validate    func(sdk.Channel) []sdk.Problem
}

func (a *scripted) Describe() sdk.Description { return a.description }

func (a *scripted) Configure(_ context.Context, ch sdk.Channel) (sdk.Endpoint, error) {
	if a.configure == nil {
		return sdk.Endpoint{}, nil
	}
	return a.configure(ch)
}

func (a *scripted) Receive(ctx context.Context, r *sdk.Request) (*sdk.Reception, error) {
	return a.receive(ctx, r)
}

func (a *scripted) Deliver(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	return a.deliver(ctx, d)
}

func (a *scripted) Open(ctx context.Context, o *sdk.OpenRequest) (*sdk.OpenResult, error) {
	return a.open(ctx, o)
}

func (a *scripted) Validate(ch sdk.Channel) []sdk.Problem { return a.validate(ch) }

func (a *scripted) Drain(ctx context.Context) error {
	if a.drain == nil {
		return nil
	}
	return a.drain(ctx)
}

func (a *scripted) Health(_ context.Context, ch string) error {
	if a.health == nil {
		return nil
	}
	return a.health(ch)
}

var noLogger = slog.New(slog.DiscardHandler)

// connect serves an adapter in this process and returns a client.
func connect(t *testing.T, a sdk.Adapter) (*service, pluginpb.PluginServiceClient) {
	t.Helper()
	svc := newService(a, noLogger)
	lis := bufconn.Listen(1 << 20)
	srv := grpc.NewServer()
	pluginpb.RegisterPluginServiceServer(srv, svc)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = srv.Serve(lis)
	}()
	conn, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		srv.Stop()
		<-served
	})
	return svc, pluginpb.NewPluginServiceClient(conn)
}

func sendCall(t *testing.T, id uint64, e *envelope.Envelope, a *pluginpb.Assigned) *pluginpb.DeliverCall {
	t.Helper()
	b, err := protocol.EncodeEnvelope(e)
	if err != nil {
		t.Fatal(err)
	}
	return &pluginpb.DeliverCall{Id: id, Channel: "c", Key: "k", Attempt: 2, Action: &pluginpb.DeliverCall_Send{
		Send: &pluginpb.SendAction{Thread: "t", State: []byte("s"), Envelope: b, Assigned: a, History: [][]byte{b}}}}
}

func hello() *envelope.Envelope {
	return &envelope.Envelope{
		Channel: "c", Thread: "t", Kind: envelope.KindMessage, Sender: envelope.Sender{Role: envelope.RoleBot},
		Parts: []envelope.Part{envelope.TextPart("hello")}, Attributes: map[string]string{"a": "1"},
	}
}
