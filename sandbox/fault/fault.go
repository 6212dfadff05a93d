// Package fault makes a pretend vendor misbehave on command, on the endpoints that it serves and
// on the calls that it makes.
package fault

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"patchbay/sandbox/record"
)

// Kind says what goes wrong.
type Kind string

// Faults before the vendor does anything: the call has no effect.
const (
	Status Kind = "status" // answers Fault.Status (default 500), with Retry-After if set
	Slow   Kind = "slow"   // waits Fault.Delay, then goes on as usual
	Hang   Kind = "hang"   // waits for Release, then goes on as usual; no effect if the caller leaves first
	Reset  Kind = "reset"  // resets the connection

	// ExpiredToken makes the vendor refuse the caller's token, in its own words.
	ExpiredToken Kind = "expired token"
	// Refuse makes the vendor refuse the call in its own words, with the error Fault.Code of its list, and with
	// the HTTP status Fault.Status if that is set.
	Refuse Kind = "refuse"
)

// Faults after the vendor did its work: the call has its effect, the caller may not learn of it.
const (
	Drop        Kind = "drop"         // resets the connection instead of answering
	Truncate    Kind = "truncate"     // sends half of the body
	ContentType Kind = "content type" // sends the body as text/html
	Huge        Kind = "huge"         // sends Fault.Bytes (default 16 MiB) of padding with the body
)

// Faults of the vendor's own calls. Status, Slow, Hang, Reset, Drop, Truncate, ContentType and Huge
// apply there, too: Status stands for "never sent, tried again", Drop for "sent, answer ignored".
const (
	Duplicate    Kind = "duplicate"     // makes the call twice
	BadSignature Kind = "bad signature" // proves itself with a wrong signature or token
	// Reorder lets the next call of the same conversation go first, if one comes within Delay
	// (default 1 s).
	Reorder Kind = "reorder"
)

// kinds are all of the above.
var kinds = []Kind{
	Status, Slow, Hang, Reset, ExpiredToken, Refuse, Drop, Truncate, ContentType, Huge, Duplicate, BadSignature, Reorder,
}

// Known returns whether k is one of the kinds.
func (k Kind) Known() bool { return slices.Contains(kinds, k) }

// Fault is one thing that goes wrong, Count times or until cleared.
type Fault struct {
	Kind       Kind
	Endpoint   string // name of the endpoint or call; "" means any
	Count      int    // how often; 0 means until cleared
	Skip       int    // matching calls to let pass first
	Status     int
	Code       int           // of the vendor's own list of errors, for Refuse
	RetryAfter time.Duration // rounded up to whole seconds; 0 means no header
	Delay      time.Duration
	Bytes      int
}

// Hit is one fault that happened.
type Hit struct {
	Endpoint string
	Kind     Kind
}

// Set is the faults of one pretend vendor. The zero value has none and is ready to use; it is safe
// for concurrent use.
type Set struct {
	// Hits lists the faults that happened, in order.
	Hits record.Log[Hit]

	active  atomic.Int32 // len(faults): keeps the usual path free of the lock
	mu      sync.Mutex
	faults  []*Fault
	release chan struct{}
}

// Add puts f behind the faults that are already there. One call meets at most one fault: the
// first that matches.
func (s *Set) Add(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
	s.active.Store(int32(len(s.faults)))
}

// Clear removes all faults and releases what hangs.
func (s *Set) Clear() {
	s.mu.Lock()
	s.faults = nil
	s.active.Store(0)
	s.mu.Unlock()
	s.Release()
}

// Release lets everything go on that hangs now.
func (s *Set) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.release != nil {
		close(s.release)
		s.release = nil
	}
}

// Take returns the first fault for endpoint that is of one of kinds, and counts it as happened.
func (s *Set) Take(endpoint string, kinds ...Kind) (Fault, bool) {
	if s == nil || s.active.Load() == 0 {
		return Fault{}, false
	}
	f, ok := s.take(endpoint, kinds)
	if ok {
		s.Hits.Append(Hit{Endpoint: endpoint, Kind: f.Kind})
	}
	return f, ok
}

func (s *Set) take(endpoint string, kinds []Kind) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Endpoint != "" && f.Endpoint != endpoint || !slices.Contains(kinds, f.Kind) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Count == 1 {
			s.faults = slices.Delete(s.faults, i, i+1)
			s.active.Store(int32(len(s.faults)))
		}
		if f.Count > 1 {
			f.Count--
		}
		return *f, true
	}
	return Fault{}, false
}

// Hold waits for Release or the end of ctx, whose error it returns.
func (s *Set) Hold(ctx context.Context) error {
	s.mu.Lock()
	if s.release == nil {
		s.release = make(chan struct{})
	}
	release := s.release
	s.mu.Unlock()
	select {
	case <-release:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Sleep waits d or until the end of ctx, whose error it returns.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
