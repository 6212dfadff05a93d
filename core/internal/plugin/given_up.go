package plugin

import (
	"fmt"
	"sync"

	"patchbay/sdk/text"
)

// GivenUpError means that the adapter broke repeatedly on a webhook, on a medium or at the start of a subscription. The
// gateway does not pass the same webhook or medium to the adapter again until Host.Restart, another version of the
// adapter, another Host or maxBrokenCalls later faults. A subscription may be started again.
type GivenUpError struct {
	Name string // name of the adapter
	Text string // cause, as in BrokeError
	Keep *KeepOnce
	// Redact replaces the secrets of the adapter's settings in a text.
	Redact func(string) string

	broke *BrokeError // nil if the call was given up before, so that the adapter did not get it again
}

// Error returns one line, with the first line of Text.
func (e *GivenUpError) Error() string {
	return fmt.Sprintf("the call is given up, because adapter %s broke on it repeatedly: %s", e.Name,
		text.FirstLine(e.Text))
}

// Unwrap returns the BrokeError that led to this error.
func (e *GivenUpError) Unwrap() error {
	if e.broke == nil {
		return nil
	}
	return e.broke
}

// KeepOnce stores a given-up webhook only once, even if the vendor repeats it. It is safe for concurrent use.
type KeepOnce struct {
	mu   sync.Mutex
	kept bool
}

// Do calls store, unless an earlier call has succeeded.
func (k *KeepOnce) Do(store func() error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kept {
		return nil
	}
	err := store()
	k.kept = err == nil
	return err
}
