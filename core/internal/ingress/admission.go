package ingress

// admission limits the concurrent requests and the body memory of one adapter, so that neither a hanging adapter nor a
// flood of requests to it affects other adapters. It is safe for concurrent use.
type admission struct {
	slots  chan struct{} // one per request in the adapter or the writer
	bodies *bodyBudget
}

func newAdmission(slots int, maxBytes int64) *admission {
	return &admission{slots: make(chan struct{}, slots), bodies: newBodyBudget(maxBytes)}
}

// tryAcquire takes a slot without waiting. It reports false if none is free.
func (a *admission) tryAcquire() bool {
	select {
	case a.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

func (a *admission) release() { <-a.slots }
