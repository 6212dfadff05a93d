package plugin

import (
	"fmt"
	"sync"

	"patchbay/sdk/text"
)

// GivenUpError means that the adapter broke on a webhook or a medium so often that the gateway does not pass it to the
// adapter again, even if the vendor repeats it. A restart of the adapter by an operator, or another version of the
// adapter, ends this.
type GivenUpError struct {
	Name string // name of the adapter
	Text string // cause, as in BrokeError
	Keep *KeepOnce
	// Redact replaces the secrets of the adapter's settings in a text.
	Redact func(string) string

	broke *BrokeError // nil if the adapter did not get the webhook again
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

// KeepOnce stores a webhook once, however often the vendor repeats it. It is safe for concurrent use.
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
