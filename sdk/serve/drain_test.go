package serve

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

func TestDrainRefusesNewCallsAndWaitsForRunningOnes(t *testing.T) {
	release, drained := make(chan struct{}), make(chan struct{})
	svc, client := connect(t, &scripted{
		deliver: func(context.Context, *sdk.Delivery) (*sdk.Receipt, error) { <-release; return &sdk.Receipt{}, nil },
		drain:   func(context.Context) error { close(drained); return nil },
	})
	stream, err := client.Deliver(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	deliver := func(id uint64) {
		if err := stream.Send(&pluginpb.DeliverRequest{Calls: []*pluginpb.DeliverCall{sendCall(t, id, hello(), nil)}}); err != nil {
			t.Fatal(err)
		}
	}
	deliver(1)
	waitFor(t, "the call runs", func() bool { return svc.calls.count() == 1 })
	result := make(chan *pluginpb.DrainResponse, 1)
	go func() {
		r, err := client.Drain(t.Context(), &pluginpb.DrainRequest{Timeout: durationpb.New(time.Minute)})
		if err != nil {
			t.Error(err)
		}
		result <- r
	}()
	waitFor(t, "calls are refused", svc.calls.refusing)
	deliver(2)
	f, err := stream.Recv()
	if err != nil || f.GetResults()[0].GetId() != 2 || f.GetResults()[0].GetError().GetKind() != string(sdk.KindTransient) {
		t.Fatalf("%v, %v", f, err)
	}
	close(release)
	if f, err = stream.Recv(); err != nil || f.GetResults()[0].GetError() != nil {
		t.Fatalf("%v, %v", f, err)
	}
	if r := <-result; r.GetRunning() != 0 {
		t.Errorf("running %d", r.GetRunning())
	}
	<-drained
}

func (c *calls) refusing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.draining
}

// waitFor waits until ok returns true.
func waitFor(t *testing.T, condition string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("condition not met: %s", condition)
		}
	}
}

func TestStopEndsStreamsAfterTheLastResult(t *testing.T) {
	svc, client := connect(t, &scripted{deliver: func(context.Context, *sdk.Delivery) (*sdk.Receipt, error) { return &sdk.Receipt{VendorID: "last"}, nil }})
	stream, err := client.Deliver(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&pluginpb.DeliverRequest{Calls: []*pluginpb.DeliverCall{sendCall(t, 1, hello(), nil)}}); err != nil {
		t.Fatal(err)
	}
	if f, err := stream.Recv(); err != nil || f.GetResults()[0].GetVendorId() != "last" {
		t.Fatalf("%v, %v", f, err)
	}
	svc.stop(time.Minute)
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("end: %v", err)
	}
}
