package ingress

import (
	"errors"
	"io"
	"sync/atomic"
)

// admission limits the concurrent requests and the body memory of one adapter, so that neither a hanging adapter nor a
// flood of requests to it affects other adapters. It is safe for concurrent use.
type admission struct {
	slots    chan struct{} // one per request in the adapter or the writer
	maxBytes int64
	bytes    atomic.Int64 // of bodies in memory
}

func newAdmission(slots int, maxBytes int64) *admission {
	return &admission{slots: make(chan struct{}, slots), maxBytes: maxBytes}
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

// errBodyMemory means that the bodies of other requests use all memory for this adapter's bodies.
var errBodyMemory = errors.New("too many bytes in concurrent requests")

// countedBody counts the bytes of a request body against its adapter's limit, when they arrive: a caller that announces
// a large body and sends little does not use up the limit. Call release when the bytes are no longer used.
type countedBody struct {
	reader    io.Reader
	admission *admission
	bytes     int64
}

// Read implements io.Reader. It fails with errBodyMemory if the adapter's limit is exceeded.
func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.reader.Read(p)
	b.bytes += int64(n)
	if b.admission.bytes.Add(int64(n)) > b.admission.maxBytes {
		return 0, errBodyMemory
	}
	return n, err
}

func (b *countedBody) release() {
	b.admission.bytes.Add(-b.bytes)
	b.bytes = 0
}
