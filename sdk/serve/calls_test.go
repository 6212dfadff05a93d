package serve

import (
	"testing"
	"time"
)

func TestCancellationMayOvertakeItsCall(t *testing.T) {
	c := newCalls()
	c.cancel(callDeliver, []uint64{2})
	c.cancel(callFetch, []uint64{2})
	for id, canceled := range []bool{1: false, 2: true, 3: false} {
		if id == 0 {
			continue
		}
		ctx, ok := c.start(t.Context(), callDeliver, uint64(id), time.Hour)
		if !ok || (ctx.Err() != nil) != canceled {
			t.Errorf("call %d: %v, %v", id, ok, ctx.Err())
		}
		c.end(callDeliver, uint64(id))
	}
	c.cancel(callDeliver, []uint64{1}) // it has ended
	if ctx, _ := c.start(t.Context(), callFetch, 2, 0); ctx.Err() != nil {
		t.Errorf("fetch: %v", ctx.Err())
	}
	if n := len(c.preempted[callDeliver]); n != 0 {
		t.Errorf("%d cancellations are kept", n)
	}
}
