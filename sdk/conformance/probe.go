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
	shared  map[string]any // results that the checks of a group share
	others  []*probe       // with other vendors; closed after the group
	deaths  int            // of processes in the running group
	hangs   int            // of calls
	leftOut string         // why the rest of the group can't run
}

// expect adds a finding to the running check if ok is false. It returns ok.
func (p *probe) expect(ok bool, format string, args ...any) bool {
	if !ok {
		p.result.fail(fmt.Sprintf(format, args...))
	} else if p.result.Status == NotApplicable {
		p.result.Status = Pass
	}
	return ok
}

// require calls expect, and ends the running check if ok is false.
func (p *probe) require(ok bool, format string, args ...any) {
	if !p.expect(ok, format, args...) {
		runtime.Goexit()
	}
}

// skip ends the running check. If nothing was checked before, the check does not apply.
func (p *probe) skip(format string, args ...any) {
	if p.result.Status == NotApplicable {
		p.result.Findings = []string{fmt.Sprintf(format, args...)}
	}
	runtime.Goexit()
}

// abortIf ends the suite if there is an error, which is a fault of the test data or of this machine.
func (p *probe) abortIf(err error) {
	if err != nil {
		p.cancel(err)
		runtime.Goexit()
	}
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

// lose adds the finding that a call has no result, starts another process, and returns the text of err.
func (p *probe) lose(call string, err error) string {
	const maxDeaths, maxHangs = 5, 2 // in one group
	switch {
	case errors.Is(err, errDied):
		p.expect(false, "%s ended the process or its stream%s: recover from panics, and keep both streams open", call,
			outputEnd(&p.witness.output))
		p.deaths++
	case errors.Is(err, errHangs):
		p.expect(false, "%s has no result after its time was over: send a result before the timeout", call)
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
	p.require(err == nil, "configure channel %s: %v%s", c.GetName(), err, outputEnd(&p.witness.output))
	p.witness.inspect("an error of Configure", resp.GetError().GetText())
	return resp
}

func (p *probe) reset() { p.configure(p.config(p.subject.settings)) }

// call returns the gateway's call for a request. It signs the request as the vendor does, if it is not signed yet.
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

// receive makes an inbound call. what describes its difference from the test data.
func (p *probe) receive(in *inbound, what ...string) *received {
	r, err := p.receiveFrame(in)
	if err != nil {
		return &received{noResult: p.lose(strings.Join(append([]string{in.String()}, what...), " with "), err)}
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

// act is an exchange in which the vendor or the gateway differs from the test data.
type act struct {
	*exchange
	fault   *fault // of the request with the effect
	effect  reaction
	prepare reaction
	strict  bool
	limit   time.Duration // of the call; 0 means callTimeout
	change  func(*pluginpb.DeliverCall)
	most    int64  // maximum size of a fetched medium; see fetch
	what    string // describes the difference
}

func (a act) String() string {
	return strings.TrimSuffix(a.exchange.String()+" with "+a.what, " with ")
}

// perform makes the call of a.exchange, which the vendor follows. Without an exchange, it makes the main delivery.
func (p *probe) perform(a act) (got *outcome) {
	if a.exchange == nil {
		a.exchange = p.data.main("deliver")
	}
	if f := a.fault; f != nil {
		a.effect, a.limit, a.what = f.react(), f.Limit, f.What
	}
	s := &script{steps: a.steps, effect: a.effect, prepare: a.prepare, strict: a.strict}
	p.vendor.follow(s)
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

// pendingCall is an outbound call without a result so far. The function end waits for its outcome.
type pendingCall struct {
	id      uint64
	end     func() *outcome
	release func() // makes the vendor respond, if it holds the request
}

// begin starts an outbound call. The vendor keeps its present script.
func (p *probe) begin(a act) *pendingCall {
	limit := cmp.Or(a.limit, callTimeout)
	call := p.deliverCall(a.exchange)
	if a.change != nil {
		a.change(call)
	}
	call.Timeout = durationpb.New(limit)
	results, err := p.subject.deliver.put(call)
	return &pendingCall{id: call.GetId(), end: func() *outcome {
		var r *pluginpb.DeliverResult
		if err == nil {
			r, err = p.subject.deliver.wait(p.ctx, results[0], limit+grace)
		}
		if err != nil {
			return noResult("%s", p.lose(a.String(), err))
		}
		return p.readDelivered(call.GetOpen() != nil, r)
	}}
}

// hold starts the main delivery and returns when its request with the effect arrives. The vendor holds that request.
func (p *probe) hold() *pendingCall {
	x, arrived := p.data.main("deliver"), make(chan struct{})
	released, release := context.WithCancel(p.ctx)
	p.vendor.follow(&script{steps: x.steps, effect: onFirstRequest(func(w http.ResponseWriter, r *http.Request, s *step) {
		close(arrived)
		select {
		case <-released.Done():
			writeResponse(w, r, s)
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

// other returns a probe of the same process with another vendor. That vendor ends with the group.
func (p *probe) other() *probe {
	q := *p
	var err error
	q.vendor, err = newVendor("127.0.0.1")
	p.abortIf(err)
	p.others = append(p.others, &q)
	return &q
}

// authentic returns the first call of the test data that the adapter accepts.
func (p *probe) authentic() *inbound {
	return once(p, "authentic", func() *inbound {
		for _, in := range p.data.in {
			if p.receive(in).isAccepted() {
				return in
			}
		}
		p.skip("no call of the test data is accepted; see credentials.taken")
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

// settle waits until number returns at most enough, but no longer than settleTime. It returns the last number.
func (p *probe) settle(number func() int, enough int) int {
	for deadline := time.Now().Add(settleTime); ; time.Sleep(20 * time.Millisecond) {
		if n := number(); n <= enough || time.Now().After(deadline) || p.ctx.Err() != nil {
			return n
		}
	}
}
