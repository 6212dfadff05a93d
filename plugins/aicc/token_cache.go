package main

import (
	"context"
	"sync"
	"time"

	"patchbay/sdk"
)

// renewPause is the delay before the next renewal of a valid token if a renewal failed.
const renewPause = 30 * time.Second

// tokenCache caches one channel's access token and renews it after four fifths of its life. Concurrent calls that need
// a new token share one fetch. After a failed fetch with Retry-After, there is no fetch until that time. It is safe for
// concurrent use. It starts no goroutine, so a fetch ends with the context of its call.
type tokenCache struct {
	// fetch requests a token and returns its life.
	fetch    func(context.Context) (token string, life time.Duration, err error)
	now      func() time.Time
	fetching chan struct{} // holds a value while a call fetches

	mu        sync.Mutex
	token     string
	fetchedAt time.Time
	renewAt   time.Time
	expiresAt time.Time
	fetches   int   // completed, successful or not
	lastErr   error // of the last completed fetch
	notBefore time.Time
}

func newTokenCache(
	fetch func(context.Context) (string, time.Duration, error), now func() time.Time,
) *tokenCache {
	return &tokenCache{fetch: fetch, now: now, fetching: make(chan struct{}, 1)}
}

// get returns a valid token. It returns an error when ctx ends.
func (t *tokenCache) get(ctx context.Context) (string, error) {
	token, fetches, err := t.cached()
	if token != "" || err != nil {
		return token, err
	}
	select {
	case t.fetching <- struct{}{}:
		defer func() { <-t.fetching }()
	case <-ctx.Done():
		return "", &sdk.Error{Kind: sdk.KindTransient, Op: "wait for access token", Err: ctx.Err()}
	}
	if token, err := t.fetchedSince(fetches); token != "" || err != nil {
		return token, err
	}
	return t.renew(ctx)
}

// cached returns the token if it need not be renewed, or the last error if AICC asked for a pause. Otherwise it returns
// the number of fetches so far.
func (t *tokenCache) cached() (token string, fetches int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token != "" && t.now().Before(t.renewAt) {
		return t.token, 0, nil
	}
	if pause := t.notBefore.Sub(t.now()); t.lastErr != nil && pause > 0 {
		e := *asTyped(t.lastErr)
		e.After = pause
		return "", 0, &e
	}
	return "", t.fetches, nil
}

// fetchedSince returns the result of another call's fetch, if there was one.
func (t *tokenCache) fetchedSince(fetches int) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.fetches == fetches:
		return "", nil
	case t.token != "" && t.now().Before(t.expiresAt):
		return t.token, nil
	}
	return "", t.lastErr // nil if the token was invalidated since
}

// renew fetches a token. The caller is the only one that fetches. If ctx ends, the other calls do not share the error.
func (t *tokenCache) renew(ctx context.Context) (string, error) {
	start := t.now() // a token's life begins before its response arrives
	token, life, err := t.fetch(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil && ctx.Err() != nil {
		return "", err
	}
	t.fetches++
	if err != nil {
		limited := *asTyped(err)
		limited.After = min(limited.After, maxPause)
		err = &limited
	}
	t.lastErr = err
	if err == nil {
		t.token, t.fetchedAt, t.renewAt, t.expiresAt = token, start, start.Add(life/5*4), start.Add(life)
		return token, nil
	}
	pause := asTyped(err).After
	t.notBefore = t.now().Add(pause)
	if t.token == "" || !t.now().Before(t.expiresAt) {
		return "", err
	}
	t.renewAt = t.now().Add(max(renewPause, pause))
	if t.expiresAt.Before(t.renewAt) {
		t.renewAt = t.expiresAt
	}
	return t.token, nil
}

// newest returns the cached token, also if it has expired, for redaction. It returns "" after invalidate.
func (t *tokenCache) newest() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.token
}

// invalidate removes a token that AICC refused. If certain is false, AICC may have refused the user's token instead. A
// token younger than renewPause then stays, which limits the fetches if AICC refuses many user tokens. If the cache
// already has a newer token, it keeps that token.
func (t *tokenCache) invalidate(token string, certain bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == token && (certain || t.now().Sub(t.fetchedAt) >= renewPause) {
		t.token = ""
	}
}

// err returns the error of the last fetch, or nil.
func (t *tokenCache) err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lastErr
}
