// Package record keeps what a pretend vendor saw, so that a test or a page can read it back and
// wait for more.
package record

import (
	"context"
	"fmt"
	"sync"
)

// Log is a list that only grows. The zero value is ready to use; it is safe for concurrent use.
// Slices that it hands out are never written to again and must not be changed by the reader.
type Log[T any] struct {
	mu    sync.Mutex
	items []T
	grown chan struct{} // closed at the next Append; nil while nobody waits
}

// Append adds v and wakes everybody who waits. It returns v's index.
func (l *Log[T]) Append(v T) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.items = append(l.items, v)
	if l.grown != nil {
		close(l.grown)
		l.grown = nil
	}
	return len(l.items) - 1
}

// All returns everything so far, oldest first.
func (l *Log[T]) All() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.items[:len(l.items):len(l.items)]
}

// Len returns how many there are.
func (l *Log[T]) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.items)
}

// Next returns what stands at index from and later, waiting until there is something or ctx ends.
func (l *Log[T]) Next(ctx context.Context, from int) ([]T, error) {
	for {
		all, grown := l.look()
		if from < len(all) {
			return all[from:], nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for entry %d, have %d: %w", from, len(all), ctx.Err())
		}
	}
}

// Wait returns nil as soon as done holds of everything so far; it asks again after each Append.
func (l *Log[T]) Wait(ctx context.Context, done func([]T) bool) error {
	for {
		all, grown := l.look()
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

func (l *Log[T]) look() ([]T, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.grown == nil {
		l.grown = make(chan struct{})
	}
	return l.items[:len(l.items):len(l.items)], l.grown
}
