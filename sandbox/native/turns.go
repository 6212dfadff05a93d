package native

import (
	"context"
	"sync"
	"time"
)

// turns lets one call of a user wait for the next one. The zero value is ready to use.
type turns struct {
	mu    sync.Mutex
	users map[string]chan struct{}
}

// next returns what is closed as soon as a call of this user ends.
func (t *turns) next(user string) <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.users == nil {
		t.users = map[string]chan struct{}{}
	}
	if t.users[user] == nil {
		t.users[user] = make(chan struct{})
	}
	return t.users[user]
}

// ended says that a call of this user is over.
func (t *turns) ended(user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c := t.users[user]; c != nil {
		close(c)
		delete(t.users, user)
	}
}

// letPass waits until another call has ended, for at most d (1 s if 0), or until the end of ctx, whose error it returns.
func letPass(ctx context.Context, other <-chan struct{}, d time.Duration) error {
	if d == 0 {
		d = time.Second
	}
	late := time.NewTimer(d)
	defer late.Stop()
	select {
	case <-other:
	case <-late.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
