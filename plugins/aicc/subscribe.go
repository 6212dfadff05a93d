package main

import (
	"context"
	"sync"
	"time"

	"patchbay/sdk"
)

const (
	maxPolls  = 8               // concurrent polls
	pollGrace = 2 * time.Second // after the context ends, to finish polls and store their messages
)

// Subscribe implements sdk.Subscriber. It polls the users with open conversations concurrently and emits each user's
// messages in order. There is no cursor, because AICC returns each message only once. Polled messages stay in memory
// until they are stored, and the next subscription emits them first. They are lost only if the process dies.
func (a *adapter) Subscribe(ctx context.Context, sub *sdk.Subscription, emit sdk.Emit) error {
	c, err := a.channel(sub.Channel)
	if err != nil {
		return err
	}
	if c.polledUsers == nil {
		return &sdk.Error{Kind: sdk.KindUnsupported, Op: opPoll, Text: "the channel does not poll; set inbound to poll"}
	}
	select {
	case c.polledUsers.subscription <- struct{}{}:
		defer func() { <-c.polledUsers.subscription }()
	case <-ctx.Done():
		return nil
	}
	for _, t := range sub.Threads {
		c.polledUsers.resume(t.Thread, readState(t.State))
	}
	return (&poller{channel: c, emit: emit, results: make(chan pollResult, maxPolls)}).run(ctx)
}

// poller is one subscription. Only the goroutine of run calls emit.
type poller struct {
	*channel
	emit    sdk.Emit
	results chan pollResult
	wg      sync.WaitGroup
	running int
}

// run polls until ctx ends or storing fails. It waits up to pollGrace for running polls: AICC has already removed
// their messages, so they must be stored, or at least kept for the next subscription.
func (p *poller) run(ctx context.Context) (err error) {
	work, stop := extendContext(ctx, pollGrace)
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
	p.metrics.unstored.WithLabelValues(p.name).Set(float64(p.polledUsers.unstoredMessages()))
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// await returns when there is work.
func (p *poller) await(ctx context.Context, wake <-chan time.Time) {
	ended := ctx.Done()
	if ctx.Err() != nil {
		ended = nil // wait for results only
	}
	select {
	case r := <-p.results:
		p.finish(r)
	case <-p.polledUsers.changed:
	case <-wake:
	case <-ended:
	}
}

// store emits the unstored messages, oldest first.
func (p *poller) store(ctx context.Context) error {
	for {
		b, ok := p.polledUsers.oldest()
		if !ok {
			p.metrics.unstored.WithLabelValues(p.name).Set(0)
			return nil
		}
		if err := p.emit(ctx, b.envelopes, nil); err != nil {
			return err
		}
		p.polledUsers.markStored()
	}
}

// startPolls polls the users who are due, at most maxPolls at a time, and returns the time until the next user is due.
func (p *poller) startPolls(ctx, work context.Context) time.Duration {
	for ctx.Err() == nil && p.running < maxPolls {
		user, openings, wait := p.polledUsers.start()
		if user == "" {
			p.metrics.polled.WithLabelValues(p.name).Set(float64(p.polledUsers.count()))
			return wait
		}
		p.running++
		p.wg.Go(func() {
			out := pollResult{user: user, openings: openings}
			out.envelopes, out.err = p.poll(work, user)
			p.results <- out
		})
	}
	return 0
}

// finish processes the result of a poll.
func (p *poller) finish(r pollResult) {
	p.running--
	result := "empty"
	switch {
	case r.err != nil:
		result = "failed"
	case len(r.envelopes) > 0:
		result = "messages"
	}
	p.metrics.polls.WithLabelValues(p.name, result).Inc()
	if p.polledUsers.finish(r, p.settings.PollInterval) {
		p.host.Logger.Warn("polls fail", "error", r.err)
	}
}

// extendContext returns a context that ends by after the end of ctx. stop ends it immediately.
func extendContext(ctx context.Context, by time.Duration) (late context.Context, stop func()) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() { time.AfterFunc(by, cancel) })
	return late, func() {
		unhook()
		cancel()
	}
}
