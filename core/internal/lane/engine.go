package lane

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
	"golang.org/x/time/rate"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/state"
)

// Options are what an Engine needs.
type Options struct {
	Channels []Channel
	Load     Loader
	Media    Media // nil: what has no link is put into words
	Finish   Finish
	Observer Observer
	Logger   *slog.Logger
}

// Engine makes the calls. Its methods are safe for concurrent use.
type Engine struct {
	Options
	ctx  context.Context // ends when calls must stop
	stop context.CancelFunc

	mu       sync.Mutex
	channels map[string]*channel
	adapters map[string]*adapterState
	waiting  map[string]*task // by delivery
	stopping bool
	running  sync.WaitGroup
}

// task is a job on its way.
type task struct {
	job        *delivery.Job
	ch         *channel
	cancel     context.CancelFunc // set while its call runs
	cancelled  bool
	preparing  bool                // its media are being read; then cancel ends that
	crashes    int                 // for the adapter's deaths
	suspect    bool                // it was there when the adapter died, so it runs alone
	media      map[int]readyMedium // by part, once they were read
	mediaBytes int64               // of media that go with the call
}

// channel is the state of one channel. The engine's lock guards it.
type channel struct {
	Channel
	process       *adapterState
	queue         []*task
	running       int
	mediaInFlight int64 // bytes of media in the calls that run
	breaker       *gobreaker.TwoStepCircuitBreaker[any]
	limiter       *rate.Limiter
	pause         time.Time // the vendor asked to wait until then
	wakeTimer     *time.Timer
}

// process is the state of one adapter: several channels share it.
type adapterState struct {
	running  int
	suspects []*task // in doubt; while there are any, they run alone
	suspect  *task   // the suspect that runs
	channels []*channel
}

// New returns an engine that takes jobs at once.
func New(o Options) *Engine {
	ctx, stop := context.WithCancel(context.Background())
	e := &Engine{
		Options: o, ctx: ctx, stop: stop, channels: map[string]*channel{}, adapters: map[string]*adapterState{},
		waiting: map[string]*task{},
	}
	for _, c := range o.Channels {
		p := e.adapters[c.Adapter]
		if p == nil {
			p = &adapterState{}
			e.adapters[c.Adapter] = p
		}
		ch := &channel{Channel: c, process: p, breaker: e.newBreaker(c.Name)}
		if c.Rate > 0 {
			ch.limiter = rate.NewLimiter(rate.Limit(c.Rate), max(int(c.Rate), 1))
		}
		p.channels = append(p.channels, ch)
		e.channels[c.Name] = ch
	}
	return e
}

func (e *Engine) newBreaker(name string) *gobreaker.TwoStepCircuitBreaker[any] {
	return gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
		Name: name, MaxRequests: 1, Timeout: breakerOpen,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= breakerFailures },
		IsExcluded:  func(err error) bool { return errors.Is(err, errNotCalled) },
		OnStateChange: func(name string, from, to gobreaker.State) {
			e.Logger.Info("circuit breaker changed", "channel", name, "from", from.String(), "to", to.String())
			e.Observer.Breaker(name, to.String())
		},
	})
}

// Submit queues the head of a lane.
func (e *Engine) Submit(j *delivery.Job) {
	e.mu.Lock()
	ch := e.channels[j.Delivery.Channel]
	if ch == nil || e.stopping {
		e.mu.Unlock()
		if ch == nil {
			e.finish(j, &delivery.Outcome{Result: delivery.ResultDead, Error: "unconfigured", Text: "channel is not in the configuration"})
		}
		return // while stopping, the lane head waits in the log for the next start
	}
	t := &task{job: j, ch: ch}
	e.waiting[j.Delivery.ID] = t
	if d := &j.Delivery; e.Media != nil && d.Kind == state.KindSend && d.Item.Extent.Media > 0 {
		e.prepareMedia(t)
	} else {
		ch.queue = append(ch.queue, t)
		e.startCalls(ch.process)
	}
	e.mu.Unlock()
}

// Cancel ends a call that nobody waits for, or takes its job out of the queue. The outcome still comes.
func (e *Engine) Cancel(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.waiting[id]
	if t == nil || t.cancelled {
		return
	}
	t.cancelled = true
	if t.cancel != nil {
		t.cancel()
		return
	}
	t.ch.remove(t)
	delete(e.waiting, id)
	e.finish(t.job, &delivery.Outcome{Result: delivery.ResultRetry, Error: "cancelled", Next: time.Now(), NotCalled: true})
}

// next returns the place of the first job that may begin, or -1. Media wait until there is room for their bytes, and no others
// overtake them; words pass.
func (c *channel) next() int {
	full := false
	for i, t := range c.queue {
		if t.mediaBytes == 0 || !full && (c.mediaInFlight == 0 || c.mediaInFlight+t.mediaBytes <= maxMediaInFlight) {
			return i
		}
		full = true
	}
	return -1
}

// take takes a job out of the queue.
func (c *channel) take(i int) *task {
	t := c.queue[i]
	if i == 0 {
		c.queue = c.queue[1:]
	} else {
		c.queue = slices.Delete(c.queue, i, i+1)
	}
	return t
}

func (c *channel) remove(t *task) {
	for i, q := range c.queue {
		if q == t {
			c.queue = append(c.queue[:i:i], c.queue[i+1:]...)
			return
		}
	}
	for i, q := range c.process.suspects {
		if q == t {
			c.process.suspects = append(c.process.suspects[:i:i], c.process.suspects[i+1:]...)
			return
		}
	}
}

// Reachable reports whether a call to the channel has a chance now: its breaker is not open.
func (e *Engine) Reachable(name string) bool {
	e.mu.Lock()
	ch := e.channels[name]
	e.mu.Unlock()
	return ch != nil && ch.breaker.State() != gobreaker.StateOpen
}

// Stop takes no more jobs, lets running calls end until ctx does, then cancels them, and returns when none runs.
// Jobs that were not begun have no outcome: they are in the log.
func (e *Engine) Stop(ctx context.Context) {
	e.mu.Lock()
	e.stopping = true
	for _, ch := range e.channels {
		ch.queue = nil
		if ch.wakeTimer != nil {
			ch.wakeTimer.Stop()
		}
	}
	for _, p := range e.adapters {
		p.suspects = nil
	}
	for _, t := range e.waiting {
		if t.preparing {
			t.cancel()
		}
	}
	e.mu.Unlock()
	done := make(chan struct{})
	go func() { e.running.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		e.stop()
		<-done
	}
	e.stop()
}

// State returns what an operator may want to know of a channel: breaker, pause, jobs that wait, also for their media, and
// that run.
func (e *Engine) State(name string) (breaker string, paused time.Duration, waiting, running int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	ch := e.channels[name]
	if ch == nil {
		return "", 0, 0, 0
	}
	waiting = len(ch.queue)
	for _, t := range e.waiting {
		if t.preparing && t.ch == ch {
			waiting++
		}
	}
	return ch.breaker.State().String(), max(time.Until(ch.pause), 0), waiting, ch.running
}

func (e *Engine) finish(j *delivery.Job, o *delivery.Outcome) {
	o.Conversation, o.Delivery, o.Channel = j.Conv.ID, j.Delivery.ID, j.Delivery.Channel
	o.Kind, o.Offer = j.Delivery.Kind, j.Delivery.Offer
	if o.Thread == "" {
		o.Thread = j.Thread
	}
	e.Finish(o)
}
