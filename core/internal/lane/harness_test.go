package lane

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store"
	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answer is what a call comes to.
type answer struct {
	res *pluginpb.DeliverResult
	err error
}

func delivered() answer { return answer{res: &pluginpb.DeliverResult{VendorId: "v1"}} }

func refused(kind string) answer {
	return answer{res: &pluginpb.DeliverResult{Error: &pluginpb.Error{Kind: kind, Text: "no"}}}
}

func throttled(after time.Duration, scope string) answer {
	return answer{res: &pluginpb.DeliverResult{Error: &pluginpb.Error{Kind: "throttled", After: durationpb.New(after), Scope: scope}}}
}

func died(alone bool) answer {
	return answer{err: &plugin.DiedError{Name: "bot", Alone: alone, Text: "panic: poison"}}
}

func away() answer { return answer{err: fmt.Errorf("deliver: %w", plugin.ErrNotReady)} }

// call is one that an adapter has in hand.
type call struct {
	*pluginpb.DeliverCall
	ctx    context.Context
	answer chan answer
}

// fakeAdapter answers at once by a script, or lets each call wait for the test.
type fakeAdapter struct {
	mu     sync.Mutex
	script func(*pluginpb.DeliverCall) answer // nil: calls wait
	calls  []*call                            // that wait
	total  int

	attached  map[string]string
	attachErr error
}

func (f *fakeAdapter) Deliver(ctx context.Context, c *pluginpb.DeliverCall) (*pluginpb.DeliverResult, error) {
	f.mu.Lock()
	f.total++
	if f.script != nil {
		defer f.mu.Unlock()
		a := f.script(c)
		return a.res, a.err
	}
	w := &call{c, ctx, make(chan answer, 1)}
	f.calls = append(f.calls, w)
	f.mu.Unlock()
	select {
	case a := <-w.answer:
		return a.res, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Attach keeps what is attached until a call comes for it.
func (f *fakeAdapter) Attach(_ context.Context, first *pluginpb.AttachRequest, r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if f.attachErr != nil {
		return f.attachErr
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.attached == nil {
		f.attached = map[string]string{}
	}
	f.attached[first.GetId()] = string(data)
	return nil
}

// take returns the calls that wait, and forgets them.
func (f *fakeAdapter) take() []*call {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.calls
	f.calls = nil
	return out
}

func (f *fakeAdapter) always(a answer) { f.by(func(*pluginpb.DeliverCall) answer { return a }) }

func (f *fakeAdapter) by(script func(*pluginpb.DeliverCall) answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = script
}

func (f *fakeAdapter) count() int {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.total
}

// bench is an engine over one adapter, with a log in memory.
type bench struct {
	*testing.T
	*Engine
	bot      *fakeAdapter
	mu       sync.Mutex
	outcomes []*delivery.Outcome
	attempts []string // channel and result
	breakers []string
	stored   map[state.Position]delivery.Stored
	loadErr  error
	jobs     int
}

func newBench(t *testing.T, channels ...Channel) *bench {
	t.Helper()
	b := &bench{T: t, bot: &fakeAdapter{}, stored: map[state.Position]delivery.Stored{}}
	for i := range channels {
		c := &channels[i]
		c.Adapter, c.Caller = "bot", b.bot
		if c.Timeout == 0 {
			c.Timeout = 10 * time.Second
		}
		c.Links = c.Media != sdk.MediaStream
		if c.Concurrency == 0 {
			c.Concurrency = 4
		}
	}
	b.Engine = New(Options{Channels: channels, Load: b.load, Finish: b.finished, Observer: b, Logger: slog.New(slog.DiscardHandler)})
	return b
}

func (b *bench) load(_ context.Context, p state.Position) (delivery.Stored, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.loadErr != nil {
		return delivery.Stored{}, b.loadErr
	}
	s, ok := b.stored[p]
	if !ok {
		return delivery.Stored{}, fmt.Errorf("read record %d: %w", p.Seq, store.ErrNotFound)
	}
	return s, nil
}

func (b *bench) finished(o *delivery.Outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.outcomes = append(b.outcomes, o)
}

func (b *bench) Attempted(channel, result string, _, _ time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.attempts = append(b.attempts, channel+" "+result)
}

func (b *bench) Breaker(channel, state string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.breakers = append(b.breakers, channel+" "+state)
}

func (b *bench) attempted() []string {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.attempts...)
}

// store puts an envelope into the log.
func (b *bench) store(e *envelope.Envelope) state.Item {
	b.Helper()
	data, err := protocol.EncodeEnvelope(e)
	if err != nil {
		b.Fatalf("encode: %v", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p := state.Position{Seq: uint64(len(b.stored) + 1)}
	b.stored[p] = delivery.Stored{
		StoredEnvelope: &journal.StoredEnvelope{Envelope: data, Id: fmt.Sprint("env-", p.Seq), Epoch: 3, Hops: int32(e.Hops)}, At: time.Unix(1000, 0),
	}
	rich := len(e.Parts) != 1 || e.Parts[0].Type != envelope.PartText
	return state.Item{Pos: p, TextBytes: uint32(len(e.Text())), Rich: rich}
}

func message(words string) *envelope.Envelope {
	return &envelope.Envelope{
		Thread: "w1", Kind: envelope.KindMessage, Sender: envelope.Sender{Role: envelope.RoleCustomer, ID: "c1"},
		Parts: []envelope.Part{envelope.TextPart(words)},
	}
}

// job makes a delivery of a text, in a conversation of its own.
func (b *bench) job(channel, words string) *delivery.Job {
	b.Helper()
	b.jobs++
	return &delivery.Job{
		Delivery: state.Delivery{
			ID: fmt.Sprint("d", b.jobs), Channel: channel, Kind: state.KindSend, Item: b.store(message(words)), Pieces: 1, QueuedAt: time.Now(),
		},
		Conv:   &state.Conversation{ID: fmt.Sprint("conv", b.jobs), Channel: "web", Thread: "w1", Attributes: map[string]string{"lang": "en"}},
		Thread: "bot-thread", State: []byte("token"),
	}
}

func (b *bench) submit(channel, words string) *delivery.Job {
	b.Helper()
	j := b.job(channel, words)
	b.Submit(j)
	return j
}

// outcome returns what came of a job, or nil while it is on its way.
func (b *bench) outcome(j *delivery.Job) *delivery.Outcome {
	b.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	var found *delivery.Outcome
	for _, o := range b.outcomes {
		if o.Delivery != j.Delivery.ID {
			continue
		}
		if found != nil {
			b.Fatalf("delivery %s has two outcomes", o.Delivery)
		}
		found = o
	}
	return found
}

// must returns what came of a job.
func (b *bench) must(j *delivery.Job) *delivery.Outcome {
	b.Helper()
	o := b.outcome(j)
	if o == nil {
		b.Fatalf("delivery %s has no outcome", j.Delivery.ID)
	}
	return o
}

// close stops the engine; nothing may run on.
func (b *bench) close() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	b.Stop(ctx)
}
