package main

import (
	"errors"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/backoff"
	"patchbay/sdk/envelope"
)

const (
	maxBackoff        = time.Minute     // between failed polls of a user
	throttledPause    = 5 * time.Second // after 429 without Retry-After
	unauthorizedPause = 30 * time.Second
	maxPause          = 5 * time.Minute // that AICC can ask for between polls, and between fetches of a token
	unhealthyAfter    = 3               // consecutive failed polls
	maxEmit           = 100             // envelopes per Emit
)

// pollResult is the result of one poll.
type pollResult struct {
	user      string
	openings  int
	envelopes []*envelope.Envelope
	err       error
}

// start returns a user who is due and marks its poll as running. If no user is due, it returns the time until the next
// user is due, or 0 if no user waits for a poll.
func (s *polledUsers) start() (user string, openings int, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	var first *polledUser
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

// finish records a result: the messages become unstored, and the user is due again after the interval, or after a
// backoff if the poll failed. It reports whether this is the channel's first failure after a success. A refusal that
// concerns one user does not count as the channel's failure.
func (s *polledUsers) finish(p pollResult, interval time.Duration) (firstFailure bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for rest := p.envelopes; len(rest) > 0; rest = rest[min(maxEmit, len(rest)):] {
		s.unstored = append(s.unstored, pollBatch{p.user, p.openings, rest[:min(maxEmit, len(rest))]})
	}
	now := s.now()
	wait := interval
	failed := p.err != nil && sdk.KindOf(p.err) != sdk.KindGone
	if failed {
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
	if u.ended {
		delete(s.users, p.user)
		return firstFailure
	}
	if p.err == nil {
		u.failures = 0
	} else {
		u.failures++
		wait = backoff.Policy{Base: interval, Max: maxBackoff, Jitter: 0.5}.Delay(u.failures)
	}
	u.due = now.Add(wait)
	return firstFailure
}

// pause delays all polls after an error that concerns all users.
func (s *polledUsers) pause(now time.Time, err error) {
	e, ok := errors.AsType[*sdk.Error](err)
	if !ok {
		return
	}
	var until time.Time
	switch {
	case e.After > 0:
		until = now.Add(min(e.After, maxPause))
	case e.Kind == sdk.KindThrottled:
		until = now.Add(throttledPause)
	case e.Kind == sdk.KindUnauthorized:
		until = now.Add(unauthorizedPause)
	}
	if until.After(s.pausedUntil) {
		s.pausedUntil = until
	}
}
