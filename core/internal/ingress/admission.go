package ingress

import (
	"errors"
	"io"
	"sync/atomic"
)

// gate bounds what one adapter's callers may occupy, so that an adapter that hangs, or callers that flood it, leave
// those of the others alone. It is safe for concurrent use.
type gate struct {
	slots chan struct{} // one a request that is with the adapter or the writer
	limit int64         // bytes of bodies in memory
	held  atomic.Int64
}

func newGate(slots int, bytes int64) *gate {
	return &gate{slots: make(chan struct{}, slots), limit: bytes}
}

// enter takes a slot. It reports false, without waiting, if none is free.
func (g *gate) enter() bool {
	select {
	case g.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

func (g *gate) leave() { <-g.slots }

// errFull means that the bodies of other requests take all the memory there is for this adapter.
var errFull = errors.New("too many bytes at once")

// body counts what has come of one request's body. Bytes count when they arrive: a caller that announces much and
// sends little takes no room. Whoever made it calls release when the bytes are no longer used.
type body struct {
	from  io.Reader
	gate  *gate
	bytes int64
}

// Read implements io.Reader. It fails with errFull if there is no room for what came.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.bytes += int64(n)
	if b.gate.held.Add(int64(n)) > b.gate.limit {
		return 0, errFull
	}
	return n, err
}

func (b *body) release() {
	b.gate.held.Add(-b.bytes)
	b.bytes = 0
}
