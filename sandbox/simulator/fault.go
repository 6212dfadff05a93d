package simulator

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Kind is a kind of fault.
type Kind string

// Faults that apply before an endpoint handles the call. The call has no effect, except after Slow and Hang.
const (
	Status Kind = "status" // responds with Fault.Status (default 500), and with Retry-After if set
	Slow   Kind = "slow"   // waits Fault.Delay, then continues as usual
	Hang   Kind = "hang"   // waits for Release, then continues as usual; the call has no effect if it is canceled first
	Reset  Kind = "reset"  // resets the connection

	// ExpiredToken makes the vendor refuse the caller's token in the vendor's format.
	ExpiredToken Kind = "expired token"
	// Refuse makes the vendor refuse the call in the vendor's format, with Fault.Code and Fault.Text from its list of
	// errors. Fault.Status, if set, is the HTTP status.
	Refuse Kind = "refuse"
)

// Faults that apply after an endpoint has handled the call. The call has its effect, but its response is lost or
// damaged.
const (
	Drop        Kind = "drop"         // resets the connection instead of sending the response
	Truncate    Kind = "truncate"     // sends half of the body
	ContentType Kind = "content type" // sends the body as text/html
	Huge        Kind = "huge"         // sends Fault.Bytes (default 16 MiB) of padding with the body
)

// Faults of webhook calls only. Status, Slow, Hang, Reset, Drop, Truncate, ContentType and Huge also apply to webhook
// calls. There, Status sends no request and the attempt fails, Drop ignores the response, and Truncate, ContentType and
// Huge change the request.
const (
	Duplicate    Kind = "duplicate"     // makes the call twice
	BadSignature Kind = "bad signature" // sends a wrong signature or token
	// Reorder makes the next call with the same key first, if one is queued within Delay (default 1 s).
	Reorder Kind = "reorder"
)

var commonFaults = []Kind{Status, Slow, Hang, Reset, Drop, Truncate, ContentType, Huge}

// Kinds of faults that apply to calls of an endpoint, and to webhook calls.
var (
	EndpointFaults = append(slices.Clone(commonFaults), ExpiredToken, Refuse)
	CallFaults     = append(slices.Clone(commonFaults), Duplicate, Reorder, BadSignature)
)

// Fault is a fault that applies to Count calls, or until it is cleared.
type Fault struct {
	Kind       Kind          `json:"kind"`
	Endpoint   string        `json:"endpoint"` // name of the endpoint or webhook call; "" means any
	Count      int           `json:"count"`    // 0 means until cleared
	Skip       int           `json:"skip"`     // number of matching calls before the first fault
	Status     int           `json:"status"`
	Code       int           `json:"code"` // of the vendor's list of errors, for Refuse
	Text       string        `json:"text"` // of the vendor's list of errors, for Refuse
	Bytes      int           `json:"bytes"`
	RetryAfter time.Duration `json:"-"`
	Delay      time.Duration `json:"-"`
}

// Hit is one fault that happened.
type Hit struct {
	Endpoint string
	Kind     Kind
}

// Faults are the faults of one vendor. The zero value has none and is ready to use; it is safe for concurrent use.
type Faults struct {
	// Hits lists the faults that happened, in order.
	Hits Log[Hit]

	mu       sync.Mutex
	faults   []*Fault
	released Log[struct{}] // one entry for each Release
}

// Add appends f to the faults. The first matching fault applies to a call.
func (s *Faults) Add(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Clear removes all faults and releases the hanging calls.
func (s *Faults) Clear() {
	s.mu.Lock()
	s.faults = nil
	s.mu.Unlock()
	s.Release()
}

// Release lets all hanging calls continue.
func (s *Faults) Release() { s.released.Append(struct{}{}) }

// Take returns the first fault for endpoint that is of one of the kinds, counts it and adds it to Hits.
func (s *Faults) Take(endpoint string, kinds ...Kind) (Fault, bool) {
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
		}
		f.Count--
		s.Hits.Append(Hit{Endpoint: endpoint, Kind: f.Kind})
		return *f, true
	}
	return Fault{}, false
}

// Wait blocks for the delay of a Slow fault, or until Release for any other fault. It returns an error if ctx ends
// first.
func (s *Faults) Wait(ctx context.Context, f Fault) error {
	if f.Kind == Slow {
		return Sleep(ctx, f.Delay)
	}
	_, err := s.released.Next(ctx, s.released.Len())
	return err
}

// Sleep waits for d. It returns the error of ctx if ctx ends first.
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
