package store

import "errors"

// Errors of a [Log], wrapped with details. Check them with [errors.Is].
var (
	// ErrOtherWriter means that another writer has appended to the log. The caller must stop writing.
	ErrOtherWriter = errors.New("another writer has appended to the log")
	// ErrFull means that the log has reached [Overflow] times its cap, or that only the reserve of the disk is free.
	// Purge records or free disk space.
	ErrFull = errors.New("store is full")
	// ErrUnavailable means that the store did not respond or could not write. A record may be stored or not.
	ErrUnavailable = errors.New("store is unavailable")
	// ErrNotFound means that no record has the sequence.
	ErrNotFound = errors.New("no such record")
	// ErrRecordSize means that a record is empty or larger than [MaxRecord].
	ErrRecordSize = errors.New("record size is out of range")
	// ErrNoBase means that a snapshot keeps buckets of an earlier snapshot, but this Log has saved or loaded none.
	ErrNoBase = errors.New("no earlier snapshot whose buckets can be kept")
	// ErrDamaged means that stored data is unreadable.
	ErrDamaged = errors.New("store is damaged")
	// ErrClosed means that the log is closed.
	ErrClosed = errors.New("log is closed")
	// ErrLocked means that another process uses the store.
	ErrLocked = errors.New("store is in use")
	// ErrNewer means that a newer version of the program wrote the store.
	ErrNewer = errors.New("store has a newer format")
	// ErrOlder means that an older version of the program wrote the store, and this one cannot read it.
	ErrOlder = errors.New("store has an older format")
)
