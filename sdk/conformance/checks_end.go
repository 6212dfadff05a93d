package conformance

import (
	"bytes"
	"context"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

var endChecks = map[string]func(*probe){
	"drain.finishes": func(p *probe) {
		d := p.drain()
		p.expect(d.held.isSuccess(), "the call gave %s", d.held)
	},
	"drain.refuses": func(p *probe) {
		got := p.drain().late
		p.expect(got.kind() == "transient", "%s after Drain, a new call gave %s, expected transient", soon, got)
	},
	"drain.reports": func(p *probe) {
		d := p.drain()
		p.expect(d.took >= 0, "Drain returned while a call was under way")
		p.expect(d.err == nil && d.running == 0, "Drain gave %d running calls, error %v", d.running, d.err)
		p.expect(d.took <= soon, "Drain returned %s after the vendor had responded", d.took.Round(time.Millisecond))
	},
	"exit.shutdown": func(p *probe) {
		p.work()
		p.expect(p.subject.shutdown(2*time.Second), "the process still ran 2s after it was shut down")
	},
	"exit.sigterm": func(p *probe) {
		p.work()
		_ = syscall.Kill(p.subject.cmd.Process.Pid, syscall.SIGTERM)
		p.expect(p.subject.endsWithin(2*endTimeout), "the process still ran %s after SIGTERM", 2*endTimeout)
	},
	"exit.orphans": func(p *probe) {
		p.work()
		u, _ := usageOf(p.subject.cmd.Process.Pid)
		p.subject.shutdown(2 * time.Second)
		left := func() (n int) {
			u.children = slices.DeleteFunc(u.children, func(pid int) bool { _, ok := usageOf(pid); return !ok })
			return len(u.children)
		}
		p.expect(p.settle(left, 0) == 0, "child processes still ran after the end of the process")
		for _, pid := range u.children {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	},
	"exit.alone": func(p *probe) {
		_, ended := runFor(endTimeout, command(p.o, p.subject.dir, "1"))
		p.expect(ended, "with another parent in %s, the process still ran after %s", protocol.ParentEnv, endTimeout)
	},
	"exit.by-hand": func(p *probe) {
		cmd := exec.Command(p.o.Command, p.o.Args...)
		var out, errs bytes.Buffer
		cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = p.o.Env, &out, &errs, pipeGrace
		code, _ := runFor(endTimeout, cmd)
		p.expect(code == 1 && strings.TrimSpace(errs.String()) != "" && out.Len() == 0,
			"it ended with %d, %d bytes on stdout and %d on stderr", code, out.Len(), errs.Len())
	},
	"secrets.printed": func(p *probe) {
		p.witness.inspect("the output", p.witness.output.String())
		p.expectNoLeak(&p.witness.leaked, "the output")
	},
	"secrets.errors":    func(p *probe) { p.expectNoLeak(&p.witness.leaked, "an error", "a problem", "a receipt") },
	"secrets.envelopes": func(p *probe) { p.expectNoLeak(&p.witness.leaked, "an envelope", "a response") },
	"secrets.metrics": func(p *probe) {
		p.work()
		_, err := p.metrics()
		p.expect(err == nil, "CollectMetrics returned an error: %v", err)
		p.expectNoLeak(&p.witness.leaked, "the metrics")
	},
	"secrets.text": func(p *probe) {
		p.sayCustomerText()
		time.Sleep(pipeGrace) // output may still be in a pipe
		p.witness.inspect("the output", p.witness.output.String())
		p.expectNoLeak(&p.witness.exposed, "the output", "an error")
	},
}

// drainResult is the result of a Drain during a call.
type drainResult struct {
	held, late *outcome
	running    int32
	err        error
	took       time.Duration // from the vendor's response to the held request until Drain returned
}

// drain drains the process, during a delivery if the adapter delivers, and then replaces it, once for the group.
func (p *probe) drain() *drainResult {
	return once(p, "drained", func() *drainResult {
		defer p.restart()
		d, ended := &drainResult{late: new(outcome)}, make(chan time.Time, 1)
		var held *pendingCall
		if delivers(p) {
			held = p.hold()
		}
		go func() {
			ctx, cancel := context.WithTimeout(p.ctx, 4*soon)
			defer cancel()
			var resp *pluginpb.DrainResponse
			resp, d.err = p.subject.rpc.Drain(ctx, &pluginpb.DrainRequest{Timeout: durationpb.New(3 * soon)})
			d.running = resp.GetRunning()
			ended <- time.Now()
		}()
		began := time.Now()
		if held != nil {
			for d.late.kind() != "transient" && time.Since(began) < soon { // until Drain has taken effect
				d.late = p.begin(act{exchange: p.data.main("deliver"), limit: shortTimeout}).end()
			}
			began = time.Now()
			held.release()
			d.held = held.end()
		}
		d.took = (<-ended).Sub(began)
		return d
	})
}

// resources are counted before and after many calls. more is the allowed growth, for example for idle connections.
var resources = []struct {
	name string
	more int
}{{"goroutines", 12}, {"descriptors", 8}, {"threads", 12}, {"children", 0}}

// countResources returns the number of each of the resources, 0 if it is not known.
func (p *probe) countResources() []int {
	goroutines, _ := p.metric("go_goroutines")
	u, _ := usageOf(p.subject.cmd.Process.Pid)
	return []int{int(goroutines), u.descriptors, u.threads, len(u.children)}
}

func (p *probe) expectFreed(i int) {
	const warm, calls = 100, 300
	r, before := resources[i], once(p, "resources", func() []int {
		p.makeMixedCalls(warm)
		defer p.makeMixedCalls(calls)
		return p.countResources()
	})
	if known := before[min(i, 2)] > 0; !known {
		p.skip("the number of %s is not known", r.name)
	}
	n := p.settle(func() int { return p.countResources()[i] }, before[i]+r.more)
	p.expect(n <= before[i]+r.more, "%d %s after %d calls, %d before", n, r.name, calls, before[i])
}

func (p *probe) makeMixedCalls(calls int) {
	reactions := []reaction{nil, resetConn, respond(500, "", nil), truncate, respond(429, "{}", nil), nil}
	for i := range calls {
		if receives(p) {
			in := p.data.in[i%len(p.data.in)]
			if i%5 == 4 {
				in = in.withBody(in.body[:len(in.body)/2])
			}
			p.receive(in)
		}
		if delivers(p) {
			a := act{effect: reactions[i%len(reactions)]}
			if i%25 == 24 {
				a.effect, a.limit = neverRespond, shortTimeout/10
			}
			p.perform(a)
		}
	}
}

func (p *probe) metrics() (string, error) {
	resp, err := p.subject.rpc.CollectMetrics(p.ctx, &pluginpb.CollectMetricsRequest{})
	p.witness.inspect("the metrics", string(resp.GetText()))
	return string(resp.GetText()), err
}

func (p *probe) work() {
	for _, in := range p.data.in {
		p.receive(in)
	}
	if delivers(p) {
		p.perform(act{})
	}
}

// runFor runs a program, and returns its exit code and whether it ended within d.
func runFor(d time.Duration, cmd *exec.Cmd) (code int, ended bool) {
	if cmd.Start() != nil {
		return -1, false
	}
	late := time.AfterFunc(d, func() { _ = cmd.Process.Kill() })
	_ = cmd.Wait() // ProcessState has the result
	return cmd.ProcessState.ExitCode(), late.Stop()
}

// customerText is the text of customers that is searched for in logs and errors.
const customerText = "conformance-customer-says-4711"

// sayCustomerText sends a customer's text in both directions, also in calls that fail.
func (p *probe) sayCustomerText() {
	for _, in := range p.data.in {
		for _, e := range p.receive(in).Envelopes {
			members("", in.tree(), func(path string, v any) {
				if text := e.Text(); text != "" && v == any(text) {
					spoken := in.withMember(path, customerText)
					p.receive(spoken)
					p.receive(spoken.withBody(spoken.body[:len(spoken.body)-1]))
					p.receive(spoken.withHeader("Content-Type", "text/plain"))
				}
			})
		}
	}
	change := func(c *pluginpb.DeliverCall) { setTexts(c, customerText, "") }
	faults := []reaction{nil, respond(400, "{}", nil), respond(500, "{}", nil), respond(0, "x", nil), truncate, resetConn}
	for i := 0; i < len(faults) && delivers(p); i++ {
		p.perform(act{effect: faults[i], change: change})
	}
}

// expectNoLeak expects that none of the places begins with one of prefixes.
func (p *probe) expectNoLeak(places *[]string, prefixes ...string) {
	p.witness.mu.Lock()
	defer p.witness.mu.Unlock()
	for _, place := range *places {
		private := slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(place, prefix) })
		p.expect(!private, "a secret or a customer's text is in %s", place)
	}
	p.expect(true, "")
}
