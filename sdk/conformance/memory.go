package conformance

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

// fresh returns the nth text in the form of an id: its last hexadecimal digits are replaced by decimal ones, or some
// are added if it does not end in enough of them. After a million they repeat.
func fresh(id string, n int) string {
	text := fmt.Sprintf("%06d", n%1_000_000)
	head := strings.TrimRight(id, "0123456789abcdefABCDEF")
	if len(id)-len(head) < len(text) {
		return id + text
	}
	return id[:len(id)-len(text)] + text
}

// nth returns the nth of many calls: with other values of the members and header fields that channel.yaml lists under
// ids.
func (in *inbound) nth(ids []string, n int) *inbound {
	tree := in.tree()
	for _, id := range ids {
		if name, ok := strings.CutPrefix(id, "header "); ok {
			if v := in.header.Get(name); v != "" {
				in = in.withHeader(name, fresh(v, n))
			}
			continue
		}
		tree, _ = edit(tree, id, func(v any) (any, bool) {
			if number, err := strconv.ParseInt(fmt.Sprint(v), 10, 64); err == nil && v != any(fmt.Sprint(v)) {
				return number + int64(n), true
			}
			return fresh(fmt.Sprint(v), n), true
		})
	}
	if tree == nil {
		return in
	}
	return in.withTree(tree)
}

// loaded is an outbound example that is delivered many times, for other threads and customers.
type loaded struct {
	exchange *exchange // for any thread
	window   int       // of calls at once
	kind     string    // of the error that it gives
}

// load is what many calls in both directions led to.
type load struct {
	in       []*inbound
	kinds    []string // of the errors that they give
	out      []*loaded
	ending   *loaded  // ends a conversation, if there is such an example
	n        int      // conversations so far
	messages int      // so far
	samples  []int64  // of the memory
	changed  []string // findings of calls that gave another result later
	fixed    []string // examples that ids do not change
	failed   string   // why it stopped
}

// load makes many calls, once for the group, and measures the memory.
func (p *probe) load() *load {
	return once(p, "load", func() *load {
		l := &load{}
		l.prepare(p)
		total := p.o.Messages
		warm := max(total/4, 2*p.data.Remembers*max(1, len(p.data.in)))
		for frames := 0; l.messages < warm+total && p.deaths+p.hangs == 0; frames++ {
			l.frame(p)
			if n, ok := p.memory(); ok && l.messages > warm && frames%4 == 0 {
				l.samples = append(l.samples, n)
			}
		}
		return l
	})
}

func (l *load) prepare(p *probe) {
	for _, in := range p.inbound() {
		plain, again := p.receive(in), p.receive(in.nth(p.data.IDs, 1))
		l.in, l.kinds = append(l.in, in), append(l.kinds, plain.Kind)
		same := slices.EqualFunc(plain.Envelopes, again.Envelopes, func(a, b *envelope.Envelope) bool {
			return a.Thread == b.Thread && a.VendorID == b.VendorID && a.Sender.ID == b.Sender.ID
		})
		if len(plain.Envelopes) > 0 && same {
			l.fixed = append(l.fixed, in.name)
		}
	}
	if delivers(p) {
		l.out = append(l.out, p.loaded(p.data.main("deliver"), 16))
	}
	if examples := p.examples("open"); len(examples) > 0 && p.can("open") {
		l.out = append(l.out, p.loaded(examples[0], 2))
	}
	for _, x := range p.examples("deliver") {
		kind := readCall[delivery](p, x).Envelope.Kind
		if l.ending == nil && (kind == envelope.KindClosed || kind == envelope.KindDisconnected) {
			l.ending = p.loaded(x, 0)
		}
	}
}

// loaded returns an exchange for any thread and customer: they may have any value in addresses.
func (p *probe) loaded(x *exchange, window int) *loaded {
	call, out := p.deliverCall(x), *x
	ids := []string{call.GetSend().GetThread(), call.GetOpen().GetCustomerId(), call.GetOpen().GetCustomer().GetId()}
	out.steps = nil
	for _, s := range x.steps {
		c := *s
		for _, id := range ids {
			if id != "" {
				c.target = strings.NewReplacer(url.PathEscape(id), anyMark, url.QueryEscape(id), anyMark).Replace(c.target)
			}
		}
		out.steps = append(out.steps, &c)
	}
	got, _ := p.perform(act{exchange: &out})
	return &loaded{&out, window, got.kind()}
}

func (l *load) frame(p *probe) {
	const window = 16
	var calls []*inbound
	for i := 0; i < window && len(l.in) > 0; i++ {
		calls = append(calls, l.in[(l.n+i)%len(l.in)].nth(p.data.IDs, l.n+i))
	}
	if len(calls) > 0 {
		results, err := p.receiveFrame(calls...)
		if err != nil {
			l.failed = p.lose(fmt.Sprintf("a call after %d messages", l.messages), err)
			return
		}
		for i, r := range results {
			l.same("in/"+calls[i].name+".http", l.kinds[(l.n+i)%len(l.in)], r.Kind)
		}
		l.n, l.messages = l.n+window, l.messages+window
	}
	for _, o := range l.out {
		if threads := l.deliver(p, o, make([]string, o.window)); l.ending != nil {
			l.deliver(p, l.ending, threads)
		}
	}
}

func (l *load) deliver(p *probe, o *loaded, threads []string) []string {
	s := newScript(o.exchange, nil)
	s.forgetful = true
	p.vendor.play(s)
	var calls []*begun
	for i := range threads {
		l.n++
		calls = append(calls, p.begin(act{exchange: o.exchange, change: func(c *pluginpb.DeliverCall) {
			if o := c.GetOpen(); o != nil {
				o.CustomerId = fresh(o.GetCustomerId(), l.n)
				o.Customer.Id = fresh(o.GetCustomer().GetId(), l.n)
				return
			}
			if threads[i] == "" && o.kind == "" {
				threads[i] = fresh(c.GetSend().GetThread(), l.n)
			}
			c.GetSend().Thread = threads[i]
		}}))
	}
	for i, b := range calls {
		got := b.end()
		l.messages++
		if l.same("out/"+o.exchange.name+".http", o.kind, got.kind()); got.Opened != nil {
			threads[i] = got.Opened.Thread
		}
	}
	return threads
}

func (l *load) same(name, first, now string) {
	if first != now {
		l.changed = append(l.changed, fmt.Sprintf("after %d conversations %s gave %q, at first %q", l.n, name, now, first))
	}
}

func (l *load) expectFlat(p *probe) {
	if len(l.samples) < 8 {
		p.skip("too few messages were measured")
	}
	p.expect(len(l.fixed) == 0, "list under ids in channel.yaml what differs with each message of in/%s",
		strings.Join(l.fixed, ", "))
	median := func(list []int64) int64 { return slices.Sorted(slices.Values(list))[len(list)/2] }
	early, late := median(l.samples[:len(l.samples)/4]), median(l.samples[len(l.samples)*3/4:])
	grown := int64(p.o.Messages) * 3 / 4 // messages between the two
	limit := early + 192<<10 + early/16 + grown*16
	if _, ok := p.metric(liveHeap); !ok { // runtimes give resident memory back late
		limit = early + 20<<20 + early/16 + grown*256
	}
	p.expect(late <= limit, "%d KiB of memory after %d messages, %d KiB before: %d bytes a message", late>>10,
		p.o.Messages, early>>10, (late-early)/grown)
}

// liveHeap is the metric of the heap's size after its last collection, which adapters of the SDK have.
const liveHeap = "go_gc_heap_live_bytes"

func (p *probe) memory() (int64, bool) {
	if n, ok := p.metric(liveHeap); ok {
		return int64(n), n > 0 // after the first collection
	}
	u, ok := usageOf(p.subject.pid())
	return u.resident, ok
}

// metric returns the value of a metric without labels; false if the adapter does not have it.
func (p *probe) metric(name string) (value float64, ok bool) {
	text, _ := p.metrics()
	for line := range strings.Lines(text) {
		if rest, found := strings.CutPrefix(line, name+" "); found {
			_, err := fmt.Sscan(rest, &value)
			return value, err == nil
		}
	}
	return 0, false
}
