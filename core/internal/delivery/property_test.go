package delivery

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"patchbay/core/internal/attempt"
	"patchbay/sdk/protocol/pluginpb"
)

// scriptedAdapter ends its calls with the given results in turn, each after a delay. A call without a result hangs.
type scriptedAdapter struct {
	mu      sync.Mutex
	answers []callResult
	calls   int
}

func (s *scriptedAdapter) Deliver(ctx context.Context, _ *pluginpb.DeliverCall) (*pluginpb.DeliverResult, error) {
	s.mu.Lock()
	a := s.answers[s.calls%len(s.answers)]
	s.calls++
	s.mu.Unlock()
	delay := 50 * time.Millisecond
	if a == (callResult{}) {
		delay = time.Hour
	}
	select {
	case <-time.After(delay):
		return a.res, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *scriptedAdapter) StartDeliver(ctx context.Context, c *pluginpb.DeliverCall,
	done func(*pluginpb.DeliverResult, error),
) func() {
	go func() { done(s.Deliver(ctx, c)) }()
	return func() {}
}

func (s *scriptedAdapter) Attach(context.Context, *pluginpb.AttachRequest, io.Reader) error {
	return nil
}

// repeater repeats deliveries as the writer does, and records when they end.
type repeater struct {
	*harness
	mu    sync.Mutex
	jobs  map[string]*attempt.Job
	ended map[string]time.Time
}

func (r *repeater) begin(j *attempt.Job) {
	r.mu.Lock()
	r.jobs[j.Delivery.ID] = j
	r.mu.Unlock()
	r.Submit(j)
}

func (r *repeater) finish(o *attempt.Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, twice := r.ended[o.Delivery]; twice {
		r.Errorf("delivery %s has ended twice", o.Delivery)
	}
	if o.Result != attempt.ResultRetry {
		r.ended[o.Delivery] = time.Now()
		return
	}
	j := *r.jobs[o.Delivery]
	j.Delivery.Error, j.Delivery.Text = o.Error, o.Text
	if !o.NotCalled {
		j.Delivery.Attempts++
	}
	time.AfterFunc(time.Until(o.Next), func() { r.begin(&j) })
}

// For all results of calls, each delivery ends exactly once, at the latest at its deadline or when the call in flight
// at its deadline ends.
func TestEveryDeliveryEnds(t *testing.T) {
	const giveUp, timeout = 20 * time.Second, 2 * time.Second
	rapid.Check(t, func(rt *rapid.T) {
		answers := rapid.SliceOfN(rapid.SampledFrom([]callResult{
			delivered(), failedWith("transient", 503), failedWith("transient", 200), failedWith("permanent", 400),
			failedWith("unauthorized", 401), throttled(3*time.Second, "channel"), throttled(time.Hour, "lane"),
			notReady(), crashed(true), crashed(false), {},
		}), 1, 30).Draw(rt, "answers")
		gaps := rapid.SliceOfN(rapid.IntRange(0, 3000), 1, 30).Draw(rt, "milliseconds between deliveries")
		failed := false
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t, Channel{Name: "unused"})
			defer h.close()
			r := &repeater{harness: h, jobs: map[string]*attempt.Job{}, ended: map[string]time.Time{}}
			calls := &scriptedAdapter{answers: answers}
			channel := Channel{Name: "faq", Adapter: "bot", Caller: calls, GiveUp: giveUp, Timeout: timeout, Concurrency: 2,
				MaxPause: time.Minute}
			other := channel
			other.Name, other.Concurrency = "other", 1
			h.Engine = New(Options{Channels: []Channel{channel, other}, Load: h.load, Finish: r.finish, Observer: h,
				Logger: slog.New(slog.DiscardHandler)})
			for i, gap := range gaps {
				time.Sleep(time.Duration(gap) * time.Millisecond)
				r.begin(h.job([]string{"faq", "faq", "other"}[i%3], "hello"))
			}
			time.Sleep(giveUp + timeout + time.Second)
			synctest.Wait()
			for id, j := range r.jobs {
				if at := r.ended[id]; at.IsZero() || at.After(j.Delivery.QueuedAt.Add(giveUp+timeout)) {
					t.Errorf("delivery %s, queued at %s, ended at %s; want within %s", id, j.Delivery.QueuedAt, at, giveUp+timeout)
				}
			}
			failed = t.Failed()
		})
		if failed {
			rt.Fatal("see above")
		}
	})
}
