package plugin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"patchbay/sdk/protocol/pluginpb"
)

// Options say what to run and how patient to be. Zero durations mean the defaults that are given.
type Options struct {
	Name    string   // name of the adapter in the configuration
	Command string   // absolute path of the program
	Args    []string // without the program's name
	Env     []string // "KEY=value", added to the clean environment
	// RuntimeDir holds the sockets; it belongs to one process alone, see ClaimRuntimeDir. "", a path that is too long
	// for a socket or one that can't be made means folders in the system's temporary directory.
	RuntimeDir     string
	GatewayVersion string
	Logger         *slog.Logger
	Metrics        *Metrics // nil counts nowhere

	StartTimeout time.Duration // until ready, per step of the start; 10 s
	HoldTimeout  time.Duration // for Receive to wait for a process; 3 s
	DrainTimeout time.Duration // for running calls at the end; 15 s
	StopTimeout  time.Duration // for the process to exit after that, before it is killed; 3 s

	LivenessInterval time.Duration // 5 s
	LivenessTimeout  time.Duration // 2 s
	LivenessMisses   int           // 3

	BackoffMin      time.Duration // 200 ms; the first restart after a healthy time has no delay
	BackoffMax      time.Duration // 30 s
	HealthyAfter    time.Duration // a process that lived this long clears the record; 60 s
	CrashBudget     int           // crashes within CrashWindow that quarantine; 5
	CrashWindow     time.Duration // 2 min
	QuarantineRetry time.Duration // one more try after this time; 5 min
	PermanentRetry  time.Duration // the same after an error that a restart can't cure; 30 s
}

func (o *Options) setDefaults() {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.StartTimeout, 10*time.Second)
	def(&o.HoldTimeout, 3*time.Second)
	def(&o.DrainTimeout, 15*time.Second)
	def(&o.StopTimeout, 3*time.Second)
	def(&o.LivenessInterval, 5*time.Second)
	def(&o.LivenessTimeout, 2*time.Second)
	def(&o.BackoffMin, 200*time.Millisecond)
	def(&o.BackoffMax, 30*time.Second)
	def(&o.HealthyAfter, time.Minute)
	def(&o.CrashWindow, 2*time.Minute)
	def(&o.QuarantineRetry, 5*time.Minute)
	def(&o.PermanentRetry, 30*time.Second)
	if o.LivenessMisses <= 0 {
		o.LivenessMisses = 3
	}
	if o.CrashBudget <= 0 {
		o.CrashBudget = 5
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// Host runs one adapter. Its methods are safe for concurrent use; Run is called once.
type Host struct {
	opts    Options
	log     *slog.Logger
	metrics *hostMetrics

	session atomic.Pointer[session] // nil while no process takes calls
	status  atomic.Pointer[Status]
	restart chan *session // to replace; nil if there was none to end

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced with each change of the status
	channels []*pluginpb.ChannelConfig
}

// New returns a Host that does nothing until Run.
func New(o Options) *Host {
	o.setDefaults()
	if o.Metrics == nil {
		o.Metrics, _ = NewMetrics(nil)
	}
	h := &Host{
		opts: o, log: o.Logger.With("adapter", o.Name), metrics: o.Metrics.of(o.Name),
		restart: make(chan *session, 1), changed: make(chan struct{}),
	}
	h.status.Store(&Status{State: StateStopped, Since: time.Now()})
	return h
}

// Run supervises the adapter until ctx ends; then it drains and stops it, and returns when no process is left.
// It returns nil unless a process could not be ended.
func (h *Host) Run(ctx context.Context) error { return newSupervisor(h).run(ctx) }

// Restart replaces the running process after draining it, or ends a backoff or quarantine at once. It does nothing while
// a process starts or ends, and does not wait.
func (h *Host) Restart() {
	select {
	case h.restart <- h.session.Load():
	default: // one that is not taken yet makes another needless
	}
}

// Wait returns nil when the adapter takes calls. It returns an error that wraps ErrNotReady when ctx ends, or at once
// when the adapter is quarantined.
func (h *Host) Wait(ctx context.Context) error {
	_, err := h.await(ctx)
	return err
}

// await returns the session that takes calls.
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
			return nil, fmt.Errorf("%w: %s is quarantined: %s", ErrNotReady, h.opts.Name, st.LastError)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, h.notReady(ctx)
		}
	}
}

func (h *Host) notReady(ctx context.Context) error {
	st := h.status.Load()
	if st.LastError == "" {
		return fmt.Errorf("%w: %s is %s (%w)", ErrNotReady, h.opts.Name, st.State, context.Cause(ctx))
	}
	return fmt.Errorf("%w: %s is %s: %s (%w)", ErrNotReady, h.opts.Name, st.State, st.LastError, context.Cause(ctx))
}

// Describe returns what the running process says about itself; it waits for one.
func (h *Host) Describe(ctx context.Context) (*pluginpb.DescribeResponse, error) {
	s, err := h.await(ctx)
	if err != nil {
		return nil, fmt.Errorf("describe: %w", err)
	}
	return s.description, nil
}

// Validate returns the problems of a channel's settings that the schema can't express.
func (h *Host) Validate(ctx context.Context, c *pluginpb.ChannelConfig) ([]*pluginpb.Problem, error) {
	var out []*pluginpb.Problem
	err := h.once(ctx, "validate "+c.GetName(), func(s *session) error {
		resp, err := s.rpc.Validate(ctx, &pluginpb.ValidateRequest{Channel: c})
		out = resp.GetProblems()
		return err
	})
	return out, err
}

// Configure applies a channel's configuration. If the adapter accepts it, the Host remembers it, in place of a former
// one of the same name, and applies it to every later process before that is ready. A refusal is in the response's Error.
// The caller must not change c afterwards.
func (h *Host) Configure(ctx context.Context, c *pluginpb.ChannelConfig) (*pluginpb.ConfigureResponse, error) {
	var out *pluginpb.ConfigureResponse
	for {
		var at *session
		err := h.once(ctx, "configure "+c.GetName(), func(s *session) (err error) {
			at = s
			out, err = s.rpc.Configure(ctx, &pluginpb.ConfigureRequest{Channel: c})
			return err
		})
		if err != nil || out.GetError() != nil {
			return out, err
		}
		h.remember(c)
		// A process that began meanwhile may have copied the list before this channel was on it.
		if h.session.Load() == at || ctx.Err() != nil {
			return out, nil
		}
	}
}

// once runs a unary call on the present process, and once more on the next if that one dies during it.
func (h *Host) once(ctx context.Context, what string, call func(*session) error) error {
	for attempt := 1; ; attempt++ {
		s, err := h.await(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if err = call(s); err == nil {
			return nil
		}
		if ctx.Err() == nil && attempt == 1 && lost(err) && s.gone(ctx) {
			continue
		}
		return fmt.Errorf("%s: adapter %s: %w", what, h.opts.Name, errors.Join(err, context.Cause(ctx)))
	}
}

func (h *Host) remember(c *pluginpb.ChannelConfig) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, have := range h.channels {
		if have.GetName() == c.GetName() {
			h.channels[i] = c
			return
		}
	}
	h.channels = append(h.channels, c)
}

// Forget no longer applies a channel's configuration to later processes. The running one keeps it.
func (h *Host) Forget(channel string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, have := range h.channels {
		if have.GetName() == channel {
			h.channels = append(h.channels[:i:i], h.channels[i+1:]...)
			return
		}
	}
}

func (h *Host) remembered() []*pluginpb.ChannelConfig {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]*pluginpb.ChannelConfig(nil), h.channels...)
}
