package delivery

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/state"
)

// Options configure an Engine.
type Options struct {
	Channels []Channel // the first ones, see Configure
	Load     Loader
	Media    Media // if nil, text replaces the media that have no link
	Finish   Finish
	Observer Observer
	Logger   *slog.Logger
	Now      func() time.Time // a clock that does not step; nil is time.Now
}

// Engine makes the calls. Its methods are safe for concurrent use.
type Engine struct {
	Options

	mu         sync.Mutex
	channels   map[string]*channel
	adapters   map[string]*adapterState
	tasks      map[string]*task // by delivery
	checkAt    time.Time        // when checkTimer calls checkDeadlines; zero if it is not set
	checkTimer *time.Timer
	stopping   bool
	running    sync.WaitGroup
}

// New returns an engine that accepts jobs immediately.
func New(o Options) *Engine {
	e := &Engine{
		Options: o, channels: map[string]*channel{}, adapters: map[string]*adapterState{},
		tasks: map[string]*task{},
	}
	if e.Now == nil {
		e.Now = time.Now
	}
	e.checkTimer = time.AfterFunc(time.Hour, e.checkDeadlines)
	e.Configure(o.Channels)
	return e
}

// Submit queues the head of a lane. Once the engine stops, jobs for usable channels are ignored: they stay in the log.
func (e *Engine) Submit(j *attempt.Job) {
	e.mu.Lock()
	defer e.mu.Unlock()
	ch := e.channels[j.Delivery.Channel]
	switch {
	case ch == nil:
		e.finish(j, &attempt.Outcome{Result: attempt.ResultDead, Error: "unconfigured",
			Text: "channel is not in the configuration"})
		return
	case ch.Unavailable != "":
		e.finish(j, &attempt.Outcome{Result: attempt.ResultDead, Error: "unavailable", Text: ch.Unavailable})
		return
	case e.stopping:
		return
	}
	t := &task{job: j, ch: ch, settings: ch.Channel}
	e.tasks[j.Delivery.ID], ch.tasks[t] = t, true
	switch d := &j.Delivery; {
	case d.Error != "" && t.isPastDeadline():
		e.expire(t)
	case e.Media != nil && d.Kind == state.KindSend && d.Item.Extent.Media > 0:
		e.prepareMedia(t)
		e.watch(t)
	default:
		e.enqueue(t)
	}
}

// enqueue appends a task to its channel's queue. The caller holds the lock.
func (e *Engine) enqueue(t *task) {
	t.ch.append(t)
	e.startCalls(t.ch.adapter)
	e.watch(t)
}

// forget removes a task that gets no further call. The caller holds the lock.
func (e *Engine) forget(t *task) {
	delete(e.tasks, t.job.Delivery.ID)
	delete(t.ch.tasks, t)
}

// Cancel aborts the call of a delivery or removes its job from the queue. The job still gets an outcome.
func (e *Engine) Cancel(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.tasks[id]
	if t == nil || t.canceled {
		return
	}
	if t.cancel != nil {
		t.canceled = true
		t.cancel(context.Canceled)
		return
	}
	e.cancelWaiting(t)
}

// Stop accepts no more jobs, waits for running calls until ctx ends, aborts the rest, and returns when none is running.
// Jobs that have not started get no outcome: they stay in the log.
func (e *Engine) Stop(ctx context.Context) {
	e.mu.Lock()
	e.stopping = true
	for _, ch := range e.channels {
		for _, timer := range []*time.Timer{ch.wakeTimer, ch.breaker.timer} {
			if timer != nil {
				timer.Stop()
			}
		}
	}
	for _, a := range e.adapters {
		a.suspects = nil
	}
	for _, t := range e.tasks {
		if t.preparing {
			t.cancel(context.Canceled)
		}
	}
	e.mu.Unlock()
	done := make(chan struct{})
	go func() { e.running.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		e.abort()
		<-done
	}
	e.checkTimer.Stop()
}

// abort ends the calls in flight.
func (e *Engine) abort() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, t := range e.tasks {
		if t.cancel != nil {
			t.cancel(context.Canceled)
		}
	}
}

// State returns the state of a channel's calls.
func (e *Engine) State(name string) attempt.ChannelState {
	e.mu.Lock()
	defer e.mu.Unlock()
	ch := e.channels[name]
	if ch == nil {
		return attempt.ChannelState{}
	}
	s := attempt.ChannelState{
		Breaker: ch.breaker.state, Pause: max(time.Until(ch.pause), 0), Paused: ch.paused,
		Queued: len(ch.tasks) - ch.running, InFlight: ch.running,
	}
	ch.addSaturation(&s)
	if s.Breaker != breakerClosed {
		s.Cause = ch.breaker.cause
	}
	return s
}

// CallTime returns the time since the call of a delivery began, or false if the delivery has no call in flight.
func (e *Engine) CallTime(delivery string) (time.Duration, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.tasks[delivery]
	if t == nil || t.cancel == nil || t.preparing {
		return 0, false
	}
	return time.Since(t.began), true
}

func (e *Engine) finish(j *attempt.Job, o *attempt.Outcome) {
	o.Conversation, o.Delivery, o.Channel = j.Conv.ID, j.Delivery.ID, j.Delivery.Channel
	o.Kind, o.Offer = j.Delivery.Kind, j.Delivery.Offer
	if o.Thread == "" {
		o.Thread = j.Thread
	}
	e.Finish(o)
}
