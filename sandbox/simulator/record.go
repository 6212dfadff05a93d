package simulator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"
)

// Log is a list that only grows. The zero value is ready to use; it is safe for concurrent use. Callers must not change
// the slices that it returns.
type Log[T any] struct {
	mu    sync.Mutex
	items []T
	grown chan struct{} // closed at the next Append; nil while no reader waits
}

// Append adds v and wakes all waiting readers.
func (l *Log[T]) Append(v T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.items = append(l.items, v)
	if l.grown != nil {
		close(l.grown)
		l.grown = nil
	}
}

// All returns the entries, oldest first.
func (l *Log[T]) All() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.items[:len(l.items):len(l.items)]
}

// Len returns the number of entries.
func (l *Log[T]) Len() int { return len(l.All()) }

// Select returns the entries for which want returns true.
func (l *Log[T]) Select(want func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(l.All()), func(v T) bool { return !want(v) })
}

// Next returns the entries from index from on. It waits until there is one or ctx ends.
func (l *Log[T]) Next(ctx context.Context, from int) ([]T, error) {
	var next []T
	err := l.Wait(ctx, func(all []T) bool {
		next = all[min(from, len(all)):]
		return len(next) > 0
	})
	return next, err
}

// Wait returns nil when done returns true for the entries. It calls done immediately and after each Append. It returns
// an error if ctx ends first.
func (l *Log[T]) Wait(ctx context.Context, done func([]T) bool) error {
	for {
		l.mu.Lock()
		if l.grown == nil {
			l.grown = make(chan struct{})
		}
		all, grown := l.items[:len(l.items):len(l.items)], l.grown
		l.mu.Unlock()
		if done(all) {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return fmt.Errorf("wait with %d entries: %w", len(all), ctx.Err())
		}
	}
}

// Table is a map that is safe for concurrent use. The zero value is ready to use.
type Table[V any] struct {
	mu   sync.Mutex
	rows map[string]V
}

// Get returns the row of key, and whether there is one.
func (t *Table[V]) Get(key string) (V, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	v, ok := t.rows[key]
	return v, ok
}

// Update replaces the row of key by the result of change and returns it. A missing row is the zero value.
func (t *Table[V]) Update(key string, change func(V) V) V {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rows == nil {
		t.rows = map[string]V{}
	}
	v := change(t.rows[key])
	t.rows[key] = v
	return v
}

// Put stores v under key.
func (t *Table[V]) Put(key string, v V) { t.Update(key, func(V) V { return v }) }

// Logs is a set of logs by key. The zero value is ready to use.
type Logs[T any] struct{ byKey sync.Map }

// Get returns the log of key, which is empty at first.
func (l *Logs[T]) Get(key string) *Log[T] {
	log, _ := l.byKey.LoadOrStore(key, new(Log[T]))
	return log.(*Log[T])
}

// HexID returns 24 random hexadecimal characters.
func HexID() string { return strings.ReplaceAll(uuid.NewString(), "-", "")[8:] }
