package memory

import (
	"context"

	"patchbay/core/internal/store"
)

// Fault is an injected fault of one Append.
type Fault int

// The faults.
const (
	// None injects no fault. In a list of faults, it lets one Append succeed.
	None Fault = iota
	// LostStored stores the record and returns ErrUnavailable.
	LostStored
	// LostUnstored stores nothing and returns ErrUnavailable.
	LostUnstored
	// Full returns ErrFull.
	Full
	// OtherWriter appends a record of another writer and returns ErrOtherWriter.
	OtherWriter
)

// Op is the name of a call.
type Op string

// The calls.
const (
	OpAppend  Op = "append"
	OpRecover Op = "recover"
	OpGet     Op = "get"
	OpRead    Op = "read"
	OpPurge   Op = "purge"
	OpSave    Op = "save snapshot"
	OpLoad    Op = "load snapshot"
)

// Fail queues faults, one for each following Append.
func (l *Log) Fail(faults ...Fault) {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	l.faults = append(l.faults, faults...)
}

// Hook runs fn at the start of every call that does I/O in a real log. fn can block to simulate a slow disk. If it
// returns an error, the call has no effect and fails with that error. nil removes the hook.
func (l *Log) Hook(fn func(context.Context, Op) error) {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	l.hook = fn
}

// SetHealth sets the result of Health; nil restores the actual health.
func (l *Log) SetHealth(h *store.Health) {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	l.health = h
}
