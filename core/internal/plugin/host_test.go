package plugin

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

func TestCallsReturnTheAdaptersResults(t *testing.T) {
	r := run(t, "")
	d, err := r.Describe(r.ctx())
	if err != nil {
		t.Fatal(err)
	}
	if d.GetName() != "hostile" || d.GetVersion() != "6.6.6" {
		t.Errorf("described as %s %s", d.GetName(), d.GetVersion())
	}
	if diff := cmp.Diff([]string{"receive", "deliver", "open", "subscribe", "fetch"}, d.GetAbilities()); diff != "" {
		t.Error(diff)
	}
	conf, err := r.Configure(r.ctx(), &pluginpb.ChannelConfig{Name: "c", Role: "bot", Settings: []byte(`{"greeting":"hi"}`)})
	if err != nil || conf.GetError() != nil {
		t.Fatalf("configure: %v %v", err, conf.GetError())
	}
	if got := conf.GetPaths()[0].GetPattern(); got != "/hostile" {
		t.Errorf("path %q", got)
	}
	res, err := r.receiveAt(r.ctx(), "/x", "words")
	if err != nil {
		t.Fatal(err)
	}
	if string(res.GetResponse().GetBody()) != "hi" {
		t.Errorf("answer %q", res.GetResponse().GetBody())
	}
	e, err := protocol.DecodeEnvelope(res.GetEnvelopes()[0])
	if err != nil || e.Text() != "words" || e.Channel != "c" {
		t.Errorf("envelope %+v, %v", e, err)
	}
	out, err := r.Deliver(r.ctx(), send(t, "/reply", "key-1"))
	if err != nil || out.GetError() != nil {
		t.Fatalf("deliver: %v %v", err, out.GetError())
	}
	if out.GetVendorId() != "vendor-key-1" || string(out.GetState()) != "attempt 1" || !out.GetHasState() {
		t.Errorf("receipt %v", out)
	}
	reply, err := protocol.DecodeEnvelope(out.GetReplies()[0])
	if err != nil || reply.Text() != "hi" || reply.Thread != "thread" {
		t.Errorf("reply %+v, %v", reply, err)
	}
}

func TestOpen(t *testing.T) {
	r := run(t, "")
	open := func(reason string) *pluginpb.DeliverResult {
		t.Helper()
		out, err := r.Deliver(r.ctx(), &pluginpb.DeliverCall{Channel: "c", Action: &pluginpb.DeliverCall_Open{
			Open: &pluginpb.OpenAction{CustomerId: "42", Offer: true, Reason: reason}}})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if out := open("why"); out.GetThread() != "thread-42" || !out.GetAccepted() || out.GetError() != nil {
		t.Errorf("opened %v", out)
	}
	if e := open("decline").GetError(); e.GetKind() != string(sdk.KindDeclined) || e.GetReason() != "busy" {
		t.Errorf("declined as %v", e)
	}
}

func TestCallsReturnTypedErrors(t *testing.T) {
	r := run(t, "")
	for _, tc := range []struct {
		path, kind, text string
		status           int32
	}{
		{"/error", "transient", "something broke", 500},
		{"/refuse", "unauthorized", "wrong signature", 0},
		{"/invalid", "transient", "kind: unknown", 500},
		{"/too-big", "permanent", "larger than", 500},
	} {
		t.Run("receive"+tc.path, func(t *testing.T) {
			res, err := r.receiveAt(r.ctx(), tc.path, "")
			if err != nil {
				t.Fatal(err)
			}
			e := res.GetError()
			if e.GetKind() != tc.kind || !strings.Contains(e.GetText(), tc.text) || e.GetStatus() != tc.status {
				t.Errorf("error %v", e)
			}
		})
	}
}

func TestLargeMessages(t *testing.T) {
	r := run(t, "")
	res, err := r.receiveAt(r.ctx(), "/big", strings.Repeat("y", 5<<20))
	if err != nil || len(res.GetResponse().GetBody()) != 5<<20 {
		t.Fatalf("5 MiB: %d bytes back, %v", len(res.GetResponse().GetBody()), err)
	}
	_, err = r.receiveAt(r.ctx(), "/x", strings.Repeat("y", 9<<20))
	if _, ok := errors.AsType[*TooLargeError](err); !ok {
		t.Fatalf("9 MiB: %v", err)
	}
	if _, err := r.receiveAt(r.ctx(), "/x", ""); err != nil || r.Status().Instance != 1 {
		t.Errorf("the stream broke: %v", err)
	}
}

func TestConcurrentCallsGetTheirOwnResults(t *testing.T) {
	r := run(t, "")
	r.ready()
	var wg sync.WaitGroup
	for i := range 500 {
		wg.Go(func() {
			want := strings.Repeat("z", i+1)
			res, err := r.receiveAt(r.ctx(), "/x", want)
			if err != nil {
				t.Error(err)
				return
			}
			if e, err := protocol.DecodeEnvelope(res.GetEnvelopes()[0]); err != nil || e.Text() != want {
				t.Errorf("call %d got the result of another one", i)
			}
		})
	}
	wg.Wait()
}

func TestDeadlineEndsTheCallInTheAdapter(t *testing.T) {
	r := run(t, "")
	r.ready()
	// The context does not end at its deadline, since the adapter's answer may be late on a slow machine.
	out, err := r.Deliver(lateContext{r.ctx(), time.Now().Add(2 * time.Second)}, send(t, "/wait", "k"))
	if err != nil {
		t.Fatalf("the adapter does not answer: %v", err)
	}
	if out.GetError().GetKind() != string(sdk.KindUnknown) {
		t.Errorf("error %v", out.GetError())
	}
}

func TestCancelEndsTheCallInTheAdapter(t *testing.T) {
	r := run(t, "", func(o *Options) { o.DrainTimeout = waitLimit / 2 })
	r.ready()
	ctx, cancel := context.WithCancel(r.ctx())
	failed := make(chan error, 1)
	go func() {
		_, err := r.Deliver(ctx, send(t, "/wait", "k"))
		failed <- err
	}()
	s := r.session.Load()
	waitFor(t, "the call is sent", func() bool { return s.deliver.sentCount() == 1 })
	cancel()
	if err := <-failed; err != nil {
		t.Fatalf("the result after the cancel is lost: %v", err)
	}
	began := time.Now()
	r.stop() // waits for running calls
	if d := time.Since(began); d >= waitLimit/2 {
		t.Errorf("the call was still running: stop took %s", d)
	}
}

func TestStartDeliverPassesResults(t *testing.T) {
	r := run(t, "", func(o *Options) { o.DeliverHold = time.Second })
	r.ready()
	type outcome struct {
		res *pluginpb.DeliverResult
		err error
	}
	start := func(ctx context.Context, text string) (cancel func(), ended <-chan outcome) {
		out := make(chan outcome, 2)
		return r.StartDeliver(ctx, send(t, text, "k"), func(res *pluginpb.DeliverResult, err error) {
			out <- outcome{res, err}
		}), out
	}
	_, ended := start(r.ctx(), "/reply")
	if o := <-ended; o.err != nil || o.res.GetVendorId() != "vendor-k" {
		t.Errorf("reply: %v, %v", o.res, o.err)
	}
	ctx, end := context.WithCancel(r.ctx())
	cancel, ended := start(ctx, "/wait")
	s := r.session.Load()
	waitFor(t, "the call is sent", func() bool { return s.deliver.sentCount() == 1 })
	end()
	cancel()
	if o := <-ended; o.err != nil || o.res.GetError() == nil {
		t.Errorf("the result after the cancel is lost: %v, %v", o.res, o.err)
	}
	_, ended = start(r.ctx(), "/exit")
	if o := <-ended; o.err == nil {
		t.Error("a call that ended the process succeeded")
	}
	r.stop()
	_, ended = start(r.ctx(), "/reply")
	if o := <-ended; !errors.Is(o.err, ErrNotReady) {
		t.Errorf("without a process: %v", o.err)
	}
}
