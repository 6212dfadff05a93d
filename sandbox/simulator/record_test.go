package simulator

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNextReturnsTheEntriesFromTheIndex(t *testing.T) {
	var l Log[string]
	l.Append("a")
	go func() { l.Append("b") }()
	got, err := l.Next(testContext(t), 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"b"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	var l Log[int]
	ctx, cancel := context.WithCancel(testContext(t))
	cancel()
	if err := l.Wait(ctx, func([]int) bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait = %v, want canceled", err)
	}
	if _, err := l.Next(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("Next = %v, want canceled", err)
	}
}

func TestConcurrentAppendsAreAllSeen(t *testing.T) {
	var (
		l  Log[int]
		wg sync.WaitGroup
	)
	for i := range 50 {
		wg.Go(func() { l.Append(i) })
	}
	if err := l.Wait(testContext(t), func(all []int) bool { return len(all) == 50 }); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	seen := map[int]bool{}
	for _, v := range l.All() {
		seen[v] = true
	}
	if len(seen) != 50 || l.Len() != 50 {
		t.Errorf("saw %d different of %d entries, want 50 of 50", len(seen), l.Len())
	}
}
