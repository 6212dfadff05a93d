package writer

import "fmt"

// Drain refuses webhooks and subscriptions from now on. Deliveries, deadlines and commands go on.
func (w *Writer) Drain() { w.drainOnce.Do(func() { close(w.draining) }) }

// Draining returns a channel that is closed by Drain.
func (w *Writer) Draining() <-chan struct{} { return w.draining }

// refusedByDrain returns an error if the gateway drains.
func (w *Writer) refusedByDrain() error {
	select {
	case <-w.draining:
		return fmt.Errorf("%w: an operator drains the gateway", ErrUnavailable)
	default:
		return nil
	}
}
