package store

import "errors"

// The kinds of failures. A [Log] wraps them with what happened; callers decide with [errors.Is].
var (
	// ErrFenced says that another writer has appended to the log. The caller must stop writing.
	ErrFenced = errors.New("another writer has appended")
	// ErrFull says that there is no room. Purge makes some, or the operator does.
	ErrFull = errors.New("store is full")
	// ErrUnavailable says that the store did not answer or could not write. An append may have been stored or not.
	ErrUnavailable = errors.New("store is unavailable")
	// ErrNotFound says that there is no record with the sequence.
	ErrNotFound = errors.New("no such record")
	// ErrRecordSize says that a record is empty or larger than [MaxRecord].
	ErrRecordSize = errors.New("record size is out of range")
	// ErrNoBase says that a snapshot wants to carry buckets over and there is no snapshot to carry them over from.
	ErrNoBase = errors.New("no snapshot to carry buckets over from")
	// ErrDamaged says that something that was stored can't be read any more.
	ErrDamaged = errors.New("store is damaged")
	// ErrClosed says that the log was closed.
	ErrClosed = errors.New("log is closed")
	// ErrLocked says that another process uses the store.
	ErrLocked = errors.New("store is in use")
	// ErrNewer says that the store was written by a newer version of the program.
	ErrNewer = errors.New("store has a newer format")
)
