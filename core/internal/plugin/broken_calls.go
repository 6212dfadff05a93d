package plugin

import (
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/jellydator/ttlcache/v3"

	"patchbay/sdk/protocol/pluginpb"
)

// maxBrokenCalls limits the remembered webhooks, media and subscriptions on which the adapter broke. The least recent
// one is forgotten first.
const maxBrokenCalls = 1024

// brokenCalls remembers the webhooks, media and subscriptions on which an adapter broke. It is safe for concurrent use.
type brokenCalls struct {
	name   string
	redact func(string) string

	mu      sync.Mutex
	version string // of the adapter that broke
	calls   *ttlcache.Cache[callDigest, *brokenCall]
}

// callDigest identifies the repetitions of a call.
type callDigest [sha256.Size]byte

// identity returns the digest of a call. It is called only if an adapter broke on a call.
type identity func() callDigest

type brokenCall struct {
	weight int
	text   string
	keep   KeepOnce
}

func newBrokenCalls(name string, redact func(string) string) *brokenCalls {
	return &brokenCalls{
		name: name, redact: redact, calls: ttlcache.New(ttlcache.WithCapacity[callDigest, *brokenCall](maxBrokenCalls)),
	}
}

// webhookIdentity identifies a webhook by path and body.
func webhookIdentity(call *pluginpb.ReceiveCall) identity {
	return func() callDigest {
		d := sha256.New()
		_, _ = fmt.Fprintf(d, "webhook %q\n", call.GetFullPath())
		_, _ = d.Write(call.GetBody())
		return callDigest(d.Sum(nil))
	}
}

// mediumIdentity identifies a medium by channel, reference and link.
func mediumIdentity(req *pluginpb.FetchRequest) identity {
	return func() callDigest {
		part := req.GetPart()
		return sha256.Sum256(fmt.Appendf(nil, "medium %q %q %q %q", req.GetChannel(), req.GetRef(), part.GetRef(),
			part.GetUrl()))
	}
}

// find returns the entry of a call, or nil if no blame is remembered. The caller holds the lock.
func (b *brokenCalls) find(id identity) *brokenCall {
	if b.calls.Len() == 0 {
		return nil
	}
	if c := b.calls.Get(id()); c != nil {
		return c.Value()
	}
	return nil
}

// givenUpError returns a GivenUpError for a call that is given up, and nil otherwise.
func (b *brokenCalls) givenUpError(id identity) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := b.find(id); c != nil && c.weight >= GiveUpWeight {
		return &GivenUpError{Name: b.name, Text: c.text, Keep: &c.keep, Redact: b.redact}
	}
	return nil
}

// isSuspect reports whether the call was in flight when the adapter broke, even if another call was the cause.
func (b *brokenCalls) isSuspect(id identity) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.find(id) != nil
}

// blame adds the weight of a fault to a call. It returns a GivenUpError if the call is given up, and nil otherwise.
func (b *brokenCalls) blame(id identity, broke *BrokeError) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.find(id)
	if c == nil {
		c = &brokenCall{}
		b.calls.Set(id(), c, ttlcache.NoTTL)
	}
	c.weight, c.text = c.weight+broke.Weight, broke.Text
	if c.weight < GiveUpWeight {
		return nil
	}
	return &GivenUpError{Name: b.name, Text: c.text, Keep: &c.keep, Redact: b.redact, broke: broke}
}

// forgive forgets the blame for a call that has succeeded.
func (b *brokenCalls) forgive(id identity) {
	if b.calls.Len() > 0 {
		b.calls.Delete(id())
	}
}

// forgiveAll forgets all blame.
func (b *brokenCalls) forgiveAll() { b.calls.DeleteAll() }

// useVersion forgets all blame if the adapter has another version.
func (b *brokenCalls) useVersion(version string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if version != b.version {
		b.version = version
		b.calls.DeleteAll()
	}
}
