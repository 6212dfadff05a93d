package harness

import (
	"context"
	"testing"
	"time"
)

// Patience is the timeout for an expected event on a loaded machine.
const Patience = 30 * time.Second

// Eventually waits until pending returns "". After the timeout it fails the test with the last reason.
func Eventually(t testing.TB, within time.Duration, event string, pending func() (reason string)) {
	t.Helper()
	deadline := time.Now().Add(within)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		reason := pending()
		if reason == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %s", event, within, reason)
		}
		<-tick.C
	}
}

// Soon returns a context that ends after Patience or with the test.
func Soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	t.Cleanup(cancel)
	return ctx
}
