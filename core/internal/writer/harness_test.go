package writer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/render"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store"
	"patchbay/core/internal/store/memory"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// skipIfShort skips a test that is slow with the race detector. `make test` runs it without the race detector.
func skipIfShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("slow with the race detector")
	}
}

// tester is the common part of *testing.T and *rapid.T.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// harness is a writer over a store in memory. Its lanes make no calls. It runs in a synctest bubble.
type harness struct {
	tester
	*Writer
	disk    *memory.Disk
	log     *memory.Log
	lanes   *fakeLanes
	commits *commits
	ids     *idSource
	options func(*Options)
	cancel  context.CancelFunc
	done    chan error
}

// idSource returns ids that are unique across restarts. It can panic.
type idSource struct {
	mu      sync.Mutex
	n       int
	panicIn int // number of calls until the panic; 0 means no panic
}

func (s *idSource) next() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.panicIn > 0 {
		if s.panicIn--; s.panicIn == 0 {
			panic("no id today")
		}
	}
	s.n++
	return fmt.Sprintf("id-%06d", s.n)
}

func (s *idSource) panicAt(call int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.panicIn = call
}

// fakeLanes records submitted and canceled deliveries.
type fakeLanes struct {
	mu       sync.Mutex
	jobs     []*attempt.Job
	canceled []string
	pauses   []string
}

func (l *fakeLanes) Pause(p *state.Pause) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pauses = append(l.pauses, fmt.Sprintf("%s %v", p.Channel, p.Active()))
}

func (l *fakeLanes) Submit(j *attempt.Job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.jobs = append(l.jobs, j)
}

func (l *fakeLanes) Cancel(delivery string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.canceled = append(l.canceled, delivery)
}

// take removes and returns the oldest job towards a channel, or nil.
func (l *fakeLanes) take(channel string) *attempt.Job {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.jobs, func(j *attempt.Job) bool { return j.Delivery.Channel == channel })
	if i < 0 {
		return nil
	}
	j := l.jobs[i]
	l.jobs = slices.Delete(l.jobs, i, i+1)
	return j
}

func (l *fakeLanes) wasCanceled(delivery string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Contains(l.canceled, delivery)
}

// commits records the commits.
type commits struct {
	mu    sync.Mutex
	list  []Commit
	ahead []string
}

func (c *commits) ClockAhead(channel string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead = append(c.ahead, channel)
}

func (c *commits) Committed(x Commit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, x)
}

func (c *commits) all() []Commit {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.list)
}

// newPolicy returns a policy with a customer channel, a bot as the owner, a desk that accepts offers, and an observer.
func newPolicy(t tester) *conversation.Policy {
	t.Helper()
	p := &conversation.Policy{
		Revision: 1, Owner: "faq", History: 20, CloseAfter: 72 * time.Hour,
		Channels: map[string]*conversation.Channel{},
	}
	for _, ch := range []*conversation.Channel{
		{Name: "web", Role: envelope.RoleCustomer},
		{Name: "faq", Role: envelope.RoleBot, History: true},
		{Name: "desk", Role: envelope.RoleAgent, Opens: true, Target: render.Target{TextBytes: 64}},
		{Name: "audit", Role: envelope.RoleObserver},
	} {
		p.Channels[ch.Name] = ch
	}
	p.Routes = compileRules(t, []route.Rule{
		{Name: "help", From: []string{"customer"}, When: `text == "help"`, Offer: route.NewOffer("desk")},
		{Name: "to-desk", From: []string{"customer"}, When: `text == "desk now"`, Pass: "desk"},
		{Name: "back", From: []string{"customer"}, When: `text == "bot now"`, Pass: "faq"},
	}...)
	return p
}

func compileRules(t tester, rules ...route.Rule) *route.Table {
	t.Helper()
	table, problems := route.Compile(rules, route.Channels{
		"web": envelope.RoleCustomer, "faq": envelope.RoleBot, "desk": envelope.RoleAgent, "audit": envelope.RoleObserver,
	})
	if table == nil {
		t.Fatalf("compile rules: %v", problems)
	}
	return table
}

// openHarness starts a writer on an empty store. The options apply to this start and to each restart.
func openHarness(t tester, options ...func(*Options)) *harness {
	t.Helper()
	h := &harness{tester: t, disk: memory.NewDisk(0), commits: &commits{}, ids: &idSource{}, options: func(o *Options) {
		for _, f := range options {
			f(o)
		}
	}}
	h.open()
	return h
}

func (h *harness) build() {
	h.log, h.lanes = h.disk.Open(), &fakeLanes{}
	o := Options{
		Log: h.log, Policy: newPolicy(h.tester), Lanes: h.lanes, Observer: h.commits, Logger: slog.New(slog.DiscardHandler),
		NewID: h.ids.next, Version: "test",
	}
	h.options(&o)
	h.Writer = New(o)
}

func (h *harness) open() {
	h.Helper()
	h.build()
	if err := h.Start(context.Background()); err != nil {
		h.Fatalf("Start: %v", err)
	}
	h.run()
}

func (h *harness) run() {
	ctx, cancel := context.WithCancel(context.Background())
	h.cancel, h.done = cancel, make(chan error, 1)
	w, done := h.Writer, h.done
	go func() { done <- w.Run(ctx) }()
	synctest.Wait()
}

// stop ends the loop and returns the result of Run.
func (h *harness) stop() error {
	h.cancel()
	err := <-h.done
	h.done <- err // stop can be called again
	return err
}

// crash takes the log from the writer. All data that is not stored is lost.
func (h *harness) crash() {
	_ = h.log.Close()
	_ = h.stop()
}

func (h *harness) restart() {
	h.Helper()
	if err := h.stop(); err != nil {
		h.Fatalf("Run: %v", err)
	}
	h.open()
}

func message(t tester, channel, thread, id, text string) *inbound.Envelope {
	t.Helper()
	role := map[string]envelope.Role{"web": envelope.RoleCustomer, "faq": envelope.RoleBot, "desk": envelope.RoleAgent}[channel]
	e := &envelope.Envelope{
		Channel: channel, Thread: thread, VendorID: id, Kind: envelope.KindMessage, Sender: envelope.Sender{Role: role, ID: "s-" + thread},
		Parts: []envelope.Part{envelope.TextPart(text)},
	}
	b, err := protocol.EncodeEnvelope(e)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	return &inbound.Envelope{Channel: channel, Envelope: e, Bytes: b}
}

// accept passes a message of a customer to the writer and returns the error.
func (h *harness) accept(thread, id, text string) error {
	return h.Accept(context.Background(), []*inbound.Envelope{message(h.tester, "web", thread, id, text)})
}

func (h *harness) customer(thread, id, text string) {
	h.Helper()
	if err := h.accept(thread, id, text); err != nil {
		h.Fatalf("Accept %s: %v", id, err)
	}
	synctest.Wait()
}

// acceptInBackground calls Accept in the background and returns a channel for the error.
func (h *harness) acceptInBackground(in ...*inbound.Envelope) <-chan error {
	out := make(chan error, 1)
	go func() { out <- h.Accept(context.Background(), in) }()
	synctest.Wait()
	return out
}

func isBlocked(c <-chan error) bool {
	synctest.Wait()
	return len(c) == 0
}

// head removes and returns the job in flight towards a channel.
func (h *harness) head(channel string) *attempt.Job {
	h.Helper()
	synctest.Wait()
	j := h.lanes.take(channel)
	if j == nil {
		h.Fatalf("nothing was released towards %s", channel)
	}
	return j
}

func (h *harness) idle(channel string) {
	h.Helper()
	synctest.Wait()
	if j := h.lanes.take(channel); j != nil {
		h.Fatalf("%s %s was released towards %s, want nothing", j.Delivery.Kind, j.Delivery.ID, channel)
	}
}

func outcome(j *attempt.Job, o attempt.Outcome) *attempt.Outcome {
	o.Conversation, o.Delivery, o.Channel = j.Conv.ID, j.Delivery.ID, j.Delivery.Channel
	o.Kind, o.Offer = j.Delivery.Kind, j.Delivery.Offer
	if o.Thread == "" {
		o.Thread = j.Thread
	}
	return &o
}

func (h *harness) finish(j *attempt.Job, o attempt.Outcome) {
	h.Finish(outcome(j, o))
	synctest.Wait()
	time.Sleep(2 * commitSpacing) // on the bubble's clock: commits are paced
	synctest.Wait()
}

// textOf reads the text of a job's envelope from the log.
func (h *harness) textOf(j *attempt.Job) string {
	h.Helper()
	s, err := h.Load(context.Background(), j.Delivery.Item.Pos)
	if err != nil {
		h.Fatalf("Load %v: %v", j.Delivery.Item.Pos, err)
	}
	e, err := protocol.DecodeEnvelope(s.GetEnvelope())
	if err != nil {
		h.Fatalf("decode: %v", err)
	}
	return e.Text()
}

// conv returns the conversation of a customer's thread.
func (h *harness) conv(thread string) *state.Conversation {
	h.Helper()
	var c *state.Conversation
	if err := h.View(context.Background(), func(b *state.State) { c = b.Conversation(b.Find("web", thread)) }); err != nil {
		h.Fatalf("View: %v", err)
	}
	return c
}

func (h *harness) deadLetters() []*state.DeadLetter {
	h.Helper()
	var out []*state.DeadLetter
	if err := h.View(context.Background(), func(b *state.State) { out = b.DeadLetters() }); err != nil {
		h.Fatalf("View: %v", err)
	}
	return out
}

// records returns the whole log.
func (h *harness) records() []*journal.Record {
	h.Helper()
	var out []*journal.Record
	err := h.disk.Open().Read(context.Background(), 0, func(_ uint64, data []byte) error {
		r := &journal.Record{}
		out = append(out, r)
		return proto.Unmarshal(data, r)
	})
	if err != nil {
		h.Fatalf("Read: %v", err)
	}
	return out
}

// accepted returns the number of times that each vendor id was accepted in the log.
func (h *harness) accepted() map[string]int {
	h.Helper()
	n := map[string]int{}
	for _, r := range h.records() {
		for _, ch := range r.GetChanges() {
			if a := ch.GetAccepted(); a != nil {
				n[a.GetVendorId()]++
			}
		}
	}
	return n
}

// contentOf returns the content of a state as texts by bucket. It contains the buckets of like.
func contentOf(t tester, b *state.State, like *state.Snapshot) map[uint32][]string {
	t.Helper()
	b.MarkChanged(like)
	im := b.Snapshot()
	b.MarkChanged(im)
	buckets, _, err := im.Encode()
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	out := map[uint32][]string{}
	for n, data := range buckets {
		if n < 256 { // conversations
			out[n] = conversationsOf(t, data)
			continue
		}
		var list []json.RawMessage
		if err := json.Unmarshal(data, &list); err != nil {
			t.Fatalf("bucket %d: %v", n, err)
		}
		for _, x := range list {
			out[n] = append(out[n], string(x))
		}
		slices.Sort(out[n])
	}
	return out
}

// conversationsOf returns the conversations of a bucket as JSON, in order.
func conversationsOf(t tester, bucket []byte) (out []string) {
	t.Helper()
	for len(bucket) > 0 {
		var c state.Conversation
		var err error
		if bucket, err = c.UnmarshalMsg(bucket); err != nil {
			t.Fatalf("read a conversation: %v", err)
		}
		text, err := json.Marshal(&c)
		if err != nil {
			t.Fatalf("encode a conversation: %v", err)
		}
		out = append(out, string(text))
	}
	slices.Sort(out)
	return out
}

// checkRestored checks that the state of the stopped writer equals the fold of the whole log. If records are purged,
// the state must equal the newest snapshot with the fold of the records after it.
func (h *harness) checkRestored() {
	h.Helper()
	b, log, from := state.New(), h.disk.Open(), uint64(1)
	if log.Bounds().First > 1 {
		s, found, err := log.LoadSnapshot(context.Background())
		if !found || err != nil || log.Bounds().First > s.Seq+1 {
			h.Fatalf("the log begins at %d, and the snapshot is of %d: found %t, %v", log.Bounds().First, s.Seq, found, err)
		}
		if err := b.Restore(s.Buckets, s.Meta); err != nil {
			h.Fatalf("Restore: %v", err)
		}
		from = s.Seq + 1
	}
	err := log.Read(context.Background(), from, func(seq uint64, data []byte) error {
		var r journal.Record
		if err := proto.Unmarshal(data, &r); err != nil {
			return err
		}
		return b.FoldRecord(seq, &r)
	})
	if err != nil {
		h.Fatalf("fold the log: %v", err)
	}
	all := b.Snapshot()
	b.MarkChanged(all)
	if diff := cmp.Diff(contentOf(h, b, all), contentOf(h, h.state, all)); diff != "" {
		h.Errorf("the log and the state differ (-log +state):\n%s", diff)
	}
	if b.Lease() != h.state.Lease() {
		h.Errorf("lease %d in the log, %d in the state", b.Lease(), h.state.Lease())
	}
}

// failSaves makes snapshots fail until heal is called.
func failSaves(h *harness) (heal func()) {
	h.log.Hook(func(_ context.Context, op memory.Op) error {
		if op == memory.OpSave {
			return store.ErrFull
		}
		return nil
	})
	return func() { h.log.Hook(nil) }
}

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }
