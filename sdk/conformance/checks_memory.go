package conformance

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"patchbay/sdk/envelope"
)

var memoryChecks = map[string]func(*probe){
	"memory.flat": func(p *probe) {
		samples := p.load().samples
		n := len(samples)
		if n < 8 {
			p.skip("too few messages were measured")
		}
		median := func(list []int64) int64 { return slices.Sorted(slices.Values(list))[len(list)/2] }
		early, late := median(samples[:n/4]), median(samples[n*3/4:])
		grown := int64(p.o.Messages) * 3 / 4 // messages between the two
		limit := early + 192<<10 + early/16 + grown*16
		if _, ok := p.metric(liveHeap); !ok { // resident memory shrinks late
			limit = early + 20<<20 + early/16 + grown*256
		}
		p.expect(late <= limit, "%d KiB of memory after %d messages, %d KiB before: %d bytes a message", late>>10,
			p.o.Messages, early>>10, (late-early)/grown)
	},
	"memory.works": func(p *probe) {
		failed := p.load().failed
		n := p.subject.receive.unmatchedResults() + p.subject.deliver.unmatchedResults()
		p.expect(failed == "", "%s", failed)
		p.expect(n == 0, "%d results have an id that no pending call has", n)
	},
	"memory.same": func(p *probe) {
		changed := p.load().changed
		p.expect(len(changed) == 0, "%s", strings.Join(changed, "; "))
	},
}

// load is the result of many calls in both directions.
type load struct {
	n       int                  // calls so far
	first   map[string][2]string // kind of error and ids of the first result of each example
	changed []string             // findings about later results
	failed  string               // why it stopped
	samples []int64              // of the memory
}

// load makes many calls with new ids, once for the group, and measures the memory.
func (p *probe) load() *load {
	return once(p, "load", func() *load {
		const together = 16
		l, in, out := &load{first: map[string][2]string{}}, p.data.in, p.loadCalls()
		warm := max(p.o.Messages/4, 2*p.data.Remembers*max(1, len(in)))
		for l.n < warm+p.o.Messages && p.deaths+p.hangs == 0 {
			id, frame := l.n, []*inbound(nil)
			for i := id; i < id+together && len(in) > 0; i++ {
				frame = append(frame, in[i%len(in)].nth(p.data.IDs, i))
			}
			results, err := p.receiveFrame(frame...)
			if err != nil {
				l.failed = p.lose(fmt.Sprintf("a call after %d messages", l.n), err)
			}
			for i, r := range results {
				l.note(frame[i].String(), r.Kind, strings.Join(ids(r.Envelopes), " "))
			}
			for _, x := range out {
				var calls []*pendingCall
				for i := range together {
					x := x.nth(id + i)
					p.vendor.follow(&script{steps: x.steps})
					calls = append(calls, p.begin(act{exchange: x}))
				}
				for _, b := range calls {
					l.note(x.String(), b.end().kind(), "")
				}
			}
			if bytes, ok := p.memory(); ok && l.n > warm {
				l.samples = append(l.samples, bytes)
			}
		}
		return l
	})
}

// loadCalls returns the main delivery, the first exchange that opens a conversation, and the first that ends one.
func (p *probe) loadCalls() (out []*exchange) {
	if delivers(p) {
		out = append(out, p.data.main("deliver"))
	}
	if opening := p.examples("open"); p.can("open") && len(opening) > 0 {
		out = append(out, opening[0])
	}
	for _, x := range p.examples("deliver") {
		kind := readCall[delivery](p, x).Envelope.Kind
		if kind == envelope.KindClosed || kind == envelope.KindDisconnected {
			return append(out, x)
		}
	}
	return out
}

// note counts a result, and compares it with the first one of its example.
func (l *load) note(name, kind, ids string) {
	l.n++
	switch first, ok := l.first[name]; {
	case !ok:
		l.first[name] = [2]string{kind, ids}
	case kind != first[0]:
		l.changed = append(l.changed, fmt.Sprintf("after %d messages %s gave %q, at first %q", l.n, name, kind, first[0]))
	case ids != "" && ids == first[1]:
		l.changed = append(l.changed, name+" has the same ids again: list under ids in channel.yaml what differs")
	}
}

// nth returns the call for message n, with other values of the members and header fields in ids.
func (in *inbound) nth(ids []string, n int) *inbound {
	if tree := in.tree(); tree != nil {
		in = in.withTree(withIDs(tree, ids, n))
	}
	for _, id := range ids {
		name, _ := strings.CutPrefix(id, "header ")
		if v := in.header.Get(name); v != "" && name != id {
			in = in.withHeader(name, fresh(v, n))
		}
	}
	return in
}

// nth returns the exchange for message n, with another thread or customer. The addresses of its requests accept any id.
func (x *exchange) nth(n int) *exchange {
	ids := []string{"thread", "customer_id", "customer.id"}
	tree, _ := decodeJSON(x.call) // it was valid when it was loaded
	out := *x
	out.call, out.steps = goldenText(withIDs(tree, ids, n)), nil
	for _, s := range x.steps {
		s := *s
		for _, id := range ids {
			if text, _ := valueAt(tree, id).(string); text != "" {
				s.target = strings.NewReplacer(url.PathEscape(text), anyMark, url.QueryEscape(text), anyMark).Replace(s.target)
			}
		}
		out.steps = append(out.steps, &s)
	}
	return &out
}

// withIDs returns a copy of a JSON tree in which the values at ids, which are dotted paths, are those for message n.
func withIDs(tree any, ids []string, n int) any {
	for _, id := range ids {
		with, ok := edit(tree, id, func(v any) any {
			if number, err := strconv.ParseInt(fmt.Sprint(v), 10, 64); err == nil && v != any(fmt.Sprint(v)) {
				return number + int64(n)
			}
			return fresh(fmt.Sprint(v), n)
		})
		if ok {
			tree = with
		}
	}
	return tree
}

// fresh returns id with the last six digits of n at its end. They replace six hexadecimal digits there.
func fresh(id string, n int) string {
	const digits = 6
	if len(id)-len(strings.TrimRight(id, "0123456789abcdefABCDEF")) >= digits {
		id = id[:len(id)-digits]
	}
	return fmt.Sprintf("%s%0*d", id, digits, n%1_000_000)
}

// liveHeap is the metric for the size of the heap after the last garbage collection. Adapters of the SDK have it.
const liveHeap = "go_gc_heap_live_bytes"

func (p *probe) memory() (int64, bool) {
	if n, ok := p.metric(liveHeap); ok {
		return int64(n), n > 0 // 0 before the first collection
	}
	u, ok := usageOf(p.subject.cmd.Process.Pid)
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
