package adaptertest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"patchbay/sdk/protocol/pluginpb"
)

// What a process may hold more after many calls than after some: connections that wait for the next call, and threads
// that the runtime keeps.
const (
	moreGoroutines  = 12
	moreDescriptors = 8
	moreThreads     = 12
	settleTime      = 5 * time.Second
	warmUpRounds    = 100
	leakRounds      = 300
)

// checkResources makes calls that go well and calls that do not, and compares what the process holds.
func checkResources(x *exam) {
	goroutines := x.assert("resources.goroutines", "no goroutine is left behind")
	descriptors := x.assert("resources.descriptors", "no descriptor is left open")
	threads := x.assert("resources.threads", "no thread is left behind")
	children := x.assert("resources.children", "no process is left behind")
	all := []*Assertion{goroutines, descriptors, threads, children}
	if err := x.disturbedRounds(warmUpRounds); err != nil {
		goroutines.failf("%v", err)
		return
	}
	before, ok := usageOf(x.prog.process.pid())
	goBefore, hasGo := x.goroutines()
	if err := x.disturbedRounds(leakRounds); err != nil {
		goroutines.failf("%v", err)
		return
	}
	if !hasGo {
		goroutines.skip("its metrics have no go_goroutines")
	} else {
		n := x.settle(func() int { n, _ := x.goroutines(); return n }, goBefore+moreGoroutines)
		goroutines.check(n <= goBefore+moreGoroutines,
			"%d goroutines after %d calls, %d before: end what a call starts when it ends", n,
			leakRounds, goBefore)
	}
	if !ok {
		for _, a := range all[1:] {
			a.skip("this system does not tell")
		}
		return
	}
	pid := x.prog.process.pid()
	n := x.settle(func() int { u, _ := usageOf(pid); return u.descriptors }, before.descriptors+moreDescriptors)
	descriptors.check(n <= before.descriptors+moreDescriptors,
		"%d descriptors after %d calls, %d before: close bodies of answers, also of "+
			"refused calls", n, leakRounds, before.descriptors)
	n = x.settle(func() int { u, _ := usageOf(pid); return u.threads }, before.threads+moreThreads)
	threads.check(n <= before.threads+moreThreads, "%d threads after %d calls, %d before", n, leakRounds, before.threads)
	n = x.settle(func() int { u, _ := usageOf(pid); return len(u.children) }, len(before.children))
	children.check(n <= len(before.children), "%d child processes after %d calls, %d before: wait for what you start", n,
		leakRounds,
		len(before.children))
}

// settle waits until a number is at most enough, or settleTime is over, and returns it.
func (x *exam) settle(number func() int, enough int) int {
	deadline := time.NewTimer(settleTime)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		n := number()
		if n <= enough {
			return n
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return n
		case <-x.ctx.Done():
			return n
		}
	}
}

// disturbedRounds makes calls in both directions, with faults among them.
func (x *exam) disturbedRounds(n int) error {
	ex := x.data.main("deliver")
	disturbances := []disturbance{nil, resets, answers(500, page), truncates, answers(429, "{}"), nil}
	for i := range n {
		if len(x.data.in) > 0 && x.able("receive") {
			in := x.data.in[i%len(x.data.in)]
			if i%5 == 4 {
				in = in.with(in.body[:len(in.body)/2])
			}
			if _, err := x.receive(in); lost(err) {
				return fmt.Errorf("in/%s.http: %w", in.name, err)
			}
		}
		if ex == nil || !x.able("deliver") {
			continue
		}
		stage := newStage(ex, false)
		stage.effect = disturbances[i%len(disturbances)]
		limit := callTimeout
		if i%25 == 24 {
			stage.effect, limit = silence, shortTimeout/10
		}
		x.vendor.play(stage)
		if _, err := x.perform(ex, limit); lost(err) {
			return fmt.Errorf("out/%s.http: %w", ex.name, err)
		}
	}
	return nil
}

// goroutines returns how many the adapter has, if its metrics say so.
func (x *exam) goroutines() (int, bool) {
	n, ok := x.metric("go_goroutines")
	return int(n), ok
}

// metric returns the value of a metric without labels, if the adapter has it.
func (x *exam) metric(name string) (float64, bool) {
	text, err := x.metrics()
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return f, err == nil
		}
	}
	return 0, false
}

func (x *exam) metrics() (string, error) {
	ctx, cancel := context.WithTimeout(x.ctx, callTimeout)
	defer cancel()
	resp, err := x.prog.rpc.CollectMetrics(ctx, &pluginpb.CollectMetricsRequest{})
	if err != nil {
		return "", fmt.Errorf("collect metrics: %w", err)
	}
	x.witness.hear("the metrics", string(resp.GetText()))
	return string(resp.GetText()), nil
}
