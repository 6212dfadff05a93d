package main

import (
	"sync"
	"time"

	"patchbay/sdk/envelope"
)

// polledUsers holds the customers whose messages a channel polls, and the polled messages that are not stored yet. It
// outlives a change of the channel's configuration. It is nil for a channel with pushes: open, resume, close,
// loadToken, storeToken and err then do nothing. It is safe for concurrent use.
type polledUsers struct {
	now          func() time.Time
	changed      chan struct{} // holds a value after a user was added
	subscription chan struct{} // holds a value while a subscription runs

	mu    sync.Mutex
	users map[string]*polledUser
	// unstored are the polled messages, oldest first. AICC does not send them again, so they are emitted before the
	// next poll.
	unstored    []pollBatch
	pausedUntil time.Time // for all users, after an error that concerns all users
	failures    int       // consecutive failed polls
	lastErr     error
}

// polledUser is one of these customers.
type polledUser struct {
	state    threadState // with the user's newest token
	openings int         // number of sessions so far; the end of an earlier one does not end a later one
	due      time.Time
	failures int  // consecutive failed polls
	polling  bool // a poll is running
	ended    bool // removed as soon as the running poll ends
}

// pollBatch is the result of one poll, or a part of it.
type pollBatch struct {
	user      string
	openings  int // of the session at the time of the poll
	envelopes []*envelope.Envelope
}

func newPolledUsers(now func() time.Time) *polledUsers {
	return &polledUsers{
		now: now, changed: make(chan struct{}, 1), subscription: make(chan struct{}, 1), users: map[string]*polledUser{},
	}
}

// open starts to poll a user with a new session.
func (s *polledUsers) open(user string, st threadState) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(user, st).openings++
}

// resume starts to poll a user with an existing session, if necessary.
func (s *polledUsers) resume(user string, st threadState) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(user, st)
}

func (s *polledUsers) add(user string, st threadState) *polledUser {
	u := s.users[user]
	if u == nil {
		u = &polledUser{state: st, due: s.now()}
		s.users[user] = u
		s.wake()
	}
	if u.ended {
		u.ended, u.state, u.due, u.failures = false, st, s.now(), 0
		u.openings++
	}
	return u
}

// close stops polling a user who has left.
func (s *polledUsers) close(user string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(user)
}

// remove removes a user, after the end of a running poll. Two concurrent polls of one user could reorder messages.
func (s *polledUsers) remove(user string) {
	if u := s.users[user]; u != nil && u.polling {
		u.ended = true
		return
	}
	delete(s.users, user)
}

// loadToken sets the user's newest token in st, if there is one. Any response of AICC may replace it.
func (s *polledUsers) loadToken(user string, st *threadState) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.users[user]; u != nil && u.state.Token != "" {
		st.Token, st.RenewAt = u.state.Token, u.state.RenewAt
	}
}

// storeToken stores a user's new token.
func (s *polledUsers) storeToken(user string, st threadState) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.users[user]; u != nil {
		u.state.Token, u.state.RenewAt = st.Token, st.RenewAt
	}
}

// state returns a copy of a user's thread state.
func (s *polledUsers) state(user string) threadState {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.users[user]; u != nil {
		return u.state
	}
	return readState(nil)
}

// count returns the number of polled users.
func (s *polledUsers) count() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.users {
		if !u.ended {
			n++
		}
	}
	return n
}

// err returns the error of the last poll if at least the last unhealthyAfter polls failed, or nil.
func (s *polledUsers) err() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failures < unhealthyAfter {
		return nil
	}
	return s.lastErr
}

// wake makes the subscription check which users are due.
func (s *polledUsers) wake() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// oldest returns the first batch that is not stored yet.
func (s *polledUsers) oldest() (pollBatch, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.unstored) == 0 {
		return pollBatch{}, false
	}
	return s.unstored[0], true
}

// markStored removes the oldest batch. If it ended the user's session, and no later one was opened, the user is no
// longer polled.
func (s *polledUsers) markStored() {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.unstored[0]
	s.unstored = append([]pollBatch(nil), s.unstored[1:]...)
	u := s.users[b.user]
	if u == nil || u.openings != b.openings {
		return
	}
	for _, e := range b.envelopes {
		if e.Kind == envelope.KindDisconnected {
			s.remove(b.user)
		}
	}
}

// unstoredMessages returns the number of messages that are not stored yet.
func (s *polledUsers) unstoredMessages() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.unstored {
		n += len(b.envelopes)
	}
	return n
}
