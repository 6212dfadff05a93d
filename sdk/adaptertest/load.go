package adaptertest

import (
	"fmt"

	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

// How many calls of each kind are under way at once.
const (
	receiveWindow = 16
	deliverWindow = 16
	openWindow    = 2
)

// load is many calls in both directions: examples, each time of another conversation and with another id if the exam could
// find out how. Conversations that are made are ended, if there is an example of that.
type load struct {
	in     []*loadIn
	out    []*loadOut
	ending *loadOut // nil if no end is told
	n      int      // conversations so far
}

// loadIn is one example of an inbound call.
type loadIn struct {
	*ever
	refused string // kind of the error that it gives
}

// loadOut is one example of an outbound call.
type loadOut struct {
	ex     *exchange
	window int
	stage  *stage // for any thread
	anew   bool   // it goes well for any thread, too
	failed string // kind of the error that it gives
}

// newLoad tries the examples, and has the fault server play the outbound ones from then on.
func (x *exam) newLoad() (*load, error) {
	l := &load{}
	if x.able("receive") {
		for _, in := range x.data.in {
			e, err := x.everNew(in)
			if lost(err) {
				return nil, fmt.Errorf("in/%s.http: %w", in.name, err)
			}
			got, err := x.receive(e.nth(0))
			if err != nil {
				return nil, fmt.Errorf("in/%s.http: %w", in.name, err)
			}
			l.in = append(l.in, &loadIn{e, got.refused.GetKind()})
		}
	}
	if !x.able("deliver") {
		return l, nil
	}
	for _, out := range []*loadOut{{ex: x.data.main("deliver"), window: deliverWindow}, {ex: x.opening(), window: openWindow}} {
		if out.ex == nil {
			continue
		}
		if err := x.tryLoadOut(out); err != nil {
			return nil, fmt.Errorf("out/%s.http: %w", out.ex.name, err)
		}
		l.out = append(l.out, out)
	}
	if ex := x.ending(); ex != nil {
		l.ending = &loadOut{ex: ex}
		if err := x.tryLoadOut(l.ending); err != nil {
			return nil, fmt.Errorf("out/%s.http: %w", ex.name, err)
		}
	}
	return l, nil
}

// ending returns the first exchange by which the adapter learns that a conversation is over, nil if there is none.
func (x *exam) ending() *exchange {
	for _, kind := range []envelope.Kind{envelope.KindClosed, envelope.KindDisconnected} {
		for _, ex := range x.data.out {
			var d delivery
			want := x.golden(ex)
			if ex.action == "deliver" && want != nil && want.Error == nil && x.strictly(ex.call, &d) == nil && d.Envelope.Kind == kind {
				return ex
			}
		}
	}
	return nil
}

// opening returns the first exchange that opens a conversation with success, nil if there is none.
func (x *exam) opening() *exchange {
	for _, ex := range x.data.out {
		if want := x.golden(ex); ex.action == "open" && x.able("open") && want != nil && want.Opened != nil {
			return ex
		}
	}
	return nil
}

// tryLoadOut plays an exchange as it is and for another thread.
func (x *exam) tryLoadOut(o *loadOut) error {
	call, err := x.deliverCall(o.ex)
	if err != nil {
		return err
	}
	o.stage = newStage(&exchange{steps: o.ex.forAny(call)}, false)
	o.stage.forgetful = true
	var got [2]*outcome
	for i := range got {
		if call, err = x.deliverCall(o.ex); err != nil {
			return err
		}
		if i == 1 {
			renew(call, 0)
		}
		x.vendor.play(o.stage)
		b, err := x.begin(call, callTimeout)
		if err != nil {
			return err
		}
		if got[i], err = x.end(b, callTimeout); err != nil {
			return err
		}
	}
	o.anew, o.failed = got[0].kind() == got[1].kind(), got[0].kind()
	return nil
}

// perFrame is how many calls a frame has.
func (l *load) perFrame() int {
	n := 0
	if len(l.in) > 0 {
		n += receiveWindow
	}
	for _, o := range l.out {
		n += o.window
		if l.ending != nil {
			n += o.window
		}
	}
	return n
}

// framesFor is how many frames it takes until so many conversations came in.
func (l *load) framesFor(conversations int) int {
	changing := 0
	for _, e := range l.in {
		if e.changes() {
			changing++
		}
	}
	if changing == 0 {
		return conversations / deliverWindow
	}
	return conversations * len(l.in) / (changing * receiveWindow)
}

// kind says what is sent.
func (l *load) kind() string {
	for _, e := range l.in {
		if !e.changes() {
			return "in part the same conversations"
		}
	}
	for _, o := range l.out {
		if !o.anew {
			return "in part the same conversations"
		}
	}
	return "ever new conversations"
}

// frame makes the calls of one frame each way and returns how many there were.
func (x *exam) frame(l *load, same *Assertion) (int, error) {
	n, err := x.frameIn(l, same)
	if err != nil {
		return n, err
	}
	for _, o := range l.out {
		m, err := x.frameOut(l, o, same)
		if n += m; err != nil {
			return n, err
		}
	}
	return n, nil
}

// frameOut makes the outbound calls of one frame for an example, and then ends the conversations.
func (x *exam) frameOut(l *load, o *loadOut, same *Assertion) (int, error) {
	var list []*pluginpb.DeliverCall
	for range o.window {
		call, err := x.deliverCall(o.ex)
		if err != nil {
			return 0, err
		}
		if l.n++; o.anew {
			renew(call, l.n)
		}
		list = append(list, call)
	}
	threads, err := x.atOnce(l, o, list, same)
	if err != nil || l.ending == nil {
		return len(list), err
	}
	n := len(list)
	list = nil
	for _, thread := range threads {
		call, err := x.deliverCall(l.ending.ex)
		if err != nil {
			return n, err
		}
		if l.ending.anew {
			call.GetSend().Thread = thread
		}
		list = append(list, call)
	}
	_, err = x.atOnce(l, l.ending, list, same)
	return n + len(list), err
}

// atOnce makes outbound calls of an example at once, and returns the threads that they were for or opened.
func (x *exam) atOnce(l *load, o *loadOut, list []*pluginpb.DeliverCall, same *Assertion) ([]string, error) {
	x.vendor.play(o.stage)
	var under []*begun
	for _, call := range list {
		b, err := x.begin(call, callTimeout)
		if err != nil {
			return nil, err
		}
		under = append(under, b)
	}
	var threads []string
	for i, b := range under {
		got, err := x.end(b, callTimeout)
		if err != nil {
			return nil, err
		}
		if got.kind() != o.failed {
			same.failf("after %d conversations out/%s.http gave %s: make room for new ones by forgetting old ones", l.n, o.ex.name, got.said())
		}
		if thread := list[i].GetSend().GetThread(); thread != "" {
			threads = append(threads, thread)
		} else if got.Opened != nil {
			threads = append(threads, got.Opened.Thread)
		}
	}
	return threads, nil
}

// frameIn makes the inbound calls of one frame.
func (x *exam) frameIn(l *load, same *Assertion) (int, error) {
	if len(l.in) == 0 {
		return 0, nil
	}
	var frame []*pluginpb.ReceiveCall
	var results []chan *pluginpb.ReceiveResult
	first := l.n
	for range receiveWindow {
		call, err := x.receiveCall(l.in[l.n%len(l.in)].nth(l.n))
		if err != nil {
			return 0, err
		}
		l.n++
		id, result := x.prog.receive.begin()
		call.Id = id
		frame, results = append(frame, call), append(results, result)
	}
	if err := x.prog.receive.put(frame...); err != nil {
		return 0, err
	}
	for i, result := range results {
		r, err := x.prog.receive.wait(x.ctx, result, callTimeout)
		if err != nil {
			return i, err
		}
		e := l.in[(first+i)%len(l.in)]
		if kind := r.GetError().GetKind(); kind != e.refused {
			same.failf("after %d conversations in/%s.http gave %s: make room for new ones by forgetting old ones", l.n, e.in.name,
				orElse(kind, "success"))
		}
	}
	return len(results), nil
}
