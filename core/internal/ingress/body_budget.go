package ingress

import (
	"container/list"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// errBodyMemory means that a request body was refused, or canceled while it arrived, for lack of memory.
var errBodyMemory = errors.New("too many bytes in concurrent requests")

// One remote network may use 1/networkShare of an adapter's body memory, and one path may use 1/pathShare.
const (
	networkShare = 4
	pathShare    = 2
)

// bodyBudget limits the memory for the request bodies of one adapter: of all bodies, of the bodies from one network,
// and of the bodies to one path. If a limit is reached, the oldest body that has not arrived completely is canceled to
// make room. So slow senders, who need no credentials, cannot lock others out. It is safe for concurrent use.
type bodyBudget struct {
	max int64 // bytes

	mu         sync.Mutex
	maxBody    int64 // largest allowed body of one request, which always fits
	used       map[account]int64
	incomplete list.List // of *countedBody, oldest first
}

// account identifies a limit. The zero value is the limit of the adapter.
type account struct {
	network netip.Prefix
	path    *Endpoint
}

func newBodyBudget(maxBytes int64) *bodyBudget {
	return &bodyBudget{max: maxBytes, used: map[account]int64{}}
}

// allow raises each limit to at least n bytes, so that one body of n bytes always fits.
func (b *bodyBudget) allow(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.maxBody = max(b.maxBody, n)
}

func (b *bodyBudget) limit(a account) int64 {
	switch {
	case a.network.IsValid():
		return max(b.max/networkShare, b.maxBody)
	case a.path != nil:
		return max(b.max/pathShare, b.maxBody)
	}
	return max(b.max, b.maxBody)
}

// countedBody counts the bytes of a request body when they arrive: a caller that announces a large body and sends
// little uses little. Call release when the bytes are no longer used.
type countedBody struct {
	io.Reader
	budget   *bodyBudget
	accounts [3]account
	cancel   func()        // interrupts Read
	place    *list.Element // in budget.incomplete; nil if the body is complete or canceled
	bytes    int64
	canceled bool
}

// track starts to count the bytes of a request body.
func (b *bodyBudget) track(ep *Endpoint, from netip.Prefix, w http.ResponseWriter, r *http.Request) *countedBody {
	c := &countedBody{Reader: r.Body, budget: b, accounts: [3]account{{}, {network: from}, {path: ep}}}
	c.cancel = func() { _ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)) }
	b.mu.Lock()
	defer b.mu.Unlock()
	c.place = b.incomplete.PushBack(c)
	return c
}

// Read implements io.Reader. It fails with errBodyMemory if the body was canceled.
func (c *countedBody) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	b := c.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil && !c.canceled {
		c.complete()
	}
	for _, a := range c.accounts {
		if c.canceled {
			return 0, errBodyMemory
		}
		b.makeRoom(a, int64(n), c)
	}
	if c.canceled {
		return 0, errBodyMemory
	}
	c.add(int64(n))
	return n, err
}

// makeRoom cancels incomplete bodies, the oldest first, until n more bytes fit into an account. If that does not make
// enough room, it refuses c.
func (b *bodyBudget) makeRoom(a account, n int64, c *countedBody) {
	for e := b.incomplete.Front(); b.used[a]+n > b.limit(a); {
		if e == nil {
			c.refuse()
			return
		}
		other := e.Value.(*countedBody)
		e = e.Next()
		if other != c && other.bytes > 0 && other.uses(a) {
			other.refuse()
			other.cancel()
		}
	}
}

func (c *countedBody) uses(a account) bool {
	return a == c.accounts[0] || a == c.accounts[1] || a == c.accounts[2]
}

// add changes the count of the body's bytes. The caller holds the lock.
func (c *countedBody) add(n int64) {
	c.bytes += n
	for _, a := range c.accounts {
		if c.budget.used[a] += n; c.budget.used[a] == 0 {
			delete(c.budget.used, a)
		}
	}
}

// complete removes the body from the incomplete bodies, so that it can no longer be canceled. The caller holds the
// lock.
func (c *countedBody) complete() {
	if c.place != nil {
		c.budget.incomplete.Remove(c.place)
		c.place = nil
	}
}

// refuse ends the counting of a body that has no room. The caller holds the lock.
func (c *countedBody) refuse() {
	c.canceled = true
	c.complete()
	c.add(-c.bytes)
}

func (c *countedBody) release() {
	c.budget.mu.Lock()
	defer c.budget.mu.Unlock()
	c.complete()
	c.add(-c.bytes)
}
