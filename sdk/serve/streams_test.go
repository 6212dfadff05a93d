package serve

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/sdk"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

func TestMissingAbilitiesAreUnimplemented(t *testing.T) {
	type bare struct{ sdk.Adapter }
	_, client := connect(t, bare{&scripted{}})
	d, err := client.Describe(t.Context(), &pluginpb.DescribeRequest{})
	if err != nil || len(d.GetAbilities()) != 0 {
		t.Errorf("abilities %v, %v", d.GetAbilities(), err)
	}
	receive, err := client.Receive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := receive.Recv(); status.Code(err) != codes.Unimplemented {
		t.Errorf("receive: %v", err)
	}
	fetch, err := client.Fetch(t.Context(), &pluginpb.FetchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := fetch.Recv(); err != nil || got.GetError().GetKind() != string(sdk.KindUnsupported) {
		t.Errorf("fetch: %v, %v; want unsupported", got, err)
	}
}

func TestSlowCallDoesNotBlockOthers(t *testing.T) {
	release := make(chan struct{})
	_, client := connect(t, &scripted{deliver: func(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
		if d.Envelope.ID == "slow" {
			<-release
		}
		return &sdk.Receipt{}, nil
	}})
	stream, err := client.Deliver(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = stream.Send(&pluginpb.DeliverRequest{Calls: []*pluginpb.DeliverCall{
		sendCall(t, 1, hello(), &pluginpb.Assigned{Id: "slow"}), sendCall(t, 2, hello(), nil)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []uint64{2, 1} {
		f, err := stream.Recv()
		if err != nil || len(f.GetResults()) != 1 || f.GetResults()[0].GetId() != want {
			t.Fatalf("%v, %v", f, err)
		}
		if want == 2 {
			close(release)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("end: %v", err)
	}
}

func TestTimeoutAndCancelReachTheCall(t *testing.T) {
	started := make(chan struct{}, 2)
	_, client := connect(t, &scripted{deliver: func(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
		started <- struct{}{}
		<-ctx.Done()
		return nil, &sdk.Error{Kind: sdk.KindUnknown, Text: ctx.Err().Error()}
	}})
	stream, err := client.Deliver(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	timed := sendCall(t, 1, hello(), nil)
	timed.Timeout = durationpb.New(time.Millisecond)
	if err := stream.Send(&pluginpb.DeliverRequest{Calls: []*pluginpb.DeliverCall{timed}}); err != nil {
		t.Fatal(err)
	}
	f, err := stream.Recv()
	if err != nil || !strings.Contains(f.GetResults()[0].GetError().GetText(), "deadline") {
		t.Fatalf("%v, %v", f, err)
	}
	if err := stream.Send(&pluginpb.DeliverRequest{Calls: []*pluginpb.DeliverCall{sendCall(t, 2, hello(), nil)}}); err != nil {
		t.Fatal(err)
	}
	<-started
	<-started
	if _, err := client.Cancel(t.Context(), &pluginpb.CancelRequest{Receive: []uint64{2}, Deliver: []uint64{2, 99}}); err != nil {
		t.Fatal(err)
	}
	f, err = stream.Recv()
	if err != nil || !strings.Contains(f.GetResults()[0].GetError().GetText(), "canceled") {
		t.Fatalf("%v, %v", f, err)
	}
}

func TestQueuedResultsShareFramesWithinTheLimits(t *testing.T) {
	var frames [][]int
	w := newResultWriter(func(n int) int { return n }, func(f []int) error {
		frames = append(frames, append([]int(nil), f...))
		return nil
	})
	for _, n := range []int{1, protocol.MaxFrameBytes, 5, 6, 7 << 20} {
		w.put(n)
	}
	for range protocol.MaxFrameCalls + 1 {
		w.put(0)
	}
	w.close()
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	var sizes []int
	for _, f := range frames {
		sizes = append(sizes, len(f))
	}
	if diff := cmp.Diff([]int{1, 1, 2, 1, protocol.MaxFrameCalls, 1}, sizes); diff != "" {
		t.Error(diff)
	}
}
