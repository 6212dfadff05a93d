package media

import (
	"context"
	"errors"
	"fmt"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// Permanent errors are remembered, so that repeated deliveries do not repeat the fetch.
const (
	refusalDuration = 5 * time.Minute
	maxRefusals     = 4096
)

// flight is one fetch with all its waiting callers. Unlike x/sync/singleflight it is canceled when the last one leaves.
type flight struct {
	cancel  context.CancelFunc
	waiters int           // guarded by Store.mu
	done    chan struct{} // closed after item and err are set
	item    *Item
	err     error
}

// refusal is a permanent error of a source.
type refusal struct {
	err   error
	until time.Time
}

// Get returns a medium from the cache, or fetches it from its source. Concurrent calls for one medium share a fetch,
// which ends when all their contexts end; so ctx should allow the time for a large medium. Get caches a medium even if
// limit excludes it. In the last quarter of an item's time Get tries to fetch the medium again, so that links stay
// valid for a while.
func (s *Store) Get(ctx context.Context, req Request, limit Limit) (*Item, error) {
	i, err := s.get(ctx, &req)
	if err == nil {
		err = i.check(req.Part.Type, limit)
	}
	if err != nil {
		return nil, fmt.Errorf("get %s of channel %s: %w", req.Part.Type, req.Channel, err)
	}
	return i, nil
}

func (s *Store) get(ctx context.Context, req *Request) (*Item, error) {
	switch req.Part.Type {
	case envelope.PartImage, envelope.PartAudio, envelope.PartVideo, envelope.PartFile:
	default:
		return nil, sdk.Invalid("type", "a part of type %s has no medium", req.Part.Type)
	}
	if req.Part.URL == "" && req.Part.Ref == "" {
		return nil, sdk.Invalid("ref", "the part has neither a link nor a reference")
	}
	source := sourceDigest(req)
	cached, f, err := s.lookup(source, req)
	for f == nil && err == nil && !cached.intact() {
		cached, f, err = s.lookup(source, req)
	}
	if f == nil {
		return cached, err
	}
	i, err := s.wait(ctx, source, f)
	if err != nil && cached != nil && cached.intact() {
		return cached, nil // expires soon, but better than none
	}
	return i, err
}

// lookup returns a cached item, a remembered permanent error, or a flight that the caller must wait for. An item in
// addition to a flight expires soon.
func (s *Store) lookup(source digest, req *Request) (*Item, *flight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	cached := s.latest[source]
	if cached != nil && cached.expired(now) {
		cached = nil
	}
	if cached != nil && cached.Expires.Sub(now) >= s.opt.Keep/4 {
		return cached, nil, nil
	}
	if r := s.refusals[source]; r != nil && now.Before(r.until) {
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
	case IsPermanent(err) && len(s.refusals) < maxRefusals:
		s.refusals[source] = &refusal{err: err, until: s.opt.Now().Add(refusalDuration)}
	}
	f.item, f.err = i, err
	close(f.done)
}

// fetch reads a medium from its source to disk. The space of the returned item is reserved.
func (s *Store) fetch(ctx context.Context, limiters []*limiter, source digest, req Request) (*Item, error) {
	leave, err := enter(ctx, limiters)
	if err != nil {
		return nil, s.cancelCause(ctx)
	}
	defer leave()
	w, err := s.newFileWriter()
	if err != nil {
		return nil, err
	}
	err = s.opt.Source.Fetch(ctx, req, w.info, w.chunk)
	switch {
	case w.err != nil: // the source may not wrap it
		err = w.err
	case err != nil && ctx.Err() != nil:
		err = s.cancelCause(ctx)
	case err != nil && sdk.KindOf(err) == sdk.KindGone:
		err = fmt.Errorf("%w: %w", ErrGone, err)
	}
	if err != nil {
		return nil, errors.Join(err, w.discard())
	}
	i, err := w.finish(source, &req.Part)
	if err != nil {
		return nil, errors.Join(err, w.discard())
	}
	return i, nil
}

// cancelCause returns why a flight was canceled.
func (s *Store) cancelCause(ctx context.Context) error {
	if s.ctx.Err() != nil {
		return ErrClosed
	}
	return ctx.Err()
}
