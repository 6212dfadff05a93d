package main

import (
	"context"
	"sync"
	"time"

	"patchbay/sdk"
)

// renewPause is how long a token that is still good is used after an early renewal failed.
const renewPause = 30 * time.Second

// tokenSource holds one channel's access token. It is renewed when four fifths of its life are over; of
// all calls that need a new one, one asks the vendor and the others wait for its result. The vendor is not asked
// before it wants to be (the After of a failed fetch). Safe for concurrent use; it starts no goroutine.
type tokenSource struct {
	// fetch asks the vendor for a token and tells how long it lives.
	fetch func(context.Context) (token string, life time.Duration, err error)
	now   func() time.Time

	mu      sync.Mutex
	token   string
	askedAt time.Time // when the token was asked for
	renewAt time.Time
	endsAt  time.Time
	running *tokenFetch
	lastErr error // of the last fetch, nil if it went well
	// notBefore is when the vendor may be asked again after lastErr.
	notBefore time.Time
}

// tokenFetch is a request under way. Its results are set before done is closed.
type tokenFetch struct {
	done      chan struct{}
	token     string
	err       error
	abandoned bool // the call that led the fetch ended first; its error is nobody else's
}

// get returns a token that is good for some time yet. It returns soon after ctx ends.
func (s *tokenSource) get(ctx context.Context) (string, error) {
	for {
		s.mu.Lock()
		if s.token != "" && s.now().Before(s.renewAt) {
			defer s.mu.Unlock()
			return s.token, nil
		}
		if err := s.paused(); err != nil {
			defer s.mu.Unlock()
			return "", err
		}
		f := s.running
		if f == nil {
			f = &tokenFetch{done: make(chan struct{}), abandoned: true}
			s.running = f
			s.mu.Unlock()
			s.lead(ctx, f)
			return f.token, f.err
		}
		s.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			return "", &sdk.Error{Kind: sdk.KindTransient, Op: "wait for access token", Err: ctx.Err()}
		}
		if !f.abandoned {
			return f.token, f.err
		}
	}
}

// lead fetches a token on behalf of all who wait for f. Also a panic of fetch lets them go on.
func (s *tokenSource) lead(ctx context.Context, f *tokenFetch) {
	defer func() {
		s.mu.Lock()
		s.running = nil
		s.mu.Unlock()
		close(f.done)
	}()
	asked := s.now() // a token's life begins before its answer arrives
	token, life, err := s.fetch(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	f.abandoned = err != nil && ctx.Err() != nil
	if f.abandoned {
		f.err = err
		return
	}
	s.lastErr, s.notBefore = err, s.now().Add(afterOf(err))
	switch {
	case err == nil:
		s.token, s.askedAt, s.renewAt, s.endsAt = token, asked, asked.Add(life/5*4), asked.Add(life)
	case s.token != "" && s.now().Before(s.endsAt):
		s.renewAt = s.now().Add(max(renewPause, afterOf(err)))
		if s.endsAt.Before(s.renewAt) {
			s.renewAt = s.endsAt
		}
	default:
		f.err = err
		return
	}
	f.token = s.token
}

// paused returns the error of the last fetch if the vendor does not want to be asked again yet. The lock is held.
func (s *tokenSource) paused() error {
	rest := s.notBefore.Sub(s.now())
	if s.lastErr == nil || rest <= 0 {
		return nil
	}
	e := *asTyped(s.lastErr)
	e.After = rest
	return &e
}

// afterOf is how long the vendor wants to be left alone.
func afterOf(err error) time.Duration {
	if err == nil {
		return 0
	}
	return asTyped(err).After
}

// current returns the newest token, good or not, for errors to hide.
func (s *tokenSource) current() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

// drop forgets a token that the vendor refused, or may have: where only surely tells, one that has just been given is
// kept, so that a vendor who refuses all customers' tokens at once is not asked for an access token by each of them. A
// newer one stays in any case.
func (s *tokenSource) drop(token string, surely bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == token && (surely || s.now().Sub(s.askedAt) >= renewPause) {
		s.token = ""
	}
}

// trouble returns why the last fetch failed, nil if it went well or there was none.
func (s *tokenSource) trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastErr
}
