package simulator

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// Log is a list that only grows. The zero value is ready to use; it is safe for concurrent use. Callers must not change
// the slices that it returns.
type Log[T any] struct {
	mu    sync.Mutex
	items []T
	grown chan struct{} // closed at the next Append; nil while no reader waits
}

// Append adds v and wakes all readers that wait.
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

// Next returns the entries at index from and later. It waits until there is one or ctx ends.
func (l *Log[T]) Next(ctx context.Context, from int) ([]T, error) {
	var next []T
	err := l.Wait(ctx, func(all []T) bool {
		next = all[min(from, len(all)):]
		return len(next) > 0
	})
	return next, err
}

// Wait returns nil as soon as done returns true for the entries; it asks again after each Append.
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
