package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

// rate is the load of the budgets, in messages a second.
const rate = 1000

type bench struct {
	*options
	dir       string
	sink      *process
	forwarder *process
	gateway   *process
	start     time.Duration
}

func newBench(ctx context.Context, o *options) (b *bench, err error) {
	b = &bench{options: o}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.dir, err = os.MkdirTemp("", "patchbay-bench-"); err != nil {
		return nil, err
	}
	if b.sink, err = part(ctx, "sink"); err != nil {
		return nil, err
	}
	if b.forwarder, err = part(ctx, "forwarder", "http://"+b.sink.addr+"/forwarded"); err != nil {
		return nil, err
	}
	b.gateway, b.start, err = gateway(ctx, o.bin, b.dir, b.sink.addr)
	return b, err
}

func (b *bench) close() {
	for _, p := range []*process{b.gateway, b.forwarder, b.sink} {
		if p != nil {
			p.stop()
		}
	}
	_ = os.RemoveAll(b.dir)
}

// run is one measurement of one of the pair.
type result struct {
	cpuPerMessage time.Duration
	perSecond     float64
	acceptP50     time.Duration
	acceptP99     time.Duration
	endP50        time.Duration
	endP99        time.Duration
}

func (b *bench) urls() (gateway, forwarder string) {
	return "http://" + b.gateway.addr + "/mp/webhooks/native/messages/bench/bench", "http://" + b.forwarder.addr + "/"
}

// one measures one program under one load: CPU time until everything has arrived, divided by what arrived.
func (b *bench) one(ctx context.Context, p *process, url string, load func(url string) sent) (result, error) {
	if err := resetSink(ctx, b.sink.addr); err != nil {
		return result{}, err
	}
	before := p.cpu()
	began := time.Now()
	s := load(url)
	if s.failed > 0 {
		return result{}, fmt.Errorf("%d of %d messages were not accepted: %w", s.failed, s.failed+s.count, s.err)
	}
	st, err := b.arrived(ctx, s.count)
	if err != nil {
		return result{}, err
	}
	used := p.cpu() - before
	return result{
		cpuPerMessage: used / time.Duration(st.Count), perSecond: float64(st.Count) / st.Last.Sub(began).Seconds(),
		acceptP50: quantile(s.latencies, .5), acceptP99: quantile(s.latencies, .99), endP50: st.P50, endP99: st.P99,
	}, nil
}

// arrived waits until the sink has counted n.
func (b *bench) arrived(ctx context.Context, n int) (stats, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		st, err := sinkStats(ctx, b.sink.addr)
		if err != nil {
			return st, fmt.Errorf("%d messages were accepted, not all arrived: %w", n, err)
		}
		if st.Count >= n {
			return st, nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return st, fmt.Errorf("%d messages were accepted, %d arrived within a minute", n, st.Count)
		}
	}
}

// measureAll prints everything.
func (b *bench) measureAll(ctx context.Context) error {
	fmt.Printf("start_to_ready_ms=%.0f\n", b.start.Seconds()*1000)
	for name, bytes := range b.gateway.memory() {
		fmt.Printf("memory_idle_%s_mb=%.1f\n", name, float64(bytes)/(1<<20))
	}
	gw, fw := b.urls()
	d := time.Duration(b.seconds) * time.Second
	warm := func(url string) sent { return saturate(ctx, url, b.users, b.workers, 3*time.Second) }
	for _, p := range []struct {
		p   *process
		url string
	}{{b.gateway, gw}, {b.forwarder, fw}} {
		if _, err := b.one(ctx, p.p, p.url, warm); err != nil {
			return fmt.Errorf("warm up: %w", err)
		}
	}
	loads := []struct {
		name string
		load func(url string) sent
	}{
		{"1000", func(url string) sent { return atRate(ctx, url, b.users, rate, d) }},
		{"saturation", func(url string) sent { return saturate(ctx, url, b.users, b.workers, d) }},
	}
	for _, l := range loads {
		var forwarder, gateway []result
		for range b.rounds {
			f, err := b.one(ctx, b.forwarder, fw, l.load)
			if err != nil {
				return fmt.Errorf("forwarder at %s: %w", l.name, err)
			}
			g, err := b.one(ctx, b.gateway, gw, l.load)
			if err != nil {
				return fmt.Errorf("gateway at %s: %w", l.name, err)
			}
			forwarder, gateway = append(forwarder, f), append(gateway, g)
		}
		print(l.name, median(forwarder), median(gateway))
	}
	if b.conversations > 0 {
		return b.manyConversations(ctx)
	}
	return nil
}

func print(name string, f, g result) {
	us := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 }
	fmt.Printf("cpu_us_per_message_forwarder_%s=%.1f\n", name, us(f.cpuPerMessage))
	fmt.Printf("cpu_us_per_message_gateway_%s=%.1f\n", name, us(g.cpuPerMessage))
	fmt.Printf("cpu_ratio_%s=%.2f\n", name, float64(g.cpuPerMessage)/float64(f.cpuPerMessage))
	fmt.Printf("messages_per_second_forwarder_%s=%.0f\n", name, f.perSecond)
	fmt.Printf("messages_per_second_gateway_%s=%.0f\n", name, g.perSecond)
	fmt.Printf("accept_p50_ms_%s=%.2f\naccept_p99_ms_%s=%.2f\n", name, ms(g.acceptP50), name, ms(g.acceptP99))
	fmt.Printf("end_to_end_p50_ms_%s=%.2f\nend_to_end_p99_ms_%s=%.2f\n", name, ms(g.endP50), name, ms(g.endP99))
}

// median takes the median of each figure by itself.
func median(list []result) result {
	mid := func(f func(r result) time.Duration) time.Duration {
		var all []time.Duration
		for _, r := range list {
			all = append(all, f(r))
		}
		return quantile(all, .5)
	}
	var rates []float64
	for _, r := range list {
		rates = append(rates, r.perSecond)
	}
	slices.Sort(rates)
	return result{
		cpuPerMessage: mid(func(r result) time.Duration { return r.cpuPerMessage }), perSecond: rates[(len(rates)-1)/2],
		acceptP50: mid(func(r result) time.Duration { return r.acceptP50 }), acceptP99: mid(func(r result) time.Duration { return r.acceptP99 }),
		endP50: mid(func(r result) time.Duration { return r.endP50 }), endP99: mid(func(r result) time.Duration { return r.endP99 }),
	}
}

// manyConversations opens conversations and measures memory with all of them live.
func (b *bench) manyConversations(ctx context.Context) error {
	gw, _ := b.urls()
	sofar, err := sinkStats(ctx, b.sink.addr)
	if err != nil {
		return err
	}
	if err := resetSink(ctx, b.sink.addr); err != nil {
		return err
	}
	opened := 0
	for opened < b.conversations {
		s := saturateOnce(ctx, gw, sofar.Opened+opened, min(b.conversations-opened, 10_000), b.workers)
		if s.failed > 0 {
			return fmt.Errorf("open conversations: %d failed: %w", s.failed, s.err)
		}
		opened += s.count
	}
	if _, err := b.arrived(ctx, opened); err != nil {
		return err
	}
	for name, bytes := range b.gateway.memory() {
		fmt.Printf("memory_%d_conversations_%s_mb=%.1f\n", sofar.Opened+opened, name, float64(bytes)/(1<<20))
	}
	return nil
}

// saturateOnce sends one message for each of n users, from first on.
func saturateOnce(ctx context.Context, url string, first, n, workers int) sent {
	jobs := make(chan int)
	results := make(chan sent, workers)
	for range workers {
		go func() {
			var s sent
			for user := range jobs {
				took, err := post(ctx, url, user, time.Now())
				s.note(took, err)
			}
			results <- s
		}()
	}
	for i := range n {
		jobs <- first + i
	}
	close(jobs)
	var all sent
	for range workers {
		s := <-results
		all.count, all.failed = all.count+s.count, all.failed+s.failed
		if s.err != nil {
			all.err = s.err
		}
	}
	return all
}
