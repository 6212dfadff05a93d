package delivery

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

	"patchbay/core/internal/attempt"
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

// callResult is the result of a call of the adapter.
type callResult struct {
	res *pluginpb.DeliverResult
	err error
}

func delivered() callResult { return callResult{res: &pluginpb.DeliverResult{VendorId: "v1"}} }

func failed(kind string) callResult {
	return callResult{res: &pluginpb.DeliverResult{Error: &pluginpb.Error{Kind: kind, Text: "no"}}}
}

func throttled(after time.Duration, scope string) callResult {
	return callResult{res: &pluginpb.DeliverResult{Error: &pluginpb.Error{Kind: "throttled", After: durationpb.New(after),
		Scope: scope}}}
}

func crashed(alone bool) callResult {
	e := &plugin.BrokeError{Name: "bot", Fault: plugin.FaultDied, Text: "panic: poison"}
	if alone {
		e.Weight = plugin.WeightCertain
	}
	return callResult{err: e}
}

func broke(fault plugin.Fault, weight int) callResult {
	return callResult{err: &plugin.BrokeError{Name: "bot", Fault: fault, Weight: weight, Text: "poison"}}
}

func notReady() callResult { return callResult{err: fmt.Errorf("deliver: %w", plugin.ErrNotReady)} }

// call is a call in flight.
type call struct {
	*pluginpb.DeliverCall
	ctx    context.Context
	answer chan callResult
}

// fakeAdapter ends calls immediately with the result of resultFunc, or keeps them in flight until the test ends them.
type fakeAdapter struct {
	mu         sync.Mutex
	resultFunc func(*pluginpb.DeliverCall) callResult // nil keeps calls in flight
	calls      []*call                                // in flight
	callTotal  int

	attached  map[string]string
	attachErr error
}

func (f *fakeAdapter) Deliver(ctx context.Context, c *pluginpb.DeliverCall) (*pluginpb.DeliverResult, error) {
	f.mu.Lock()
	f.callTotal++
	if f.resultFunc != nil {
		defer f.mu.Unlock()
		a := f.resultFunc(c)
		return a.res, a.err
	}
	w := &call{c, ctx, make(chan callResult, 1)}
	f.calls = append(f.calls, w)
	f.mu.Unlock()
	select {
	case a := <-w.answer:
		return a.res, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// StartDeliver implements Caller.
func (f *fakeAdapter) StartDeliver(ctx context.Context, c *pluginpb.DeliverCall,
	done func(*pluginpb.DeliverResult, error),
) func() {
	go func() { done(f.Deliver(ctx, c)) }()
	return func() {}
}

// Attach stores an attachment.
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

// takeCalls returns the calls in flight that it has not returned before.
func (f *fakeAdapter) takeCalls() []*call {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.calls
	f.calls = nil
	return out
}

func (f *fakeAdapter) finishCalls(a callResult) {
	f.setResults(func(*pluginpb.DeliverCall) callResult { return a })
}

func (f *fakeAdapter) setResults(script func(*pluginpb.DeliverCall) callResult) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.resultFunc = script
}

func (f *fakeAdapter) callCount() int {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.callTotal
}

// harness is an engine with one adapter and a log in memory.
type harness struct {
	*testing.T
	*Engine
	bot      *fakeAdapter
	mu       sync.Mutex
	outcomes []*attempt.Outcome
	attempts []string // channel and result
	breakers []string
	stored   map[state.Position]attempt.Stored
	loadErr  error
	jobCount int
}

func newHarness(t *testing.T, channels ...Channel) *harness {
	t.Helper()
	h := &harness{T: t, bot: &fakeAdapter{}, stored: map[state.Position]attempt.Stored{}}
	for i := range channels {
		c := &channels[i]
		c.Adapter, c.Caller = "bot", h.bot
		if c.Timeout == 0 {
			c.Timeout = 10 * time.Second
		}
		c.Links = c.Media != sdk.MediaStream
		if c.Concurrency == 0 {
			c.Concurrency = 4
		}
	}
	h.Engine = New(Options{Channels: channels, Load: h.load, Finish: h.finish, Observer: h,
		Logger: slog.New(slog.DiscardHandler)})
	return h
}

func (h *harness) load(_ context.Context, p state.Position) (attempt.Stored, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.loadErr != nil {
		return attempt.Stored{}, h.loadErr
	}
	s, ok := h.stored[p]
	if !ok {
		return attempt.Stored{}, fmt.Errorf("read record %d: %w", p.Seq, store.ErrNotFound)
	}
	return s, nil
}

func (h *harness) finish(o *attempt.Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.outcomes = append(h.outcomes, o)
}

func (h *harness) Attempted(channel, result string, _, _ time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.attempts = append(h.attempts, channel+" "+result)
}

func (h *harness) Breaker(channel, state string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.breakers = append(h.breakers, channel+" "+state)
}

func (h *harness) attemptResults() []string {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.attempts...)
}

// storeEnvelope adds an envelope to the log.
func (h *harness) storeEnvelope(e *envelope.Envelope) state.Item {
	h.Helper()
	data, err := protocol.EncodeEnvelope(e)
	if err != nil {
		h.Fatalf("encode: %v", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p := state.Position{Seq: uint64(len(h.stored) + 1)}
	h.stored[p] = attempt.Stored{
		StoredEnvelope: &journal.StoredEnvelope{Envelope: data, Id: fmt.Sprint("env-", p.Seq), Epoch: 3,
			Hops: int32(e.Hops)}, At: time.Unix(1000, 0),
	}
	rich := len(e.Parts) != 1 || e.Parts[0].Type != envelope.PartText
	return state.Item{Pos: p, TextBytes: uint32(len(e.Text())), Rich: rich}
}

func message(text string) *envelope.Envelope {
	return &envelope.Envelope{
		Thread: "w1", Kind: envelope.KindMessage, Sender: envelope.Sender{Role: envelope.RoleCustomer, ID: "c1"},
		Parts: []envelope.Part{envelope.TextPart(text)},
	}
}

// job returns a delivery of a text in a new conversation.
func (h *harness) job(channel, text string) *attempt.Job {
	h.Helper()
	h.jobCount++
	return &attempt.Job{
		Delivery: state.Delivery{
			ID: fmt.Sprint(
				"d",
				h.jobCount,
			), Channel: channel, Kind: state.KindSend, Item: h.storeEnvelope(message(text)), Pieces: 1, QueuedAt: time.Now(),
		},
		Conv: &state.Conversation{ID: fmt.Sprint("conv", h.jobCount), Channel: "web", Thread: "w1",
			Attributes: map[string]string{"lang": "en"}},
		Thread: "bot-thread", State: []byte("token"),
	}
}

func (h *harness) submit(channel, text string) *attempt.Job {
	h.Helper()
	j := h.job(channel, text)
	h.Submit(j)
	return j
}

// outcome returns the outcome of a job, or nil if it has none yet.
func (h *harness) outcome(j *attempt.Job) *attempt.Outcome {
	h.Helper()
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	var found *attempt.Outcome
	for _, o := range h.outcomes {
		if o.Delivery != j.Delivery.ID {
			continue
		}
		if found != nil {
			h.Fatalf("delivery %s has two outcomes", o.Delivery)
		}
		found = o
	}
	return found
}

// mustOutcome returns the outcome of a job.
func (h *harness) mustOutcome(j *attempt.Job) *attempt.Outcome {
	h.Helper()
	o := h.outcome(j)
	if o == nil {
		h.Fatalf("delivery %s has no outcome", j.Delivery.ID)
	}
	return o
}

// close stops the engine and aborts its calls.
func (h *harness) close() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	h.Stop(ctx)
}
