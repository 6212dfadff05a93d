package subscription

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/plugin"
	"patchbay/sdk/protocol/pluginpb"
)

func TestOnlyChangedSubscriptionsStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &fakeWriter{}
		lastBatch := func(ctx context.Context, _ *pluginpb.SubscribeRequest, store plugin.Store) error {
			<-ctx.Done()
			time.Sleep(time.Second) // the adapter needs a second to stop
			return store(context.Background(), encoded(t, "last"), []byte("2"))
		}
		b := start(t, w, lastBatch)
		synctest.Wait()
		kept := Channel{Name: "c", Adapter: "a", Host: b.host, MaxPause: testMaxPause}
		added := Channel{Name: "d", Adapter: "a", Host: &host{scripts: []script{waitForEnd}}}
		b.set.Configure([]Channel{kept, added})
		synctest.Wait()
		if b.callCount() != 1 || added.Host.(*host).callCount() != 1 {
			t.Fatalf("subscriptions started %d and %d times, want once each", b.callCount(), added.Host.(*host).callCount())
		}
		moved := kept
		moved.Host = &host{scripts: []script{waitForEnd}}
		b.set.Suspend([]Channel{moved, added})
		if !w.done() || moved.Host.(*host).callCount() != 0 {
			t.Error("Suspend must wait for the last batch and start nothing")
		}
		if len(b.removed) > 0 {
			t.Errorf("%v count as removed, want none", b.removed)
		}
		b.set.Configure([]Channel{moved})
		if diff := cmp.Diff([]string{"d"}, b.removed); diff != "" {
			t.Errorf("removed subscriptions (-want +got):\n%s", diff)
		}
		synctest.Wait()
		if b.callCount() != 1 || moved.Host.(*host).callCount() != 1 {
			t.Error("the subscription did not move to the other process")
		}
		b.stop()
	})
}
