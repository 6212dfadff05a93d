package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// figures are the results of one measurement, by name.
type figures map[string]float64

// bench has the programs that are measured in turn, with one sink.
type bench struct {
	sink     *sink
	subjects []*subject
}

// names are the figures that are printed, in this order.
var names = []string{
	"cpu_us_per_message", "messages_per_second", "accept_p50_ms", "accept_p99_ms", "end_to_end_p50_ms", "end_to_end_p99_ms",
}

// newBench starts the forwarder.
func newBench() (*bench, error) {
	b := &bench{sink: newSink()}
	f, err := startForwarder(b.sink.URL + "/forwarded")
	if err != nil {
		b.close()
		return nil, err
	}
	f.name = "forwarder"
	b.subjects = append(b.subjects, f)
	return b, nil
}

// start starts a gateway and measures it with the others from now on.
func (b *bench) start(ctx context.Context, name, bin, config string) error {
	s, err := startGateway(ctx, name, bin, b.sink.URL, config)
	if err == nil {
		b.subjects = append(b.subjects, s)
		_, err = b.one(ctx, s, saturate(*users, *senders, 2*time.Second)) // to warm up
	}
	return err
}

func (b *bench) close() {
	for _, s := range b.subjects {
		s.stop()
	}
	b.sink.Close()
}

// one measures one program under one load, until all messages have arrived.
func (b *bench) one(ctx context.Context, s *subject, run load) (figures, error) {
	b.sink.reset()
	before := s.cpu()
	out := run(ctx, s.url)
	if out.err != nil {
		return nil, fmt.Errorf("%s: a message was not accepted: %w", s.name, out.err)
	}
	arrivals, err := b.sink.await(ctx, out)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	cpu := s.cpu() - before
	var ages []time.Duration
	inTime := 0 // arrived while the load lasted
	for _, a := range arrivals {
		ages = append(ages, a.at.Sub(a.due))
		if a.at.Sub(out.began) <= out.length {
			inTime++
		}
	}
	return figures{
		"cpu_us_per_message":  float64(cpu.Nanoseconds()) / 1000 / float64(len(arrivals)),
		"messages_per_second": float64(inTime) / out.length.Seconds(),
		"accept_p50_ms":       quantile(out.latencies, .5), "accept_p99_ms": quantile(out.latencies, .99),
		"end_to_end_p50_ms": quantile(ages, .5), "end_to_end_p99_ms": quantile(ages, .99), "end_to_end_max_ms": quantile(ages, 1),
		"accepted": float64(len(out.latencies)), "refused": float64(out.refused),
	}, nil
}

// alternate measures each program in each round, in another order each time. The result has the rounds by program.
func (b *bench) alternate(ctx context.Context, rounds int, run load) (map[string][]figures, error) {
	out := map[string][]figures{}
	for round := range rounds {
		turn := round % len(b.subjects)
		order := slices.Concat(b.subjects[turn:], b.subjects[:turn])
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, s := range order {
			f, err := b.one(ctx, s, run)
			if err != nil {
				return nil, err
			}
			out[s.name] = append(out[s.name], f)
		}
	}
	return out, nil
}

// loadNamed returns the load of a name: saturation, overload, or a number of messages per second.
func loadNamed(name string, d time.Duration) (load, error) {
	switch name {
	case "saturation":
		return saturate(*users, *senders, d), nil
	case "overload":
		return saturate(*users, 4**senders, 2*d), nil
	}
	rate, err := strconv.Atoi(name)
	if err != nil || rate < 1 {
		return nil, fmt.Errorf("load %q: use saturation, overload or a number of messages per second", name)
	}
	return atRate(*users, rate, d), nil
}

// values returns one figure of all rounds, sorted.
func values(rounds []figures, name string) []float64 {
	var out []float64
	for _, r := range rounds {
		out = append(out, r[name])
	}
	slices.Sort(out)
	return out
}

func median(rounds []figures, name string) float64 {
	all := values(rounds, name)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// quantile returns a quantile in milliseconds, 0 if the list is empty.
func quantile(list []time.Duration, q float64) float64 {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[int(q*float64(len(sorted)-1))].Seconds() * 1000
}
