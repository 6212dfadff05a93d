package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// figures contains the results of one measurement, by name.
type figures map[string]float64

// bench contains the programs that are measured with one sink.
type bench struct {
	sink      *sink
	forwarder *subject
	gateways  []*subject
}

// Names of figures.
const (
	cpuPer    = "cpu_us_per_message"
	perSecond = "messages_per_second" // messages that arrived before the end of the load
	acceptP50 = "accept_p50_ms"
	acceptP99 = "accept_p99_ms"
	endP50    = "end_to_end_p50_ms"
	endP99    = "end_to_end_p99_ms"
)

// figureNames lists the figures in the order in which they are printed.
var figureNames = []string{cpuPer, perSecond, acceptP50, acceptP99, endP50, endP99}

// newBench starts the sink and the forwarder, and warms up the forwarder.
func newBench(ctx context.Context) (*bench, error) {
	b := &bench{sink: newSink()}
	var err error
	if b.forwarder, err = startForwarder(b.sink.URL + "/forwarded"); err == nil {
		err = b.warm(ctx, b.forwarder)
	}
	if err != nil {
		b.close()
	}
	return b, err
}

func (b *bench) warm(ctx context.Context, s *subject) error {
	_, err := b.measure(ctx, s, saturate(*senders, 2*time.Second))
	return err
}

func (b *bench) close() {
	for _, s := range append(b.gateways, b.forwarder) {
		if s != nil {
			s.stop()
		}
	}
	b.sink.CloseClientConnections() // also ends the hanging calls
	b.sink.Close()
}

// measure runs a load on one program, waits until all messages have arrived, and returns the figures.
func (b *bench) measure(ctx context.Context, s *subject, run load) (figures, error) {
	b.sink.reset()
	before := s.cpu()
	out := run(ctx, s)
	if out.err != nil {
		return nil, fmt.Errorf("%s: a message was not accepted: %w", s.name, out.err)
	}
	arrivals, err := b.sink.await(ctx, out)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	cpu := s.cpu() - before
	s.messages += len(arrivals)
	var ages []time.Duration
	inTime := 0 // number of messages that arrived before the end of the load
	for _, a := range arrivals {
		ages = append(ages, a.at.Sub(a.due))
		if a.at.Sub(out.began) <= out.length {
			inTime++
		}
	}
	return figures{
		cpuPer:    float64(cpu.Nanoseconds()) / 1000 / float64(len(arrivals)),
		perSecond: float64(inTime) / out.length.Seconds(),
		acceptP50: quantile(out.latencies, .5), acceptP99: quantile(out.latencies, .99),
		endP50: quantile(ages, .5), endP99: quantile(ages, .99), "end_to_end_max_ms": quantile(ages, 1),
		"accepted": float64(len(out.latencies)), "refused": float64(out.refused),
	}, nil
}

// alternate measures all programs in each round, in a different order each time. It returns the figures of each round
// by program.
func (b *bench) alternate(ctx context.Context, run load, subjects ...*subject) (map[string][]figures, error) {
	out := map[string][]figures{}
	for round := range *rounds {
		turn := round % len(subjects)
		order := slices.Concat(subjects[turn:], subjects[:turn])
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, s := range order {
			f, err := b.measure(ctx, s, run)
			if err != nil {
				return nil, err
			}
			out[s.name] = append(out[s.name], f)
		}
	}
	return out, nil
}

// overload is a load with four times as many senders as saturation. The sink does not respond before hold has passed.
// The figures are those of the remaining time.
func (b *bench) overload(d, hold time.Duration) load {
	return func(ctx context.Context, s *subject) *loadResult {
		b.sink.blockedUntil.Store(time.Now().Add(hold).UnixNano())
		out := saturate(4**senders, d)(ctx, s)
		out.began, out.length = out.began.Add(hold), out.length-hold
		return out
	}
}

// loadNamed returns the load of a name: saturation, overload, or a number of messages per second.
func (b *bench) loadNamed(name string, d time.Duration) (load, error) {
	switch name {
	case "saturation":
		return saturate(*senders, d), nil
	case "overload":
		return b.overload(2*d, d/2), nil
	}
	rate, err := strconv.Atoi(name)
	if err != nil || rate < 1 {
		return nil, fmt.Errorf("load %q: use saturation, overload or a number of messages per second", name)
	}
	return atRate(rate, d), nil
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
	return ms(sorted[int(q*float64(len(sorted)-1))])
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }
