package subscription

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"patchbay/core/internal/inbound"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/state"
	"patchbay/core/internal/writer"
	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// script is an implementation of Subscribe.
type script = func(ctx context.Context, from *pluginpb.SubscribeRequest, store plugin.Store) error

// host is a fake adapter: each call of Subscribe runs the next script; the last script is repeated.
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

// times returns the number of calls of Subscribe.
func (h *host) times() int { h.mu.Lock(); defer h.mu.Unlock(); return len(h.calls) }

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

// fakeWriter records texts, and refuses what the test wants.
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
}

func (c *counts) Received(string) { c.mu.Lock(); defer c.mu.Unlock(); c.received++ }
func (c *counts) Subscribed(_ string, up bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.up = append(c.up, up)
}

type run struct {
	*host
	*fakeWriter
	*counts
	log    strings.Builder
	cancel context.CancelFunc
	done   chan struct{}
}

// start runs the scripts in a synctest bubble until stop.
func start(t *testing.T, w *fakeWriter, scripts ...script) *run {
	t.Helper()
	return startWith(t, w, &host{scripts: scripts})
}

func startWith(t *testing.T, w *fakeWriter, h *host) *run {
	t.Helper()
	if w.state == nil {
		w.state = state.New()
	}
	b := &run{host: h, fakeWriter: w, counts: &counts{}, done: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	b.cancel = cancel
	go func() {
		defer close(b.done)
		Run(ctx, Options{
			Channels: []Channel{{Name: "c", Adapter: "a", Host: b.host}}, Writer: w, Observer: b.counts,
			Logger: slog.New(slog.NewTextHandler(&b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
	}()
	return b
}

func (b *run) stop() {
	b.cancel()
	<-b.done
}

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

func TestSubscribeStartsAtTheStoredCursorWithLiveThreads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := state.New()
		change := func(kind any, conv string) *journal.Change {
			ch := &journal.Change{Conversation: conv}
			journal.SetKind(ch, kind)
			return ch
		}
		err := state.Replay(1, &journal.Record{Changes: []*journal.Change{
			change(&journal.Change_Opened{Opened: &journal.Opened{Channel: "c", Thread: "mine"}}, "1"),
			change(&journal.Change_Opened{Opened: &journal.Opened{Channel: "web", Thread: "w"}}, "2"),
			change(&journal.Change_Linked{Linked: &journal.Linked{Channel: "c", Thread: "theirs", State: []byte("s"), HasState: true}}, "2"),
			change(&journal.Change_Opened{Opened: &journal.Opened{Channel: "web", Thread: "x"}}, "3"),
			change(&journal.Change_Linked{Linked: &journal.Linked{Channel: "c", Thread: "over"}}, "3"),
			change(&journal.Change_Unlinked{Unlinked: &journal.Unlinked{Channel: "c"}}, "3"),
			change(&journal.Change_CursorMoved{CursorMoved: &journal.CursorMoved{Channel: "c", Cursor: []byte("here")}}, ""),
			change(&journal.Change_CursorMoved{CursorMoved: &journal.CursorMoved{Channel: "d", Cursor: []byte("there")}}, ""),
		}})
		if err != nil {
			t.Fatal(err)
		}
		w := &fakeWriter{state: state}
		b := start(t, w, func(ctx context.Context, _ *pluginpb.SubscribeRequest, store plugin.Store) error {
			if err := store(ctx, encoded(t, "one", "two"), []byte("next")); err != nil {
				return err
			}
			<-ctx.Done()
			return nil
		})
		synctest.Wait()
		b.stop()
		var threads []string
		for _, th := range b.from[0].GetThreads() {
			threads = append(threads, th.GetThread()+" "+string(th.GetState()))
		}
		if diff := cmp.Diff([]string{"mine ", "theirs s"}, threads); diff != "" || string(b.from[0].GetCursor()) != "here" || b.from[0].GetChannel() != "c" {
			t.Errorf("started at %q with threads (-want +got):\n%s", b.from[0].GetCursor(), diff)
		}
		if diff := cmp.Diff([]string{"one", "two"}, w.texts); diff != "" || w.cursor != "next" || b.received != 2 {
			t.Errorf("cursor %q, %d counted, stored (-want +got):\n%s", w.cursor, b.received, diff)
		}
		if diff := cmp.Diff([]bool{false, true, false}, b.up); diff != "" {
			t.Errorf("up (-want +got):\n%s", diff)
		}
	})
}

func TestSubscriptionStartsAgain(t *testing.T) {
	fails := func(err error) script {
		return func(context.Context, *pluginpb.SubscribeRequest, plugin.Store) error { return err }
	}
	emits := func(ctx context.Context, _ *pluginpb.SubscribeRequest, store plugin.Store) error {
		return errors.Join(store(ctx, encoded(t, "x"), nil), errors.New("and then it broke"))
	}
	broken := fails(errors.New("no route"))
	for name, tc := range map[string]struct {
		scripts []script
		want    []time.Duration // the longest gap; the shortest is three quarters of it
	}{
		"delays double":         {[]script{broken}, []time.Duration{delay.Base, 2 * delay.Base, 4 * delay.Base, 8 * delay.Base}},
		"also without an error": {[]script{fails(nil)}, []time.Duration{delay.Base, 2 * delay.Base}},
		"soon after a success": {[]script{broken, broken, broken, emits, broken}, []time.Duration{
			delay.Base, 2 * delay.Base, 4 * delay.Base, delay.Base, 2 * delay.Base,
		}},
		"not before After": {[]script{fails(&sdk.Error{Kind: sdk.KindThrottled, After: time.Minute}), waitForEnd}, []time.Duration{time.Minute}},
		"soon after a long subscription": {[]script{broken, broken, func(context.Context, *pluginpb.SubscribeRequest, plugin.Store) error {
			time.Sleep(healthyAfter)
			return errors.New("reset")
		}, waitForEnd}, []time.Duration{delay.Base, 2 * delay.Base, healthyAfter + delay.Base}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, &fakeWriter{}, tc.scripts...)
				time.Sleep(3 * time.Minute)
				b.stop()
				gaps := b.gaps()
				if len(gaps) < len(tc.want) {
					t.Fatalf("gaps %v, want %v", gaps, tc.want)
				}
				for i, want := range tc.want {
					if gaps[i] > want || gaps[i] < want*3/4 {
						t.Errorf("gap %d is %s, want up to %s", i, gaps[i], want)
					}
				}
				if most := slices.Max(gaps); most > delay.Max && len(tc.want) > 2 && most > healthyAfter+delay.Base {
					t.Errorf("a gap of %s, at most %s", most, delay.Max)
				}
			})
		})
	}
}

func TestSubscriptionWaitsForItsAdapter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var here atomic.Bool
		b := startWith(t, &fakeWriter{}, &host{scripts: []script{waitForEnd}, ready: func() error {
			if !here.Load() {
				return plugin.ErrNotReady
			}
			return nil
		}})
		time.Sleep(time.Hour)
		if b.times() > 0 {
			t.Error("subscribed to an adapter that is not ready")
		}
		here.Store(true)
		time.Sleep(delay.Max)
		synctest.Wait()
		b.stop()
		if b.times() != 1 {
			t.Errorf("subscribed %d times after the adapter became ready, want once", b.times())
		}
	})
}

// emitOnce is a script that emits one batch and keeps the result of store.
func emitOnce(batch [][]byte, storeErr *error) script {
	return func(ctx context.Context, _ *pluginpb.SubscribeRequest, store plugin.Store) error {
		*storeErr = store(ctx, batch, []byte("done"))
		<-ctx.Done()
		return nil
	}
}

func TestStoreWaitsForTheWriter(t *testing.T) {
	for _, why := range []error{writer.ErrBusy, fmt.Errorf("%w: disk is full", writer.ErrUnavailable)} {
		t.Run(why.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, until := &fakeWriter{}, time.Now().Add(10*time.Minute)
				w.refuse = func(in []*inbound.Envelope) (int, error) {
					if time.Now().Before(until) {
						return min(1, len(in)-1), why // one more each time, except the last
					}
					return len(in), nil
				}
				storeErr := errors.New("no result yet")
				b := start(t, w, emitOnce(encoded(t, "one", "two", "three"), &storeErr))
				time.Sleep(9 * time.Minute)
				synctest.Wait()
				if w.done() {
					t.Error("the cursor has moved before all was stored")
				}
				time.Sleep(2 * time.Minute)
				b.stop()
				if diff := cmp.Diff([]string{"one", "two", "three"}, w.texts); diff != "" || storeErr != nil || w.cursor != "done" {
					t.Errorf("store returned %v, cursor %q, stored (-want +got):\n%s", storeErr, w.cursor, diff)
				}
				if w.accepts > 40 {
					t.Errorf("%d calls of the writer in ten minutes", w.accepts)
				}
				if n := strings.Count(b.log.String(), "subscription waits for storage"); n != 1 {
					t.Errorf("%d warnings, want 1", n)
				}
			})
		})
	}
}

func TestStopEndsTheWait(t *testing.T) {
	for name, refused := range map[string]error{"busy": writer.ErrBusy, "stopping": writer.ErrStopping} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &fakeWriter{refuse: func([]*inbound.Envelope) (int, error) { return 0, refused }}
				var storeErr error
				b := start(t, w, emitOnce(encoded(t, "one"), &storeErr))
				time.Sleep(time.Minute)
				b.stop()
				if storeErr == nil || w.cursor != "" {
					t.Errorf("store returned %v, cursor %q", storeErr, w.cursor)
				}
			})
		})
	}
}

func TestMessagesThatCantBeStoredDoNotBlockTheChannel(t *testing.T) {
	large := encoded(t, strings.Repeat("x", 60<<10))[0]
	e, err := protocol.DecodeEnvelope(large)
	if err != nil {
		t.Fatal(err)
	}
	for len(e.Parts) < 8 {
		e.Parts = append(e.Parts, e.Parts[0])
	}
	if large, err = protocol.EncodeEnvelope(e); err != nil {
		t.Fatal(err)
	}
	e.Thread = strings.Repeat("t", 500<<10) // from an adapter that does not validate
	hopeless, err := protocol.EncodeEnvelope(e)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := &fakeWriter{refuse: func(in []*inbound.Envelope) (int, error) {
			for i := range in {
				if in[i].Envelope.Text() == "poison" {
					return 0, fmt.Errorf("%w: %w", writer.ErrUnavailable, writer.ErrUndecidable)
				}
			}
			return len(in), nil
		}}
		list := encoded(t, "one", "poison", "two", "poison")
		list = append(list[:1:1], append([][]byte{large, hopeless}, list[1:]...)...)
		storeErr := errors.New("no result yet")
		b := start(t, w, emitOnce(list, &storeErr))
		time.Sleep(time.Minute)
		b.stop()
		if diff := cmp.Diff([]string{"one", "", "two"}, w.texts); diff != "" || storeErr != nil || w.cursor != "done" || b.received != 3 {
			t.Errorf("store returned %v, cursor %q, %d counted, stored (-want +got):\n%s", storeErr, w.cursor, b.received, diff)
		}
		if w.kinds[1] != envelope.KindUnparsed {
			t.Errorf("the note has kind %s", w.kinds[1])
		}
		if out := b.log.String(); strings.Count(out, "message dropped") != 2 || strings.Count(out, "replaced by a note") != 2 || strings.Contains(out, "xxx") {
			t.Errorf("log:\n%s", out)
		}
	})
}

func TestCursorThatCantBeStoredEndsTheSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &fakeWriter{refuse: func([]*inbound.Envelope) (int, error) {
			return 0, fmt.Errorf("%w: %w", writer.ErrUnavailable, writer.ErrUndecidable)
		}}
		var storeErr error
		b := start(t, w, emitOnce(nil, &storeErr))
		time.Sleep(time.Minute)
		b.stop()
		if !errors.Is(storeErr, writer.ErrUndecidable) {
			t.Errorf("store returned %v", storeErr)
		}
	})
}

func TestAdapterMustNotEmitForAnotherChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other, err := protocol.EncodeEnvelope(&envelope.Envelope{Channel: "d", Thread: "t", Kind: envelope.KindMessage})
		if err != nil {
			t.Fatal(err)
		}
		for name, data := range map[string][]byte{"another channel": other, "not an envelope": []byte("\xff\xff")} {
			w := &fakeWriter{}
			var storeErr error
			b := start(t, w, emitOnce([][]byte{encoded(t, "one")[0], data}, &storeErr))
			synctest.Wait()
			b.stop()
			if storeErr == nil || w.accepts > 0 {
				t.Errorf("%s: store returned %v, %d calls of the writer", name, storeErr, w.accepts)
			}
		}
	})
}
