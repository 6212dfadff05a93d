// Package push makes a pretend vendor's calls of a webhook: in order per conversation, tried again
// when they fail, spoilt on command, and recorded.
package push

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"patchbay/sandbox/fault"
	"patchbay/sandbox/record"
)

// ErrClosed says that the pusher takes no more calls.
var ErrClosed = errors.New("pusher is closed")

// Retry bounds how a failed call is tried again. The zero value means never.
type Retry struct {
	Attempts int           // in all; 0 and 1 mean one
	First    time.Duration // before the second attempt, then doubled; default 50 ms
	Max      time.Duration // default 2 s
}

// Call is one call of a webhook.
type Call struct {
	Endpoint string // name for faults
	URL      string
	Body     []byte // JSON
	// Prove returns the headers that prove who calls, for exactly this body, made anew for each
	// attempt; with bad it proves nothing. It may be nil.
	Prove func(r *http.Request, body []byte, bad bool)
	// Accepted says whether an answer means success. Nil means status 200.
	Accepted func(status int, body []byte) bool
	Attempts int // in place of Retry.Attempts, if not 0

	ended chan<- Outcome // has room for the outcome; nil if nobody waits
}

// Outcome is what became of one call.
type Outcome struct {
	Key      string
	Call     Call
	Attempts int // calls that were made or tried to be made, duplicates not counted
	Accepted bool
	Status   int    // of the last answer, 0 if there was none
	Answer   []byte // of the last attempt, at most 1 MiB
	Err      error  // of the last attempt, nil if there was an answer
}

// Options configure a Pusher.
type Options struct {
	Client      *http.Client
	Faults      *fault.Set
	Retry       Retry
	Concurrency int  // calls under way at once; default 64
	Discard     bool // count outcomes, but do not keep them
}

// Pusher makes calls. Create it with New and end it with Close; it is safe for concurrent use.
type Pusher struct {
	// Outcomes lists what became of the calls, in the order in which they ended.
	Outcomes record.Log[Outcome]

	o      Options
	ctx    context.Context
	cancel context.CancelFunc
	slots  chan struct{}
	wg     sync.WaitGroup
	counts [3]atomic.Int64 // queued, accepted, failed

	mu     sync.Mutex
	closed bool
	queues map[string]*queue
}

// queue is the calls of one key; it exists as long as its goroutine runs.
type queue struct {
	calls []Call
	more  chan struct{} // has a token after each new call
}

// New returns a Pusher.
func New(o Options) *Pusher {
	if o.Concurrency == 0 {
		o.Concurrency = 64
	}
	if o.Client == nil {
		o.Client = NewClient()
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Pusher{
		o: o, ctx: ctx, cancel: cancel,
		slots:  make(chan struct{}, o.Concurrency),
		queues: map[string]*queue{},
	}
}

// NewClient returns an HTTP client that keeps many connections to one host and follows no redirect.
func NewClient() *http.Client {
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 256,
			IdleConnTimeout:     30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Push queues c behind the other calls of key and returns at once.
func (p *Pusher) Push(key string, c Call) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrClosed
	}
	p.counts[0].Add(1)
	q := p.queues[key]
	if q == nil {
		q = &queue{more: make(chan struct{}, 1)}
		p.queues[key] = q
		p.wg.Go(func() { p.work(key, q) })
	}
	q.calls = append(q.calls, c)
	select {
	case q.more <- struct{}{}:
	default:
	}
	return nil
}

// Do queues c behind the other calls of key and waits until it ended. An error means that there is no outcome: ctx
// ended first, and the call goes on, or the pusher was closed.
func (p *Pusher) Do(ctx context.Context, key string, c Call) (Outcome, error) {
	ended := make(chan Outcome, 1)
	c.ended = ended
	if err := p.Push(key, c); err != nil {
		return Outcome{}, err
	}
	select {
	case out := <-ended:
		return out, nil
	case <-ctx.Done():
		return Outcome{}, ctx.Err()
	case <-p.ctx.Done():
		return Outcome{}, ErrClosed
	}
}

// Counts returns how many calls were queued, were accepted and were given up.
func (p *Pusher) Counts() (queued, accepted, failed int64) {
	return p.counts[0].Load(), p.counts[1].Load(), p.counts[2].Load()
}

// Close ends all calls, also those under way, and waits for the pusher's goroutines.
func (p *Pusher) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	p.wg.Wait()
	p.o.Client.CloseIdleConnections()
}

// work makes the calls of one key until there are none left.
func (p *Pusher) work(key string, q *queue) {
	for {
		c, ok := p.next(key, q)
		if !ok {
			return
		}
		f, spoilt := p.o.Faults.Take(c.Endpoint, pushFaults...)
		if spoilt && f.Kind == fault.Reorder {
			p.reorder(key, q, c, f)
			continue
		}
		p.finish(key, c, p.deliver(c, f))
	}
}

// next takes the first call of q, or removes q if it is empty.
func (p *Pusher) next(key string, q *queue) (Call, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(q.calls) == 0 || p.ctx.Err() != nil {
		delete(p.queues, key)
		return Call{}, false
	}
	c := q.calls[0]
	q.calls[0] = Call{}
	q.calls = q.calls[1:]
	return c, true
}

// reorder lets the call behind c go first, if one comes in time.
func (p *Pusher) reorder(key string, q *queue, c Call, f fault.Fault) {
	if second, ok := p.await(q, f.Delay); ok {
		p.finish(key, second, p.deliver(second, fault.Fault{}))
	}
	p.finish(key, c, p.deliver(c, fault.Fault{}))
}

func (p *Pusher) await(q *queue, d time.Duration) (Call, bool) {
	if d == 0 {
		d = time.Second
	}
	late := time.NewTimer(d)
	defer late.Stop()
	for {
		p.mu.Lock()
		if len(q.calls) > 0 {
			c := q.calls[0]
			q.calls = q.calls[1:]
			p.mu.Unlock()
			return c, true
		}
		p.mu.Unlock()
		select {
		case <-q.more:
		case <-late.C:
			return Call{}, false
		case <-p.ctx.Done():
			return Call{}, false
		}
	}
}

func (p *Pusher) finish(key string, c Call, out Outcome) {
	out.Key, out.Call = key, c
	if out.Accepted {
		p.counts[1].Add(1)
	} else {
		p.counts[2].Add(1)
	}
	if !p.o.Discard {
		p.Outcomes.Append(out)
	}
	if c.ended != nil {
		c.ended <- out
	}
}
