package plugin

import (
	"maps"
	"time"
)

// State is the state of an adapter.
type State string

// The states. A process exists in starting, configuring, ready, degraded and draining.
const (
	StateVerifying   State = "verifying"   // checks the program's file
	StateStarting    State = "starting"    // starts the process, waits for the handshake
	StateConfiguring State = "configuring" // describes the adapter, configures its channels
	StateReady       State = "ready"       // accepts calls
	StateDegraded    State = "degraded"    // accepts calls, and reports unhealthy channels
	StateBackoff     State = "backoff"     // waits for the next start
	StateQuarantined State = "quarantined" // waits longer, after too many crashes or a permanent error
	StateDraining    State = "draining"    // finishes running calls
	StateStopped     State = "stopped"     // before Run, and after it
)

// Status is a snapshot of an adapter.
type Status struct {
	State    State
	Since    time.Time // time of the last change of State
	Instance int       // number of the current or last process, 0 before the first
	PID      int       // 0 without a process
	Restarts int
	// Reason is the reason for the last end of a process, "" while an adapter is ready: exited, start, liveness,
	// hung, changed, stream, permanent or requested.
	Reason    string
	LastError string            // last failure, for operators
	NextStart time.Time         // in backoff and quarantined
	Unhealthy map[string]string // problems reported by the adapter, by channel
	Version   string            // of the adapter
	Overdue   int               // canceled calls that have not ended
}

// AcceptsCalls reports whether the adapter accepts calls.
func (s Status) AcceptsCalls() bool { return s.State == StateReady || s.State == StateDegraded }

// Status returns the current snapshot. It never blocks.
func (h *Host) Status() Status {
	s := *h.status.Load()
	s.Unhealthy = maps.Clone(s.Unhealthy)
	s.Overdue = int(h.overdue.Load())
	return s
}

func (h *Host) countOverdue(change int) { h.overdue.Add(int64(change)) }

// Represent sets whether this Host sets the metrics up and info of the adapter. Only one Host of an adapter may do
// this.
func (h *Host) Represent(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.silent = !on
	h.show(h.status.Load())
}

// show sets the metrics of the status. The caller holds the lock.
func (h *Host) show(s *Status) {
	if h.silent {
		return
	}
	h.metrics.setUp(s.AcceptsCalls())
	if s.Version != "" {
		h.metrics.setVersion(s.Version)
	}
}

// update changes the snapshot and wakes the callers of Wait. It is called by the supervisor and by the goroutines of
// its current session.
func (h *Host) update(change func(*Status)) {
	h.mu.Lock()
	next := *h.status.Load()
	before := next.State
	change(&next)
	if next.State == StateReady && len(next.Unhealthy) > 0 {
		next.State = StateDegraded
	}
	if next.State == StateDegraded && len(next.Unhealthy) == 0 {
		next.State = StateReady
	}
	if next.State != before {
		next.Since = time.Now()
	}
	h.status.Store(&next)
	close(h.changed)
	h.changed = make(chan struct{})
	h.show(&next)
	h.mu.Unlock()
	if next.State != before {
		h.log.Debug("adapter state", "state", string(next.State), "instance", next.Instance)
	}
}
