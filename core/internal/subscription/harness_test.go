package subscription

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"patchbay/core/internal/inbound"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// script is an implementation of Subscribe.
type script = func(ctx context.Context, from *pluginpb.SubscribeRequest, store plugin.Store) error

// host is a fake adapter. Each call of Subscribe runs the next script, and later calls run the last script again.
type host struct {
	mu      sync.Mutex
	ready   func() error
	scripts []script
	calls   []time.Time
	from    []*pluginpb.SubscribeRequest
}

func (h *host) Wait(context.Context) error {
	if h.ready != nil {
		return h.ready()
	}
	return nil
}

func (h *host) Subscribe(ctx context.Context, from *pluginpb.SubscribeRequest, store plugin.Store) error {
	h.mu.Lock()
	script := h.scripts[min(len(h.calls), len(h.scripts)-1)]
	h.calls, h.from = append(h.calls, time.Now()), append(h.from, from)
	h.mu.Unlock()
	return script(ctx, from, store)
}

// callCount returns the number of calls of Subscribe.
func (h *host) callCount() int { h.mu.Lock(); defer h.mu.Unlock(); return len(h.calls) }

// gaps returns the times between calls of Subscribe.
func (h *host) gaps() []time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []time.Duration
	for i := 1; i < len(h.calls); i++ {
		out = append(out, h.calls[i].Sub(h.calls[i-1]))
	}
	return out
}

func waitForEnd(ctx context.Context, _ *pluginpb.SubscribeRequest, _ plugin.Store) error {
	<-ctx.Done()
	return nil
}

// fakeWriter records the texts of envelopes. refuse decides which envelopes it refuses.
type fakeWriter struct {
	state   *state.State
	mu      sync.Mutex
	texts   []string
	kinds   []envelope.Kind
	cursor  string
	refuse  func(in []*inbound.Envelope) (taken int, err error)
	accepts int
}

func (w *fakeWriter) AcceptFrom(_ context.Context, _ string, cursor []byte, in []*inbound.Envelope) ([]*inbound.Envelope, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.accepts++
	n, err := len(in), error(nil)
	if w.refuse != nil {
		n, err = w.refuse(in)
	}
	for _, i := range in[:n] {
		w.texts, w.kinds = append(w.texts, i.Envelope.Text()), append(w.kinds, i.Envelope.Kind)
	}
	if err == nil && len(cursor) > 0 {
		w.cursor = string(cursor)
	}
	return in[n:], err
}

// done reports whether the cursor has moved.
func (w *fakeWriter) done() bool { w.mu.Lock(); defer w.mu.Unlock(); return w.cursor != "" }

func (w *fakeWriter) View(_ context.Context, f func(*state.State)) error { f(w.state); return nil }

type counts struct {
	mu       sync.Mutex
	received int
	up       []bool
	removed  []string
}

func (c *counts) Received(string) { c.mu.Lock(); defer c.mu.Unlock(); c.received++ }

func (c *counts) Unsubscribed(channel string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.removed = append(c.removed, channel)
}

func (c *counts) Subscribed(_ string, up bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.up = append(c.up, up)
}

type run struct {
	*host
	*fakeWriter
	*counts
	log strings.Builder
	set *Set
}

// start runs a subscriber with the scripts until stop. It must be called in a synctest bubble.
func start(t *testing.T, w *fakeWriter, scripts ...script) *run {
	t.Helper()
	return startWith(t, w, &host{scripts: scripts})
}

const testMaxPause = 2 * time.Minute

func startWith(t *testing.T, w *fakeWriter, h *host) *run {
	t.Helper()
	if w.state == nil {
		w.state = state.New()
	}
	b := &run{host: h, fakeWriter: w, counts: &counts{}}
	b.set = Start(Options{
		Channels: []Channel{{Name: "c", Adapter: "a", Host: b.host, MaxPause: testMaxPause}}, Writer: w, Observer: b.counts,
		Logger: slog.New(slog.NewTextHandler(&b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	return b
}

func (b *run) stop() { b.set.Stop() }

func encoded(t *testing.T, texts ...string) [][]byte {
	t.Helper()
	var out [][]byte
	for i, text := range texts {
		b, err := protocol.EncodeEnvelope(&envelope.Envelope{
			Channel: "c", Thread: "t", VendorID: fmt.Sprint(i), Kind: envelope.KindMessage, Sender: envelope.Sender{Role: envelope.RoleCustomer},
			Parts: []envelope.Part{envelope.TextPart(text)},
		})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}
