package plugin

import (
	"maps"
	"time"
)

// State is where an adapter is in its life.
type State string

// The states. A process exists in starting, configuring, ready, degraded and draining.
const (
	StateVerifying   State = "verifying"   // looking at the file
	StateStarting    State = "starting"    // process and handshake
	StateConfiguring State = "configuring" // describing itself, taking the channels' settings
	StateReady       State = "ready"
	StateDegraded    State = "degraded" // serves calls, but says that channels are not well
	StateBackoff     State = "backoff"  // waits before the next start
	StateQuarantined State = "quarantined"
	StateDraining    State = "draining"
	StateStopped     State = "stopped" // no process, and none will come; also before Run
)

// Status is a snapshot of an adapter.
type Status struct {
	State    State
	Since    time.Time
	Instance int // number of the current or last process; 0 before the first
	PID      int // 0 if there is no process
	Restarts int
	// Reason is why the last process was replaced or the next one waits, "" if all is well: one of exited,
	// start, liveness, stream, permanent, requested.
	Reason    string
	LastError string            // the last failure, for operators
	NextStart time.Time         // in backoff and quarantined
	Sick      map[string]string // channel to trouble, as the adapter reports it
	Version   string            // of the adapter, as it describes itself
}

// Serving reports whether calls are taken.
func (s Status) Serving() bool { return s.State == StateReady || s.State == StateDegraded }

// Status returns the present snapshot. It never blocks.
func (h *Host) Status() Status {
	s := *h.status.Load()
	s.Sick = maps.Clone(s.Sick)
	return s
}

// update changes the snapshot and tells whoever waits. Only the supervisor and the goroutines of its current
// session call it.
func (h *Host) update(change func(*Status)) {
	h.mu.Lock()
	next := *h.status.Load()
	before := next.State
	change(&next)
	if next.State == StateReady && len(next.Sick) > 0 {
		next.State = StateDegraded
	}
	if next.State == StateDegraded && len(next.Sick) == 0 {
		next.State = StateReady
	}
	if next.State != before {
		next.Since = time.Now()
	}
	h.status.Store(&next)
	close(h.changed)
	h.changed = make(chan struct{})
	up := 0.0
	if next.Serving() {
		up = 1
	}
	h.metrics.up.Set(up)
	h.mu.Unlock()
	if next.State != before {
		h.log.Debug("adapter state", "state", string(next.State), "instance", next.Instance)
	}
}
