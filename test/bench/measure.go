package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

const rate = 1000 // messages per second, at which the budgets apply

type bench struct {
	dir       string
	sink      *sink
	forwarder *process
	gateway   *process
	start     time.Duration
}

func newBench(ctx context.Context) (b *bench, err error) {
	b = &bench{sink: newSink()}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.dir, err = os.MkdirTemp("", "patchbay-bench-"); err != nil {
		return nil, err
	}
	if b.forwarder, err = startForwarder(b.sink.URL + "/forwarded"); err != nil {
		return nil, err
	}
	b.gateway, b.start, err = startGateway(ctx, *bin, b.dir, b.sink.URL)
	return b, err
}

func (b *bench) close() {
	for _, p := range []*process{b.gateway, b.forwarder} {
		if p != nil {
			p.stop()
		}
	}
	b.sink.Close()
	_ = os.RemoveAll(b.dir)
}

// figures are the results of one measurement, by name.
type figures map[string]float64

func (b *bench) urls() (gateway, forwarder string) {
	return "http://" + b.gateway.addr + "/mp/webhooks/native/messages/bench/bench", "http://" + b.forwarder.addr + "/"
}

// one measures one program under one load. cpu_us is the CPU time per message, until all messages have arrived.
func (b *bench) one(ctx context.Context, p *process, url string, load func(url string) *sent) (figures, error) {
	b.sink.reset()
	before := p.cpu()
	began := time.Now()
	s := load(url)
	if s.failed > 0 {
		return nil, fmt.Errorf("%d of %d messages were not accepted: %w", s.failed, s.failed+s.count, s.err)
	}
	arrived, last, err := b.sink.await(ctx, s.count)
	if err != nil {
		return nil, err
	}
	return figures{
		"cpu_us":     float64((p.cpu() - before).Nanoseconds()) / 1000 / float64(len(arrived)),
		"per_second": float64(len(arrived)) / last.Sub(began).Seconds(),
		"accept_p50": ms(quantile(s.latencies, .5)), "accept_p99": ms(quantile(s.latencies, .99)),
		"end_p50": ms(quantile(arrived, .5)), "end_p99": ms(quantile(arrived, .99)),
	}, nil
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }

// measureAll makes all measurements and prints the results.
func (b *bench) measureAll(ctx context.Context) error {
	fmt.Printf("start_to_ready_ms=%.0f\n", b.start.Seconds()*1000)
	b.gateway.printMemory("idle")
	gw, fw := b.urls()
	d := time.Duration(*seconds) * time.Second
	warm := func(url string) *sent { return saturate(ctx, url, *users, *workers, 3*time.Second) }
	for url, p := range map[string]*process{gw: b.gateway, fw: b.forwarder} {
		if _, err := b.one(ctx, p, url, warm); err != nil {
			return fmt.Errorf("warm up: %w", err)
		}
	}
	loads := []struct {
		name string
		load func(url string) *sent
	}{
		{"1000", func(url string) *sent { return atRate(ctx, url, *users, rate, d) }},
		{"saturation", func(url string) *sent { return saturate(ctx, url, *users, *workers, d) }},
	}
	for _, l := range loads {
		var forwarder, gateway []figures
		for range *rounds {
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
	if *conversations > 0 {
		return b.manyConversations(ctx)
	}
	return nil
}

// print prints the figures of one load of the forwarder and the gateway.
func print(load string, f, g figures) {
	fmt.Printf("cpu_us_per_message_forwarder_%s=%.1f\n", load, f["cpu_us"])
	fmt.Printf("cpu_us_per_message_gateway_%s=%.1f\n", load, g["cpu_us"])
	fmt.Printf("cpu_ratio_%s=%.2f\n", load, g["cpu_us"]/f["cpu_us"])
	fmt.Printf("messages_per_second_forwarder_%s=%.0f\n", load, f["per_second"])
	fmt.Printf("messages_per_second_gateway_%s=%.0f\n", load, g["per_second"])
	fmt.Printf("accept_p50_ms_%s=%.2f\naccept_p99_ms_%s=%.2f\n", load, g["accept_p50"], load, g["accept_p99"])
	fmt.Printf("end_to_end_p50_ms_%s=%.2f\nend_to_end_p99_ms_%s=%.2f\n", load, g["end_p50"], load, g["end_p99"])
}

func median(rounds []figures) figures {
	out := figures{}
	for name := range rounds[0] {
		var all []float64
		for _, r := range rounds {
			all = append(all, r[name])
		}
		slices.Sort(all)
		out[name] = all[(len(all)-1)/2]
	}
	return out
}

// manyConversations opens conversations and measures memory with all of them live.
func (b *bench) manyConversations(ctx context.Context) error {
	gw, _ := b.urls()
	before := b.sink.reset()
	out := send(ctx, gw, *workers, func(i int) (user int, more bool) { return before + i, i < *conversations })
	if out.failed > 0 {
		return fmt.Errorf("open conversations: %d failed: %w", out.failed, out.err)
	}
	if _, _, err := b.sink.await(ctx, out.count); err != nil {
		return err
	}
	b.gateway.printMemory(fmt.Sprintf("%d_conversations", before+out.count))
	return nil
}
