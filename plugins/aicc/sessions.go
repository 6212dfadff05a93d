package main

import (
	"sync"
	"time"

	"patchbay/sdk/envelope"
)

// sessions are the users of one channel whose messages are polled, and what was polled and is not stored yet. They
// outlive a change of the channel's configuration. A nil *sessions, that of a channel to which AICC pushes, keeps
// nothing. Safe for concurrent use.
type sessions struct {
	now     func() time.Time
	changed chan struct{} // has a value when somebody is to be polled anew
	turn    chan struct{} // held by the one Listen that polls

	mu    sync.Mutex
	users map[string]*session
	// kept is what AICC has handed over and will not hand over again, oldest first. It is emitted before anything is
	// polled.
	kept        []handover
	pausedUntil time.Time // of all users: AICC asked for it
	failures    int       // polls that failed since the last that did not
	lastErr     error
}

// session is one user under way.
type session struct {
	state    threadState // has the user's newest token
	openings int         // grows with each Open, so that the end of an earlier session is not taken for that of this
	due      time.Time
	failures int  // polls that failed in a row
	polling  bool // a poll is under way
	left     bool // not to be polled any more; kept until the poll that is under way has ended
}

// handover is what one poll gave, or a piece of it.
type handover struct {
	user      string
	openings  int // of the session when it was polled
	envelopes []*envelope.Envelope
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{
		now: now, changed: make(chan struct{}, 1), turn: make(chan struct{}, 1), users: map[string]*session{},
	}
}

// open begins to poll a user who was let in.
func (s *sessions) open(user string, st threadState) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(user, st).openings++
}

// underWay begins to poll a user to whose session a message was sent, unless that is done already.
func (s *sessions) underWay(user string, st threadState) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(user, st)
}

func (s *sessions) put(user string, st threadState) *session {
	u := s.users[user]
	if u == nil {
		u = &session{state: st, due: s.now()}
		s.users[user] = u
		s.wake()
	}
	if u.left {
		u.left, u.state, u.due, u.failures = false, st, s.now(), 0
		u.openings++
	}
	return u
}

// close ends polling of a user who has left.
func (s *sessions) close(user string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(user)
}

// remove forgets a user, once no poll is under way: there must never be two of one user, or messages could change
// places.
func (s *sessions) remove(user string) {
	if u := s.users[user]; u != nil && u.polling {
		u.left = true
		return
	}
	delete(s.users, user)
}

// newest puts the newest token of a user into st, if there is one: each answer of AICC may have brought another.
func (s *sessions) newest(user string, st *threadState) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.users[user]; u != nil && u.state.Token != "" {
		st.Token, st.RenewAt = u.state.Token, u.state.RenewAt
	}
}

// keep notes a user's new token.
func (s *sessions) keep(user string, st threadState) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.users[user]; u != nil {
		u.state.Token, u.state.RenewAt = st.Token, st.RenewAt
	}
}

// state returns a copy of what is known of a user.
func (s *sessions) state(user string) threadState {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.users[user]; u != nil {
		return u.state
	}
	return readState(nil)
}

// count tells how many users are polled.
func (s *sessions) count() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.users {
		if !u.left {
			n++
		}
	}
	return n
}

// trouble returns why the last polls failed, nil unless several in a row did.
func (s *sessions) trouble() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failures < troubleAfter {
		return nil
	}
	return s.lastErr
}

// wake tells Listen to look who is due.
func (s *sessions) wake() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// oldest returns the first handover that is not stored yet.
func (s *sessions) oldest() (handover, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) == 0 {
		return handover{}, false
	}
	return s.kept[0], true
}

// stored forgets the oldest handover. A user whose session ended in it is not polled any more, unless another was
// opened meanwhile.
func (s *sessions) stored() {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.kept[0]
	s.kept = append([]handover(nil), s.kept[1:]...)
	u := s.users[h.user]
	if u == nil || u.openings != h.openings {
		return
	}
	for _, e := range h.envelopes {
		if e.Kind == envelope.KindDisconnected {
			s.remove(h.user)
		}
	}
}

// unstored counts the messages that are kept.
func (s *sessions) unstored() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.kept {
		n += len(h.envelopes)
	}
	return n
}
