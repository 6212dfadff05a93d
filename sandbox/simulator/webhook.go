package simulator

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"
)

// ErrClosed means that the vendor makes no more calls.
var ErrClosed = errors.New("vendor is closed")

// Retry configures the retries of failed webhook calls. The zero value disables retries.
type Retry struct {
	Attempts int           // in total; 0 means 1
	First    time.Duration // the delay before the second attempt, then doubled; default 50 ms
	Max      time.Duration // the maximum delay; default 2 s
}

// Call is one call of a webhook.
type Call struct {
	Endpoint string // name for faults
	URL      string
	Body     []byte // JSON
	Header   http.Header
	// Authenticate, if set, adds the caller's credentials to the request of each attempt, as headers or in the body. If
	// wrong is true, the credentials must be invalid.
	Authenticate func(r *http.Request, body []byte, wrong bool)
	// IsAccepted returns whether a response means success. Nil means that status 200 is success.
	IsAccepted func(status int, body []byte) bool
	Attempts   int // instead of Retry.Attempts, if not 0

	onOutcome func(Outcome) // if not nil, called with the outcome
}

// Outcome is the result of one call after all its attempts.
type Outcome struct {
	Call     Call
	Attempts int // duplicates not counted
	Accepted bool
	Status   int    // of the last attempt's response, 0 if there was none
	Response []byte // of the last attempt
	Err      error  // of the last attempt, nil if there was a response
}

// NewClient returns an HTTP client with at most 64 connections to each host. It follows no redirects.
func NewClient() *http.Client {
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 64, MaxConnsPerHost: 64, IdleConnTimeout: 30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Queue queues c after the earlier calls of key and returns immediately.
func (v *Vendor) Queue(key string, c Call) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ctx.Err() != nil {
		return ErrClosed
	}
	v.queued.Add(1)
	q := v.queues[key]
	if q == nil {
		q = new(Log[Call])
		v.queues[key] = q
		v.workers.Go(func() { v.work(q) })
	}
	q.Append(c)
	return nil
}

// Do queues c after the earlier calls of key and waits for its outcome. It returns an error if ctx ends or the vendor
// is closed first. The call continues when ctx ends.
func (v *Vendor) Do(ctx context.Context, key string, c Call) (Outcome, error) {
	ended := make(chan Outcome, 1)
	c.onOutcome = func(o Outcome) { ended <- o }
	if err := v.Queue(key, c); err != nil {
		return Outcome{}, err
	}
	select {
	case out := <-ended:
		return out, nil
	case <-ctx.Done():
		return Outcome{}, ctx.Err()
	case <-v.ctx.Done():
		return Outcome{}, ErrClosed
	}
}

// Pending returns the number of queued calls without an outcome, and the number of all calls that were ever queued.
func (v *Vendor) Pending() (pending, queued int64) {
	ended := int64(v.Outcomes.Len()) // read first: a call that ends between the two reads counts as pending
	queued = v.queued.Load()
	return queued - ended, queued
}

// work makes the calls of one key until the vendor is closed.
func (v *Vendor) work(q *Log[Call]) {
	for i := 0; ; i++ {
		next, err := q.Next(v.ctx, i)
		if err != nil {
			return
		}
		c := next[0]
		f, _ := v.Faults.Take(c.Endpoint, CallFaults...)
		if f.Kind == Reorder {
			f.Kind = ""
			ctx, cancel := context.WithTimeout(v.ctx, cmp.Or(f.Delay, time.Second))
			later, err := q.Next(ctx, i+1)
			cancel()
			if err == nil {
				v.deliver(later[0], Fault{})
				i++
			}
		}
		v.deliver(c, f)
	}
}
