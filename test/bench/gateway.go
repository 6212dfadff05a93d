package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"patchbay/sandbox/gateway"
)

// subject is a program under measurement.
type subject struct {
	name string
	url  string // of its webhook
	pid  func() int
	stop func()

	gw *gateway.Gateway // nil for the forwarder
}

const gatewayConfig = `
listen: %s
admin: {listen: %q}
store: {dir: %q}
limits: {opened_per_minute: 0}
log: {level: error}
adapters:
  native: {command: %q}
  botwebhook: {command: %q}
channels:
  livechat:
    adapter: native
    role: customer
    owner: faq
    allow: [127.0.0.0/8]
    settings: {organization: bench, chatbot: bench, access_token: bench-token, reply_url: "%s/forwarded"}
  faq:
    adapter: botwebhook
    role: bot
    allow: [127.0.0.0/8]
    delivery: {concurrency: 256}
    settings: {base_url: "%s", api_key: bench-key, webhook_token: bench-token}
%s`

// startGateway starts the gateway of a folder of programs with an empty store and waits until it is ready. more is
// added to its configuration.
func startGateway(ctx context.Context, name, bin, sink, more string) (*subject, error) {
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
		defer release() // the gateway keeps the address
	}
	config := filepath.Join(dir, "config.yaml")
	text := fmt.Sprintf(gatewayConfig, addresses[0], addresses[1], filepath.Join(dir, "data"), filepath.Join(bin, "native"),
		filepath.Join(bin, "botwebhook"), sink, sink, more)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	gw := &gateway.Gateway{
		Bin: filepath.Join(bin, "patchbay"), Config: config, Env: os.Environ(), Admin: addresses[1], Output: os.Stderr,
	}
	s := &subject{
		name: name, url: "http://" + addresses[0] + "/mp/webhooks/native/messages/bench/bench", pid: gw.PID, gw: gw,
		stop: sync.OnceFunc(func() {
			gw.Kill()
			_ = os.RemoveAll(dir)
		}),
	}
	if err := gw.Start(ctx); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// cpu returns the CPU time that the program and its children have used.
func (s *subject) cpu() (sum time.Duration) {
	for _, p := range gateway.Family(s.pid()) {
		const clockOfProcess = 2 // CPUCLOCK_SCHED in clock_getcpuclockid(3); /proc counts in 10 ms only
		var used unix.Timespec
		if unix.ClockGettime(int32(^p.PID<<3|clockOfProcess), &used) == nil {
			sum += time.Duration(used.Nano())
		}
	}
	return sum
}

// printMemory prints the resident memory of the program and of each child.
func (s *subject) printMemory(when string) {
	for _, p := range gateway.Family(s.pid()) {
		fmt.Printf("memory_%s_%s_mb=%.1f\n", when, p.Name, float64(p.Memory())/(1<<20))
	}
}
