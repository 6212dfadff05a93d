package plugin

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"
)

// probationTime is the time, from the start of a subscription, in which the subscription may be the cause if the
// process dies.
const probationTime = 5 * time.Second

// probation is the beginning of a subscription. If the process dies in it, the subscription may be the cause: it is a
// suspect and begins alone the next time.
type probation struct {
	host *Host
	turn *callTurn
	id   identity

	mu      sync.Mutex
	running bool
	session *session // nil before watch and after pass
	timer   *time.Timer
}

func subscriptionIdentity(channel string) identity {
	return func() callDigest { return sha256.Sum256([]byte("subscription " + channel)) }
}

// begin waits until suspects permit the subscription. It reports false if ctx ends first.
func (p *probation) begin(ctx context.Context) bool {
	if p.host.broken.isSuspect(p.id) {
		p.turn.repeat(true)
	}
	p.running = p.turn.start() || p.turn.awaitStart(ctx)
	return p.running
}

// watch begins the time in the session.
func (p *probation) watch(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.probations.Add(1)
	p.session, p.timer = s, time.AfterFunc(probationTime, p.pass)
}

// pass ends the probation of a subscription that works.
func (p *probation) pass() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.session == nil || p.session.ctx.Err() != nil { // the session is ending
		return
	}
	p.session.probations.Add(-1)
	p.session = nil
	p.host.broken.forgive(p.id)
	p.stop()
}

// blame returns the error of a subscription: a GivenUpError if the process died repeatedly in its probation, else err.
func (p *probation) blame(ctx context.Context, err error) error {
	p.mu.Lock()
	s := p.session
	p.mu.Unlock()
	if s == nil || s.ctx.Err() == nil || !s.awaitRetired(ctx) {
		return err
	}
	if given := p.host.broken.blame(p.id, s.subscribeBroke); given != nil {
		p.host.broken.forgive(p.id) // the next attempt begins again
		return given
	}
	return err
}

// end ends the probation, passed or not, when the subscription ends.
func (p *probation) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
	}
	if s := p.session; s != nil && s.ctx.Err() == nil { // otherwise the subscription was running when the process ended
		s.probations.Add(-1)
	}
	p.session = nil
	p.stop()
}

// stop lets the next suspect start. The caller holds the lock.
func (p *probation) stop() {
	if p.running {
		p.running = false
		p.turn.clearSuspicion()
		p.turn.stop()
	}
}
