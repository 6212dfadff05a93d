package harness

import (
	"context"
	"testing"
	"time"
)

// Patience is how long a test waits for what must come soon, on a machine that has other things to do.
const Patience = 30 * time.Second

// Eventually returns when done does not return a reason to wait any more, or fails the test with the last one.
func Eventually(t testing.TB, within time.Duration, what string, done func() (waiting string)) {
	t.Helper()
	deadline := time.Now().Add(within)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		waiting := done()
		if waiting == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %s", what, within, waiting)
		}
		<-tick.C
	}
}

// Soon returns a context that ends after Patience, or with the test.
func Soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	t.Cleanup(cancel)
	return ctx
}
