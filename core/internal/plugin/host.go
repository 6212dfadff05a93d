package plugin

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"patchbay/sdk/protocol/pluginpb"
)

// Host runs one adapter. Its methods are safe for concurrent use, except that Run is called once.
type Host struct {
	opts    Options
	log     *slog.Logger
	metrics *hostMetrics

	session       atomic.Pointer[session] // nil while no process accepts calls
	status        atomic.Pointer[Status]
	overdue       atomic.Int64 // canceled calls that have not ended
	receives      callQueue
	fetches       callQueue
	subscriptions callQueue
	broken        *brokenCalls
	redactor      redactor
	restart       chan *session // the session to replace; nil if there was none

	mu      sync.Mutex
	silent  bool          // this Host does not set the metrics up and info
	changed chan struct{} // closed and replaced at each change of the status
	// In force, see in_force.go.
	description *pluginpb.DescribeResponse
	channels    []*channelInForce
}

// New returns a Host that does nothing until Run.
func New(o Options) *Host {
	o.setDefaults()
	if o.Metrics == nil {
		o.Metrics, _ = NewMetrics(nil)
	}
	h := &Host{
		opts: o, metrics: o.Metrics.of(o.Name),
		restart: make(chan *session, 1), changed: make(chan struct{}), silent: o.Candidate,
	}
	h.broken = newBrokenCalls(o.Name, h.redactor.redact)
	h.redactor.add(o.Secrets...)
	h.log = slog.New(redactingHandler{o.Logger.Handler(), h.redactor.redact}).With("adapter", o.Name)
	h.status.Store(&Status{State: StateStopped, Since: time.Now()})
	h.show(h.status.Load())
	return h
}

// Run supervises the adapter until ctx ends, then drains and stops it. It returns an error only if a process could not
// be killed.
func (h *Host) Run(ctx context.Context) error { return newSupervisor(h).run(ctx) }

// Restart drains and replaces the running process, or ends a backoff or quarantine. It does not wait. A process that is
// starting or ending is not replaced. Webhooks and media that were given up are passed to the adapter again.
func (h *Host) Restart() {
	h.forgetFaults()
	h.broken.forgiveAll()
	select {
	case h.restart <- h.session.Load():
	default: // a restart is already pending
	}
}

// Wait returns nil when the adapter accepts calls. It returns an error that wraps ErrNotReady when ctx ends or when the
// adapter is in quarantine.
func (h *Host) Wait(ctx context.Context) error {
	_, err := h.await(ctx)
	return err
}

// await returns the session that accepts calls.
func (h *Host) await(ctx context.Context) (*session, error) {
	for {
		if s := h.session.Load(); s != nil {
			return s, nil
		}
		h.mu.Lock()
		changed := h.changed
		h.mu.Unlock()
		if s := h.session.Load(); s != nil {
			return s, nil
		}
		if st := h.status.Load(); st.State == StateQuarantined {
			return nil, fmt.Errorf("%w: %s is in quarantine: %s", ErrNotReady, h.opts.Name, st.LastError)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, h.notReady(ctx)
		}
	}
}

// awaitFor is await with a time limit.
func (h *Host) awaitFor(ctx context.Context, limit time.Duration) (*session, error) {
	if s := h.session.Load(); s != nil {
		return s, nil
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return h.await(ctx)
}

func (h *Host) notReady(ctx context.Context) error {
	st := h.status.Load()
	if st.LastError == "" {
		return fmt.Errorf("%w: %s is %s (%w)", ErrNotReady, h.opts.Name, st.State, context.Cause(ctx))
	}
	return fmt.Errorf("%w: %s is %s: %s (%w)", ErrNotReady, h.opts.Name, st.State, st.LastError, context.Cause(ctx))
}
