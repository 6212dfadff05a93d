package main

import (
	"context"
	_ "embed"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"patchbay/sandbox/gateway"
)

// subject is a program to measure: a gateway or the forwarder.
type subject struct {
	name  string
	url   string // of its webhook
	users int    // number of customers
	pid   func() int
	stop  func()

	padding    int              // number of spaces in each text
	idle       chan connection  // unused connections
	gw         *gateway.Gateway // nil for the forwarder
	started    time.Duration    // from its start until it was ready
	idleMemory float64          // in MB, when it was ready
	messages   int              // number of accepted messages
}

//go:embed gateway.yaml
var gatewayConfig string

// start starts the gateway in a folder of programs with an empty store, waits until it is ready, and warms it up. more
// is added to the configuration, env to the environment.
func (b *bench) start(ctx context.Context, name, bin, more string, env ...string) (*subject, error) {
	dir, err := os.MkdirTemp("", "patchbay-bench-")
	if err != nil {
		return nil, err
	}
	if bin, err = filepath.Abs(bin); err != nil {
		return nil, err
	}
	var addresses [2]string
	for i := range addresses {
		var release func()
		if addresses[i], release, err = gateway.FreeAddress(); err != nil {
			return nil, err
		}
		defer release() // then the gateway listens on the address
	}
	config := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(config, []byte(gatewayConfig+more), 0o600); err != nil {
		return nil, err
	}
	env = slices.Concat(os.Environ(), env, []string{
		"PATCHBAY_LISTEN=" + addresses[0], "PATCHBAY_ADMIN__LISTEN=" + addresses[1],
		"PATCHBAY_STORE__DIR=" + filepath.Join(dir, "data"), "BENCH_SINK=" + b.sink.URL,
		"PATCHBAY_ADAPTERS__NATIVE__COMMAND=" + filepath.Join(bin, "native"),
		"PATCHBAY_ADAPTERS__BOTWEBHOOK__COMMAND=" + filepath.Join(bin, "botwebhook"),
	})
	gw := &gateway.Gateway{
		Bin: filepath.Join(bin, "patchbay"), Config: config, Env: env, Admin: addresses[1], Output: os.Stderr,
	}
	s := &subject{
		name: name, url: "http://" + addresses[0] + "/mp/webhooks/native/messages/bench/bench", users: *users,
		idle: make(chan connection, maxIdle), pid: gw.PID, gw: gw,
		stop: sync.OnceFunc(func() {
			gw.Kill()
			_ = os.RemoveAll(dir)
		}),
	}
	b.gateways = append(b.gateways, s)
	if s.started, _, err = s.start(ctx); err != nil {
		return nil, err
	}
	s.idleMemory = s.memory()
	return s, b.warm(ctx, s)
}

// start starts the gateway. It returns the durations until the gateway is ready and until it accepts a message.
func (s *subject) start(ctx context.Context) (ready, accepting time.Duration, err error) {
	began := time.Now()
	if err := s.gw.Launch(); err != nil {
		return 0, 0, err
	}
	accepted := make(chan time.Duration, 1)
	go func() { accepted <- s.probe(ctx, 5*time.Millisecond).Sub(began) }()
	err = s.gw.AwaitReady(ctx)
	return time.Since(began), <-accepted, err
}

// probe sends a message repeatedly until it is accepted, and returns the time of the acceptance.
func (s *subject) probe(ctx context.Context, interval time.Duration) time.Time {
	for id := lastMessageID.Add(1); s.gw.Running() && ctx.Err() == nil; time.Sleep(interval) {
		if wait, err := s.request(message(id, position{user: probe, due: time.Now()}, 0)); wait == 0 && err == nil {
			break
		}
	}
	return time.Now()
}

// memory returns the resident memory of the gateway in MB.
func (s *subject) memory() float64 {
	return float64(gateway.ProcessTree(s.pid())[0].ResidentMemory()) / (1 << 20)
}

// cpu returns the CPU time that the program and its plugin processes have used.
func (s *subject) cpu() (sum time.Duration) {
	for _, p := range gateway.ProcessTree(s.pid()) {
		const clockOfProcess = 2 // CPUCLOCK_SCHED, as in clock_getcpuclockid(3); the resolution of /proc is only 10 ms
		var used unix.Timespec
		if unix.ClockGettime(int32(^p.PID<<3|clockOfProcess), &used) == nil {
			sum += time.Duration(used.Nano())
		}
	}
	return sum
}
