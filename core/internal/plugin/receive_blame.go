package plugin

import (
	"crypto/sha256"
	"fmt"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"patchbay/sdk/protocol/pluginpb"
)

// maxBrokenWebhooks is the number of webhooks on which the adapter broke that are remembered. The least recent one is
// forgotten.
const maxBrokenWebhooks = 1024

// GivenUpError means that the adapter broke on a webhook so often that it gets this webhook no more: neither now nor if
// the vendor repeats it. An operator's restart of the adapter or another version of it ends that.
type GivenUpError struct {
	Name string // name of the adapter
	Text string // cause, as in BrokeError
	Keep *KeepOnce

	broke *BrokeError // nil if the adapter did not get the webhook again
}

// Error returns one line, with the first line of Text.
func (e *GivenUpError) Error() string {
	return fmt.Sprintf("adapter %s gets this webhook no more, because it broke on it repeatedly: %s", e.Name,
		firstLine(e.Text))
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

// brokenWebhooks remembers the webhooks on which an adapter broke. It is safe for concurrent use.
type brokenWebhooks struct {
	name string

	mu       sync.Mutex
	version  string // of the adapter that broke
	webhooks *lru.Cache[webhookDigest, *brokenWebhook]
}

// webhookDigest identifies repetitions of a webhook by path and body.
type webhookDigest [sha256.Size]byte

type brokenWebhook struct {
	weight int
	text   string
	keep   KeepOnce
}

func newBrokenWebhooks(name string) *brokenWebhooks {
	webhooks, _ := lru.New[webhookDigest, *brokenWebhook](maxBrokenWebhooks) // fails for negative sizes only
	return &brokenWebhooks{name: name, webhooks: webhooks}
}

func digestOf(call *pluginpb.ReceiveCall) webhookDigest {
	d := sha256.New()
	_, _ = fmt.Fprintf(d, "%q\n", call.GetFullPath())
	_, _ = d.Write(call.GetBody())
	return webhookDigest(d.Sum(nil))
}

// givenUp returns a GivenUpError for a webhook that is given up, and nil otherwise.
func (b *brokenWebhooks) givenUp(call *pluginpb.ReceiveCall) error {
	if b.webhooks.Len() == 0 {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if w, ok := b.webhooks.Get(digestOf(call)); ok && w.weight >= GiveUpWeight {
		return &GivenUpError{Name: b.name, Text: w.text, Keep: &w.keep}
	}
	return nil
}

// blame adds the weight of a fault to a webhook. It returns a GivenUpError if the webhook is given up, else nil.
func (b *brokenWebhooks) blame(call *pluginpb.ReceiveCall, broke *BrokeError) error {
	digest := digestOf(call)
	b.mu.Lock()
	defer b.mu.Unlock()
	w, ok := b.webhooks.Get(digest)
	if !ok {
		w = &brokenWebhook{}
		b.webhooks.Add(digest, w)
	}
	w.weight, w.text = w.weight+broke.Weight, broke.Text
	if w.weight < GiveUpWeight {
		return nil
	}
	return &GivenUpError{Name: b.name, Text: w.text, Keep: &w.keep, broke: broke}
}

// forgive forgets the blame for a webhook that the adapter has translated.
func (b *brokenWebhooks) forgive(call *pluginpb.ReceiveCall) {
	if b.webhooks.Len() > 0 {
		b.webhooks.Remove(digestOf(call))
	}
}

// forgiveAll forgets all blame.
func (b *brokenWebhooks) forgiveAll() { b.webhooks.Purge() }

// use forgets all blame if the adapter has another version.
func (b *brokenWebhooks) use(version string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if version != b.version {
		b.version = version
		b.webhooks.Purge()
	}
}
