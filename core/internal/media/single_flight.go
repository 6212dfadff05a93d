package media

import (
	"context"
	"time"
)

// Permanent errors are remembered, so that repeated deliveries do not repeat the fetch.
const (
	failureDuration = 5 * time.Minute
	maxFailures     = 4096
)

// flight is one fetch with all its waiting callers. Unlike a call of x/sync/singleflight, a flight is canceled when the
// contexts of all callers have ended.
type flight struct {
	cancel  context.CancelFunc
	waiters int           // guarded by Store.mu
	done    chan struct{} // closed after item and err are set
	item    *Item
	err     error
}

// permanentFailure is a permanent error of a source.
type permanentFailure struct {
	err   error
	until time.Time
}

// lookup returns a cached item, a remembered permanent error, or a flight that the caller must wait for. If it returns
// both an item and a flight, the item expires soon: the flight renews it, and the caller uses the item if that fails.
func (s *Store) lookup(source digest, req *Request) (*Item, *flight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	cached := s.latest[source]
	if cached != nil && cached.hasExpired(now) {
		cached = nil
	}
	if cached != nil && cached.Expires.Sub(now) >= s.opt.Keep/4 {
		return cached, nil, nil
	}
	if r := s.failures[source]; r != nil && now.Before(r.until) {
		if cached != nil {
			return cached, nil, nil
		}
		return nil, nil, r.err
	}
	if s.closed {
		return nil, nil, ErrClosed
	}
	f := s.flights[source]
	if f == nil {
		f = s.startFlight(source, *req)
	}
	f.waiters++
	return cached, f, nil
}

// startFlight starts a fetch. The caller holds s.mu.
func (s *Store) startFlight(source digest, req Request) *flight {
	f := &flight{done: make(chan struct{})}
	ctx, cancel := context.WithCancel(s.ctx) // independent of the first caller: others can wait longer
	f.cancel = cancel
	s.flights[source] = f
	limiters := s.limitersFor(&req)
	req.MaxBytes = s.opt.MaxBytes
	s.fetches.Go(func() {
		defer cancel()
		defer s.releaseLimiters(limiters)
		i, err := s.fetch(ctx, limiters, source, req)
		s.opt.Observer.Fetched(req.Channel, fetchResult(ctx, req.Part.Type, i, err))
		s.finishFlight(source, f, i, err)
	})
	return f
}

// wait returns the result of a flight. If ctx ends and no other caller waits, wait cancels the flight.
func (s *Store) wait(ctx context.Context, source digest, f *flight) (*Item, error) {
	select {
	case <-f.done:
		return f.item, f.err
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f.waiters--
	if f.waiters == 0 {
		f.cancel()
		if s.flights[source] == f {
			delete(s.flights, source) // the next caller starts a new flight
		}
	}
	return nil, ctx.Err()
}

// finishFlight stores the result of a flight and wakes its callers.
func (s *Store) finishFlight(source digest, f *flight, i *Item, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flights[source] == f {
		delete(s.flights, source)
	}
	switch {
	case err == nil:
		s.add(i)
	case IsPermanent(err) && len(s.failures) < maxFailures:
		s.failures[source] = &permanentFailure{err: err, until: s.opt.Now().Add(failureDuration)}
	}
	f.item, f.err = i, err
	close(f.done)
}
