package telemetry_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/telemetry"
)

func TestSuppressedLinesAreCountedWhenTheWindowEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var reports []string
		l := telemetry.NewLogLimiter(2, time.Minute, func(key string, suppressed int) {
			mu.Lock()
			defer mu.Unlock()
			reports = append(reports, fmt.Sprintf("%s %d", key, suppressed))
		})
		allowed := map[string]int{}
		for range 10 {
			for _, key := range []string{"a", "b"} {
				if l.Allow(key) {
					allowed[key]++
				}
			}
		}
		_ = l.Allow("c")
		if allowed["a"] != 2 || allowed["b"] != 2 {
			t.Errorf("allowed %v, want 2 of each", allowed)
		}
		time.Sleep(time.Minute - time.Second)
		synctest.Wait()
		reported := func() []string {
			mu.Lock()
			defer mu.Unlock()
			slices.Sort(reports)
			return slices.Clone(reports)
		}
		if early := reported(); len(early) != 0 {
			t.Errorf("reported %v before the end of the window", early)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got, want := reported(), []string{"a 8", "b 8"}; !slices.Equal(got, want) {
			t.Errorf("reported %v, want %v", got, want)
		}
		if !l.Allow("a") {
			t.Error("a line of the next window is suppressed")
		}
		time.Sleep(2 * time.Minute)
	})
}
