package media

import (
	"context"
	"errors"
	"fmt"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// Limits of what is remembered of refusals, so that repeated deliveries do not read a medium again and again.
const (
	refusedFor = 5 * time.Minute
	maxRefused = 4096
)

// flight is the reading of one medium, for all who wait for it.
type flight struct {
	cancel  context.CancelFunc
	waiters int           // guarded by Store.mu; at 0 the flight ends
	done    chan struct{} // closed at its end
	item    *Item         // set before
	err     error         // set before
}

// refusal is why a medium can't be had, and how long that is taken for granted.
type refusal struct {
	err   error
	until time.Time
}

// Get returns a medium: from disk if it was read before and its file is as it was written, else from its source. It is
// read once however many wait for it, and no longer than somebody waits; so ctx should leave the time that a large medium
// takes. What was read is kept for other callers also if limit does not allow it here. For the last quarter of an item's
// time it is read anew if that is possible, so that links work for a while.
func (s *Store) Get(ctx context.Context, req Request, limit Limit) (*Item, error) {
	i, err := s.get(ctx, &req)
	if err == nil {
		err = i.fits(req.Part.Type, limit)
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
	of := digestOf(req)
	kept, f, err := s.join(of, req)
	for f == nil && err == nil && !kept.sound() {
		kept, f, err = s.join(of, req)
	}
	if f == nil {
		return kept, err
	}
	i, err := s.wait(ctx, of, f)
	if err != nil && kept != nil && kept.sound() {
		return kept, nil // not for long, but better than none
	}
	return i, err
}

// join returns the item if it is there and good for a while, an error if it is known that there is none, or else the
// flight that brings it, which the caller must wait for. Beside a flight, an item is one that expires soon.
func (s *Store) join(of digest, req *Request) (*Item, *flight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	kept := s.latest[of]
	if kept != nil && kept.expired(now) {
		kept = nil
	}
	if kept != nil && kept.Expires.Sub(now) >= s.opt.Keep/4 {
		return kept, nil, nil
	}
	if r := s.refused[of]; r != nil && now.Before(r.until) {
		if kept != nil {
			return kept, nil, nil
		}
		return nil, nil, r.err
	}
	if s.ended {
		return nil, nil, ErrClosed
	}
	f := s.flights[of]
	if f == nil {
		f = s.launch(of, *req)
	}
	f.waiters++
	return kept, f, nil
}

// launch begins a flight. s.mu is held.
func (s *Store) launch(of digest, req Request) *flight {
	f := &flight{done: make(chan struct{})}
	ctx, cancel := context.WithCancel(s.ctx) // not the caller's: others may wait longer
	f.cancel = cancel
	s.flights[of] = f
	gates := s.gatesFor(&req)
	req.MaxBytes = s.opt.MaxBytes
	s.running.Go(func() {
		defer cancel()
		defer s.releaseGates(gates)
		i, err := s.fetch(ctx, gates, of, req)
		s.opt.Observer.Fetched(req.Channel, result(ctx, req.Part.Type, i, err))
		s.land(of, f, i, err)
	})
	return f
}

// wait returns what a flight has brought. Who goes last before it has landed ends it.
func (s *Store) wait(ctx context.Context, of digest, f *flight) (*Item, error) {
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
		if s.flights[of] == f {
			delete(s.flights, of) // who comes now begins anew
		}
	}
	return nil, ctx.Err()
}

// land makes the outcome of a flight known.
func (s *Store) land(of digest, f *flight, i *Item, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flights[of] == f {
		delete(s.flights, of)
	}
	switch {
	case err == nil:
		s.add(i)
	case Lasting(err) && len(s.refused) < maxRefused:
		s.refused[of] = &refusal{err: err, until: s.opt.Now().Add(refusedFor)}
	}
	f.item, f.err = i, err
	close(f.done)
}

// fetch reads a medium to disk. The room for the item that it returns is reserved.
func (s *Store) fetch(ctx context.Context, gates []*gate, of digest, req Request) (*Item, error) {
	leave, err := enter(ctx, gates)
	if err != nil {
		return nil, s.interrupted(ctx)
	}
	defer leave()
	in, err := s.receive()
	if err != nil {
		return nil, err
	}
	err = s.opt.Source.Fetch(ctx, req, in.info, in.chunk)
	switch {
	case in.refusal != nil: // whatever the source makes of it
		err = in.refusal
	case err != nil && ctx.Err() != nil:
		err = s.interrupted(ctx)
	case err != nil && sdk.KindOf(err) == sdk.KindGone:
		err = fmt.Errorf("%w: %w", ErrGone, err)
	}
	if err != nil {
		return nil, errors.Join(err, in.discard())
	}
	i, err := in.finish(of, &req.Part)
	if err != nil {
		return nil, errors.Join(err, in.discard())
	}
	return i, nil
}

// interrupted says why a flight was ended.
func (s *Store) interrupted(ctx context.Context) error {
	if s.ctx.Err() != nil {
		return ErrClosed
	}
	return ctx.Err()
}
