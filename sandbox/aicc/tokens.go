package aicc

import (
	"crypto/rand"
	"sync"
	"time"
)

// tokens holds both kinds of credentials that AICC hands out. The zero value is ready to use.
type tokens struct {
	mu     sync.Mutex
	access map[string]time.Time // token → end
	users  map[string]userToken
}

type userToken struct {
	user string
	end  time.Time
}

// verdict says what a token is worth.
type verdict int

const (
	tokenUnknown verdict = iota
	tokenExpired
	tokenGood
)

func (t *tokens) newAccess(end time.Time) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.access == nil {
		t.access = map[string]time.Time{}
	}
	token := "at-" + rand.Text()
	t.access[token] = end
	return token
}

func (t *tokens) checkAccess(token string, now time.Time) verdict {
	t.mu.Lock()
	defer t.mu.Unlock()
	end, ok := t.access[token]
	if !ok {
		return tokenUnknown
	}
	if !now.Before(end) {
		return tokenExpired
	}
	return tokenGood
}

func (t *tokens) newUser(user string, end time.Time) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.users == nil {
		t.users = map[string]userToken{}
	}
	token := "ct-" + rand.Text()
	t.users[token] = userToken{user: user, end: end}
	return token
}

func (t *tokens) checkUser(token string, now time.Time) (string, verdict) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u, ok := t.users[token]
	if !ok {
		return "", tokenUnknown
	}
	if !now.Before(u.end) {
		return u.user, tokenExpired
	}
	return u.user, tokenGood
}

func (t *tokens) expireAccess() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for token := range t.access {
		t.access[token] = time.Time{}
	}
}

func (t *tokens) expireUsers() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for token, u := range t.users {
		t.users[token] = userToken{user: u.user}
	}
}

func (t *tokens) revokeUsers() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.users)
}
