package main

import (
	"errors"
	"math/rand/v2"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

const (
	maxBackoff   = time.Minute     // between two polls of a user for whom they fail
	throttlePace = 5 * time.Second // without polls if AICC does not say how long
	refusedPace  = 30 * time.Second
	troubleAfter = 3   // failed polls in a row make the channel sick
	maxEmit      = 100 // envelopes that are stored together
)

// polled is the outcome of one poll.
type polled struct {
	user      string
	openings  int
	envelopes []*envelope.Envelope
	err       error
}

// start returns a user who is due, marked as being polled. If nobody is, it returns after which time somebody will be;
// 0 means that only a change can make it so.
func (s *sessions) start() (user string, openings int, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	var first *session
	for name, u := range s.users {
		if !u.polling && (first == nil || u.due.Before(first.due)) {
			user, first = name, u
		}
	}
	if first == nil {
		return "", 0, 0
	}
	at := first.due
	if at.Before(s.pausedUntil) {
		at = s.pausedUntil
	}
	if at.After(now) {
		return "", 0, at.Sub(now)
	}
	first.polling = true
	return user, first.openings, 0
}

// finish takes in an outcome: the messages are kept until they are stored, and the user is due again after the interval,
// or later the more often polls have failed. It tells whether this is the first failure of the channel since a poll went
// well; what AICC refuses for one user is none.
func (s *sessions) finish(p polled, interval time.Duration) (firstFailure bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for rest := p.envelopes; len(rest) > 0; rest = rest[min(maxEmit, len(rest)):] {
		s.kept = append(s.kept, handover{p.user, p.openings, rest[:min(maxEmit, len(rest))]})
	}
	now := s.now()
	wait := interval
	broken := p.err != nil && sdk.KindOf(p.err) != sdk.KindGone
	if broken {
		s.failures++
		s.lastErr = p.err
		s.pause(now, p.err)
		firstFailure = s.failures == 1
	} else {
		s.failures, s.lastErr = 0, nil
	}
	u := s.users[p.user]
	if u == nil {
		return firstFailure
	}
	u.polling = false
	if u.left {
		delete(s.users, p.user)
		return firstFailure
	}
	if p.err == nil {
		u.failures = 0
	} else {
		u.failures++
		wait = backoff(interval, u.failures)
	}
	u.due = now.Add(wait)
	return firstFailure
}

// pause holds all polls back after an error that concerns them all.
func (s *sessions) pause(now time.Time, err error) {
	e, ok := errors.AsType[*sdk.Error](err)
	if !ok {
		return
	}
	var until time.Time
	switch {
	case e.After > 0:
		until = now.Add(e.After)
	case e.Kind == sdk.KindThrottled:
		until = now.Add(throttlePace)
	case e.Kind == sdk.KindUnauthorized:
		until = now.Add(refusedPace)
	}
	if until.After(s.pausedUntil) {
		s.pausedUntil = until
	}
}

// backoff doubles the interval with each failure, up to maxBackoff, and takes off up to half of it by chance.
func backoff(interval time.Duration, failures int) time.Duration {
	d := interval
	for range min(failures, 20) {
		d = min(2*d, max(maxBackoff, interval))
	}
	return d/2 + rand.N(d/2+1)
}
