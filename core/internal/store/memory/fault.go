package memory

import (
	"context"

	"patchbay/core/internal/store"
)

// Fault is what happens to one Append.
type Fault int

// The faults.
const (
	// None lets the append go on as usual; it spaces other faults.
	None Fault = iota
	// LostStored stores the record and loses the answer: ErrUnavailable until Recover.
	LostStored
	// LostUnstored stores nothing and gives no answer: ErrUnavailable until Recover.
	LostUnstored
	// Full refuses the record with ErrFull.
	Full
	// Fenced lets a rival append a record first, and refuses this one with ErrFenced.
	Fenced
)

// Op is a call that a hook sees.
type Op string

// The calls.
const (
	OpAppend  Op = "append"
	OpRecover Op = "recover"
	OpGet     Op = "get"
	OpRead    Op = "read"
	OpPurge   Op = "purge"
	OpSave    Op = "save"
	OpLoad    Op = "load"
)

// Fail queues faults: each Append that reaches the store takes the next one.
func (l *Log) Fail(faults ...Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, faults...)
}

// Hook calls fn at the start of every call that may do I/O; it may wait, as a slow disk does, and an error of it
// becomes the error of the call, which then has no effect. nil removes the hook.
func (l *Log) Hook(fn func(context.Context, Op) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hook = fn
}

// SetHealth makes Health return h; nil makes it tell the truth again.
func (l *Log) SetHealth(h *store.Health) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.health = h
}

// enter is the start of every call: it fails on a closed log or an ended context, and runs the hook.
func (l *Log) enter(ctx context.Context, op Op) error {
	l.mu.Lock()
	hook, closed, doubt := l.hook, l.closed, l.doubt
	l.mu.Unlock()
	switch {
	case closed:
		return store.ErrClosed
	case doubt && op == OpAppend:
		return store.ErrUnavailable
	}
	if hook != nil {
		if err := hook(ctx, op); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// nextFault takes the fault of this append.
func (l *Log) nextFault() Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.faults) == 0 {
		return None
	}
	f := l.faults[0]
	l.faults = l.faults[1:]
	return f
}
