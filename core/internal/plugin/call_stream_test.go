package plugin

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// manualStream is a callStream. The test is the adapter: it reads the calls and sends the results.
type manualStream struct {
	*callStream[*pluginpb.DeliverCall, *pluginpb.DeliverResult]
	sent         chan []uint64
	hangs        chan struct{}
	overdueCount atomic.Int64
	results      chan *pluginpb.DeliverResult
}

func newManualStream() *manualStream {
	m := &manualStream{
		callStream: newCallStream[*pluginpb.DeliverCall, *pluginpb.DeliverResult](),
		sent:       make(chan []uint64, 100), hangs: make(chan struct{}, 1), results: make(chan *pluginpb.DeliverResult, 100),
	}
	m.size = deliverCallSize
	m.grace, m.overdue = time.Second, func(change int) { m.overdueCount.Add(int64(change)) }
	m.hung = func(*pluginpb.DeliverCall) { m.hangs <- struct{}{} }
	m.idOf = (*pluginpb.DeliverResult).GetId
	m.prepare = func(c *pluginpb.DeliverCall, id uint64, limit *durationpb.Duration) { c.Id, c.Timeout = id, limit }
	m.send = func(calls []*pluginpb.DeliverCall) error {
		var ids []uint64
		for _, c := range calls {
			ids = append(ids, c.GetId())
		}
		m.sent <- ids
		return nil
	}
	m.recv = func() ([]*pluginpb.DeliverResult, error) {
		r, ok := <-m.results
		if !ok {
			return nil, errors.New("end")
		}
		return []*pluginpb.DeliverResult{r}, nil
	}
	return m
}

type callResult[R any] struct {
	result R
	err    error
}

// begin starts a call in the background.
func (m *manualStream) begin(ctx context.Context, call *pluginpb.DeliverCall) <-chan callResult[*pluginpb.DeliverResult] {
	out := make(chan callResult[*pluginpb.DeliverResult], 1)
	go func() {
		r, err := m.do(ctx, call)
		out <- callResult[*pluginpb.DeliverResult]{r, err}
	}()
	return out
}

func TestCloseCountsSentCallsOnly(t *testing.T) {
	m := newManualStream()
	written := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { written <- m.write(ctx) }()
	first := m.begin(t.Context(), &pluginpb.DeliverCall{})
	<-m.sent
	cancel()
	<-written
	second := m.begin(t.Context(), &pluginpb.DeliverCall{}) // the writer has ended
	waitFor(t, "both are pending", func() bool { return m.pendingCalls() == 2 })
	if n := m.close().sent; n != 1 {
		t.Errorf("%d calls were sent, want 1", n)
	}
	m.fail(func(bool) error { return errors.New("died") })
	if o := <-first; o.err == nil || o.err.Error() != "died" {
		t.Errorf("sent: %v", o.err)
	}
	if o := <-second; !errors.Is(o.err, errNotSent) {
		t.Errorf("not sent: %v", o.err)
	}
	if _, err := m.do(t.Context(), &pluginpb.DeliverCall{}); !errors.Is(err, errNotSent) {
		t.Errorf("after close: %v", err)
	}
}

func TestAbandonedCalls(t *testing.T) {
	m := newManualStream()
	ctx, cancel := context.WithCancel(t.Context())
	queuedCall := m.begin(ctx, &pluginpb.DeliverCall{})
	waitFor(t, "it is pending", func() bool { return m.pendingCalls() == 1 })
	cancel()
	if o := <-queuedCall; !errors.Is(o.err, errNotSent) {
		t.Errorf("before it was sent: %v", o.err)
	}
	if ids := m.takeAbandoned(); len(ids) != 0 {
		t.Errorf("cancels %v", ids)
	}
	stop, end := context.WithCancel(t.Context())
	written := make(chan error, 1)
	go func() { written <- m.write(stop) }()
	ctx, cancel = context.WithCancel(t.Context())
	sentCall := m.begin(ctx, &pluginpb.DeliverCall{})
	ids := <-m.sent
	if diff := cmp.Diff([]uint64{2}, ids); diff != "" {
		t.Errorf("the abandoned call was sent: %s", diff)
	}
	cancel()
	<-m.cancels
	if diff := cmp.Diff([]uint64{2}, m.takeAbandoned()); diff != "" {
		t.Error(diff)
	}
	m.close()
	m.fail(func(bool) error { return errors.New("died") })
	if o := <-sentCall; o.err == nil || o.err.Error() != "died" {
		t.Errorf("after it was sent: %v", o.err)
	}
	end()
	<-written
}

func TestCanceledCallHasTheGraceToEnd(t *testing.T) {
	for name, late := range map[string]time.Duration{"in time": time.Second - 1, "hung": time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newManualStream()
				stop, end := context.WithCancel(t.Context())
				written, read := make(chan error, 1), make(chan error, 1)
				go func() { written <- m.write(stop) }()
				go func() { read <- m.read() }()
				ctx, cancel := context.WithCancel(t.Context())
				out := m.begin(ctx, &pluginpb.DeliverCall{})
				<-m.sent
				cancel()
				time.Sleep(time.Minute) // as if the process got no CPU time
				m.markCanceled(m.takeAbandoned())
				if n := m.overdueCount.Load(); n != 1 {
					t.Errorf("%d calls are overdue, want 1", n)
				}
				time.Sleep(late)
				synctest.Wait()
				if hung := len(m.hangs) == 1; hung != (name == "hung") || hung != (m.pendingCalls() == 0) {
					t.Errorf("hung: %v with %d other calls", hung, m.pendingCalls())
				}
				m.results <- &pluginpb.DeliverResult{Id: 1, VendorId: "v"}
				if o := <-out; o.err != nil || o.result.GetVendorId() != "v" || m.overdueCount.Load() != 0 {
					t.Errorf("outcome %+v, %d overdue", o, m.overdueCount.Load())
				}
				close(m.results)
				<-read
				end()
				<-written
			})
		})
	}
}

func TestAbandonTwiceCancelsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManualStream()
		ctx, cancel := context.WithCancel(t.Context())
		written := make(chan error, 1)
		go func() { written <- m.write(ctx) }()
		call := &pluginpb.DeliverCall{}
		p, err := m.start(t.Context(), call, func(*pluginpb.DeliverResult, error) {})
		if err != nil {
			t.Fatal(err)
		}
		<-m.sent
		for range 2 {
			go m.abandon(call, p)
			synctest.Wait()
		}
		ids := m.takeAbandoned()
		if diff := cmp.Diff([]uint64{1}, ids); diff != "" || m.overdueCount.Load() != 1 {
			t.Errorf("%d calls are overdue; cancels differ:\n%s", m.overdueCount.Load(), diff)
		}
		m.markCanceled(ids)
		cancel()
		<-written
		m.close()
		m.fail(func(bool) error { return errors.New("died") })
	})
}

// A call may fail when its grace ends. The race detector checks this.
func TestFailAtTheEndOfTheGrace(t *testing.T) {
	for range 20 {
		m := newManualStream()
		m.grace = time.Millisecond
		m.hung = func(*pluginpb.DeliverCall) {}
		ctx, cancel := context.WithCancel(t.Context())
		written, abandoned := make(chan error, 1), make(chan struct{})
		go func() { written <- m.write(ctx) }()
		call := &pluginpb.DeliverCall{}
		p, err := m.start(t.Context(), call, func(*pluginpb.DeliverResult, error) {})
		if err != nil {
			t.Fatal(err)
		}
		<-m.sent
		go func() { m.abandon(call, p); close(abandoned) }()
		<-m.cancels
		cancel()
		<-written
		m.markCanceled(m.takeAbandoned())
		m.mu.Lock() // abandon waits for the lock when its timer fires
		time.Sleep(2 * m.grace)
		m.mu.Unlock()
		m.fail(func(bool) error { return errors.New("died") })
		<-abandoned
	}
}

func TestUnknownResultsAreDropped(t *testing.T) {
	m := newManualStream()
	ctx, cancel := context.WithCancel(t.Context())
	written, read := make(chan error, 1), make(chan error, 1)
	go func() { written <- m.write(ctx) }()
	go func() { read <- m.read() }()
	out := m.begin(t.Context(), &pluginpb.DeliverCall{})
	<-m.sent
	for _, id := range []uint64{99, 0, 1, 1} {
		m.results <- &pluginpb.DeliverResult{Id: id, VendorId: "v"}
	}
	if o := <-out; o.err != nil || o.result.GetVendorId() != "v" {
		t.Errorf("outcome %+v", o)
	}
	close(m.results)
	<-read
	cancel()
	<-written
}

func TestFramesObserveTheLimits(t *testing.T) {
	m := newManualStream()
	var outs []<-chan callResult[*pluginpb.DeliverResult]
	add := func(bytes int) {
		n := m.pendingCalls()
		outs = append(outs, m.begin(t.Context(), &pluginpb.DeliverCall{Action: &pluginpb.DeliverCall_Send{
			Send: &pluginpb.SendAction{Envelope: make([]byte, bytes)}}}))
		waitFor(t, "it is pending", func() bool { return m.pendingCalls() == n+1 })
	}
	for _, n := range []int{1, protocol.MaxFrameBytes, 1, 1} {
		add(n)
	}
	for range protocol.MaxFrameCalls {
		add(0)
	}
	ctx, cancel := context.WithCancel(t.Context())
	written := make(chan error, 1)
	go func() { written <- m.write(ctx) }()
	var sizes []int
	for range 4 {
		sizes = append(sizes, len(<-m.sent))
	}
	if diff := cmp.Diff([]int{1, 1, protocol.MaxFrameCalls, 2}, sizes); diff != "" {
		t.Error(diff)
	}
	cancel()
	<-written
	m.close()
	m.fail(func(bool) error { return errors.New("end") })
	for _, o := range outs {
		<-o
	}
}

func TestTimeoutIsShorterThanTheDeadline(t *testing.T) {
	m := newManualStream()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	call := &pluginpb.DeliverCall{}
	out := m.begin(ctx, call)
	waitFor(t, "it is pending", func() bool { return m.pendingCalls() == 1 })
	if d := call.GetTimeout().AsDuration(); d > time.Minute-500*time.Millisecond || d < 50*time.Second {
		t.Errorf("timeout %s", d)
	}
	cancel()
	<-out
}
