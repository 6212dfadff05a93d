package conformance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/sdk/protocol/pluginpb"
)

type probe struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc // ends the suite for a fault that is not the adapter's
	o       *Options
	data    *channelData
	vendor  *vendor
	subject *subject
	witness *witness
	signer  *signer // nil if calls of the vendor are not signed

	result  *Result        // of the running check
	shared  map[string]any // by the checks of a group
	others  []*probe       // with another vendor
	deaths  int            // of processes in the running group
	hangs   int            // of calls
	leftOut string         // why the rest of the group can't run
}

// expect notes a finding for the running check unless ok, and returns ok.
func (p *probe) expect(ok bool, format string, args ...any) bool {
	if !ok {
		p.result.fail(fmt.Sprintf(format, args...))
	} else if p.result.Status == NotApplicable {
		p.result.Status = Pass
	}
	return ok
}

// require is expect, and ends the running check unless ok.
func (p *probe) require(ok bool, format string, args ...any) {
	if !p.expect(ok, format, args...) {
		runtime.Goexit()
	}
}

// skip ends the running check, which does not apply unless something was checked already.
func (p *probe) skip(format string, args ...any) {
	if p.result.Status == NotApplicable {
		p.result.Findings = []string{fmt.Sprintf(format, args...)}
	}
	runtime.Goexit()
}

// abort ends the suite for a fault of the test data.
func (p *probe) abort(err error) {
	p.cancel(err)
	runtime.Goexit()
}

// once returns the result of f, which runs once for all checks of a group.
func once[T any](p *probe, key string, f func() T) T {
	if v, ok := p.shared[key]; ok {
		return v.(T)
	}
	v := f()
	p.shared[key] = v
	return v
}

// lose notes that a call has no result, starts another process, and returns what happened.
func (p *probe) lose(call string, err error) string {
	const maxDeaths, maxHangs = 5, 2 // in one group
	switch {
	case errors.Is(err, errDied):
		p.expect(false,
			"%s ended the process or its stream%s: recover from panics, check what you index, and keep both streams open",
			call, lastWords(&p.witness.said))
		p.deaths++
	case errors.Is(err, errHangs):
		p.expect(false, "%s has no result after its time was over: answer each call, and end it when its timeout is over",
			call)
		p.hangs++
	default:
		runtime.Goexit() // the suite ends
	}
	p.restart()
	if p.deaths >= maxDeaths || p.hangs >= maxHangs {
		p.leftOut = fmt.Sprintf("left out: %d processes died and %d calls hung in this group; see %s", p.deaths, p.hangs,
			p.result.ID)
		runtime.Goexit()
	}
	return err.Error()
}

func (p *probe) restart() {
	p.subject.close()
	err := p.startSubject()
	p.require(err == nil, "%v", err)
}

func (p *probe) configure(c *pluginpb.ChannelConfig) *pluginpb.ConfigureResponse {
	resp, err := p.subject.rpc.Configure(p.ctx, &pluginpb.ConfigureRequest{Channel: c})
	p.require(err == nil, "configure channel %s: %v%s", c.GetName(), err, lastWords(&p.witness.said))
	p.witness.hear("an error of Configure", resp.GetError().GetText())
	return resp
}

func (p *probe) reset() { p.configure(p.config(p.subject.settings)) }

// call makes the call for a request, signed as the vendor signs it now unless it is already.
func (p *probe) call(in *inbound) *pluginpb.ReceiveCall {
	in = p.sign(in)
	path, query, _ := strings.Cut(in.target, "?")
	call := &pluginpb.ReceiveCall{
		Timeout: durationpb.New(receiveTimeout), Channels: []string{p.data.Channel}, Method: in.method, Host: in.host,
		Path: path, FullPath: p.data.Prefix + path, Query: query, Remote: "127.0.0.1:40000", Body: in.body,
	}
	for name, values := range in.header {
		for _, v := range values {
			call.Header = append(call.Header, &pluginpb.Header{Name: name, Value: v})
		}
	}
	return call
}

// receive makes an inbound call. what describes how it was changed.
func (p *probe) receive(in *inbound, what ...string) *received {
	r, err := p.receiveFrame(in)
	if err != nil {
		return &received{lost: p.lose(strings.Join(append([]string{in.String()}, what...), " with "), err)}
	}
	return r[0]
}

func (p *probe) receiveFrame(list ...*inbound) (out []*received, err error) {
	s := p.subject.receive
	var frame []*pluginpb.ReceiveCall
	for _, in := range list {
		frame = append(frame, p.call(in))
	}
	results, err := s.put(frame...)
	for _, result := range results {
		r, err := s.wait(p.ctx, result, receiveTimeout+grace)
		if err != nil {
			return nil, err
		}
		out = append(out, p.readReceived(r))
	}
	return out, err
}

// act is an exchange with what the vendor or the gateway does differently.
type act struct {
	*exchange
	fault   *fault // of the request with the effect
	effect  reaction
	prepare reaction
	strict  bool
	limit   time.Duration // of the call; 0 means callTimeout
	change  func(*pluginpb.DeliverCall)
	most    int64  // of a fetched medium
	what    string // describes the difference
}

// String names the exchange for findings.
func (a act) String() string {
	return strings.TrimSuffix(a.exchange.String()+" with "+a.what, " with ")
}

// perform plays an exchange with the vendor, the main delivery if a has none.
func (p *probe) perform(a act) (got *outcome) {
	if a.exchange == nil {
		a.exchange = p.data.main("deliver")
	}
	if f := a.fault; f != nil {
		a.effect, a.limit, a.what = f.react(), f.Limit, f.What
	}
	s := &script{steps: a.steps, effect: a.effect, prepare: a.prepare, strict: a.strict}
	p.vendor.play(s)
	switch a.action {
	case "fetch":
		got = p.fetch(readCall[pluginpb.FetchRequest](p, a.exchange), a.most)
	case "subscribe":
		got = p.subscribe(a.exchange)
	default:
		got = p.begin(a).end()
	}
	got.act, got.script = a, s
	return got
}

// begun is an outbound call under way. Function end awaits its outcome.
type begun struct {
	id      uint64
	end     func() *outcome
	release func() // makes the vendor answer, if it holds the request
}

// begin starts an outbound call. The vendor goes on with its script.
func (p *probe) begin(a act) *begun {
	limit := cmp.Or(a.limit, callTimeout)
	call := p.deliverCall(a.exchange)
	if a.change != nil {
		a.change(call)
	}
	call.Timeout = durationpb.New(limit)
	results, err := p.subject.deliver.put(call)
	return &begun{id: call.GetId(), end: func() *outcome {
		var r *pluginpb.DeliverResult
		if err == nil {
			r, err = p.subject.deliver.wait(p.ctx, results[0], limit+grace)
		}
		if err != nil {
			return lost("%s", p.lose(a.String(), err))
		}
		return p.readDelivered(call.GetOpen() != nil, r)
	}}
}

// hold starts the main delivery, and returns when its request is there. The vendor holds this first request.
func (p *probe) hold() *begun {
	x, arrived := p.data.main("deliver"), make(chan struct{})
	released, release := context.WithCancel(p.ctx)
	p.vendor.play(&script{steps: x.steps, effect: firstOnly(func(w http.ResponseWriter, r *http.Request, s *step) {
		close(arrived)
		select {
		case <-released.Done():
			writeAnswer(w, r, s)
		case <-r.Context().Done():
		}
	})})
	b := p.begin(act{exchange: x})
	b.release = release
	select {
	case <-arrived:
	case <-time.After(callTimeout):
		release()
		p.require(false, "%s: the request with the effect was not made; see out.requests", x)
	case <-p.ctx.Done():
		runtime.Goexit()
	}
	return b
}

// other returns a probe of the same process with another vendor, which ends with the group.
func (p *probe) other() *probe {
	q := *p
	var err error
	if q.vendor, err = newVendor("127.0.0.1"); err != nil {
		p.abort(err)
	}
	p.others = append(p.others, &q)
	return &q
}

// authentic returns the first call of the test data that the adapter takes.
func (p *probe) authentic() *inbound {
	return once(p, "authentic", func() *inbound {
		for _, in := range p.data.in {
			if p.receive(in).accepted() {
				return in
			}
		}
		p.skip("no call of the test data is taken; see credentials.taken")
		return nil
	})
}

// examples returns the exchanges of an action whose golden outcome is a success.
func (p *probe) examples(action string) (out []*exchange) {
	for _, x := range p.data.out {
		if g := goldenOutcome(p.data.dir, x.name); x.action == action && g != nil && g.Error == nil {
			out = append(out, x)
		}
	}
	return out
}

// settle waits until a number is at most enough, or the time is over, and returns it.
func (p *probe) settle(number func() int, enough int) int {
	for deadline := time.Now().Add(settleTime); ; time.Sleep(20 * time.Millisecond) {
		if n := number(); n <= enough || time.Now().After(deadline) || p.ctx.Err() != nil {
			return n
		}
	}
}
