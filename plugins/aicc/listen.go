package main

import (
	"context"
	"sync"
	"time"

	"patchbay/sdk"
)

const (
	maxPolls  = 8               // polls under way at a time
	pollGrace = 2 * time.Second // for polls that are under way, and for storing their messages, when Listen is to end
)

// Listen implements sdk.Listener: it polls, one after the other or some at once, the users who are under way. AICC
// hands each message out once, so that there is nothing that a cursor could say, and none is stored. What was handed
// out is kept until it is stored, also beyond an error, after which the next Listen begins with it; only a process that
// dies loses it. The messages of one user are emitted in their order.
func (a *adapter) Listen(ctx context.Context, l *sdk.Listening, emit sdk.Emit) error {
	c, err := a.channel(l.Channel)
	if err != nil {
		return err
	}
	if c.sessions == nil {
		return &sdk.Error{Kind: sdk.KindUnsupported, Op: opPoll, Text: "the channel's inbound is push"}
	}
	select {
	case c.sessions.turn <- struct{}{}:
		defer func() { <-c.sessions.turn }()
	case <-ctx.Done():
		return nil
	}
	for _, t := range l.Threads {
		c.sessions.underWay(t.Thread, readState(t.State))
	}
	return (&poller{channel: c, emit: emit, results: make(chan polled, maxPolls)}).run(ctx)
}

// poller is one Listen. Only run's goroutine calls emit.
type poller struct {
	*channel
	emit    sdk.Emit
	results chan polled
	wg      sync.WaitGroup
	running int
}

// run polls until ctx ends or storing fails. Polls that are under way then may finish within pollGrace: AICC has given
// up their messages already, and those are to be stored, or at least kept.
func (p *poller) run(ctx context.Context) (err error) {
	work, stop := outlasting(ctx, pollGrace)
	defer stop()
	defer p.metrics.polled.DeleteLabelValues(p.name)
	wake := time.NewTimer(0)
	defer wake.Stop()
	for {
		if err = p.store(work); err != nil {
			break
		}
		wait := p.startPolls(ctx, work)
		if ctx.Err() != nil && p.running == 0 {
			break
		}
		wake.Stop()
		if wait > 0 {
			wake.Reset(wait)
		}
		p.await(ctx, wake.C)
	}
	for p.running > 0 {
		p.finish(<-p.results)
	}
	p.wg.Wait()
	p.metrics.kept.WithLabelValues(p.name).Set(float64(p.sessions.unstored()))
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// await returns when there is something to do.
func (p *poller) await(ctx context.Context, wake <-chan time.Time) {
	ended := ctx.Done()
	if ctx.Err() != nil {
		ended = nil // only results matter now
	}
	select {
	case r := <-p.results:
		p.finish(r)
	case <-p.sessions.changed:
	case <-wake:
	case <-ended:
	}
}

// store emits what is kept, oldest first.
func (p *poller) store(ctx context.Context) error {
	for {
		h, ok := p.sessions.oldest()
		if !ok {
			p.metrics.kept.WithLabelValues(p.name).Set(0)
			return nil
		}
		if err := p.emit(ctx, h.envelopes, nil); err != nil {
			return err
		}
		p.sessions.stored()
	}
}

// startPolls starts polls of all who are due, as far as there is room, and returns after which time somebody else will
// be.
func (p *poller) startPolls(ctx, work context.Context) time.Duration {
	for ctx.Err() == nil && p.running < maxPolls {
		user, openings, wait := p.sessions.start()
		if user == "" {
			p.metrics.polled.WithLabelValues(p.name).Set(float64(p.sessions.count()))
			return wait
		}
		p.running++
		p.wg.Go(func() {
			out := polled{user: user, openings: openings}
			out.envelopes, out.err = p.poll(work, user)
			p.results <- out
		})
	}
	return 0
}

// finish takes in the result of a poll that has ended.
func (p *poller) finish(r polled) {
	p.running--
	result := "empty"
	switch {
	case r.err != nil:
		result = "failed"
	case len(r.envelopes) > 0:
		result = "messages"
	}
	p.metrics.polls.WithLabelValues(p.name, result).Inc()
	if p.sessions.finish(r, p.settings.PollInterval) {
		p.host.Logger.Warn("polls fail", "error", r.err)
	}
}

// outlasting returns a context that ends some time after ctx does. stop ends it at once.
func outlasting(ctx context.Context, by time.Duration) (late context.Context, stop func()) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var mu sync.Mutex
	var timer *time.Timer
	unhook := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		timer = time.AfterFunc(by, cancel)
	})
	return late, func() {
		unhook()
		mu.Lock()
		defer mu.Unlock()
		if timer != nil {
			timer.Stop()
		}
		cancel()
	}
}
