package media

import (
	"context"
	"errors"
	"fmt"

	"patchbay/sdk"
)

// Get returns a medium from the cache, or fetches it from its source. Concurrent calls for one medium share a fetch,
// which is canceled when all their contexts have ended; so ctx must allow the time for a large medium. Get caches a
// medium even if limit excludes it. If an item expires in less than a quarter of Options.Keep, Get tries to fetch the
// medium again, so that a new link is valid for a while.
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
	if !req.Part.Type.IsMedia() {
		return nil, sdk.Invalid("type", "a part of type %s has no medium", req.Part.Type)
	}
	if req.Part.URL == "" && req.Part.Ref == "" {
		return nil, sdk.Invalid("ref", "the part has neither a link nor a reference")
	}
	source := sourceDigest(req)
	cached, f, err := s.lookup(source, req)
	for f == nil && err == nil && !cached.isIntact() {
		cached, f, err = s.lookup(source, req)
	}
	if f == nil {
		return cached, err
	}
	i, err := s.wait(ctx, source, f)
	if err != nil && cached != nil && cached.isIntact() {
		return cached, nil // it expires soon, but is still valid
	}
	return i, err
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
	case w.err != nil: // the source may return another error
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

// cancelCause returns the error of a canceled fetch.
func (s *Store) cancelCause(ctx context.Context) error {
	if s.ctx.Err() != nil {
		return ErrClosed
	}
	return ctx.Err()
}
