package writer

// Drain refuses webhooks and batches of subscriptions from now on. Deliveries, deadlines and commands continue. Timers
// and pending offers are not due until the next start, because the messages that would end their waits are refused.
func (w *Writer) Drain() { w.drainOnce.Do(func() { close(w.draining) }) }

// Draining returns a channel that is closed by Drain.
func (w *Writer) Draining() <-chan struct{} { return w.draining }

func (w *Writer) isDraining() bool {
	select {
	case <-w.draining:
		return true
	default:
		return false
	}
}
