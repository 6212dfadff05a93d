package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"patchbay/sandbox/gateway"
)

// process is a program that was started for the measurement.
type process struct {
	pid  int
	addr string
	stop func()
}

// startForwarder starts this program as the forwarder, which prints its address.
func startForwarder(target string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "forwarder", target)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop := func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return nil, fmt.Errorf("start the forwarder: %w", err)
	}
	return &process{cmd.Process.Pid, strings.TrimSpace(line), stop}, nil
}

const gatewayConfig = `
listen: %s
admin: {listen: %q}
store: {dir: %q}
limits: {opened_per_minute: 0}
log: {level: warn}
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
`

// startGateway starts the built gateway with an empty store and waits until it is ready. start is the time from exec to
// ready.
func startGateway(ctx context.Context, bin, dir, sink string) (p *process, start time.Duration, err error) {
	if bin, err = filepath.Abs(bin); err != nil {
		return nil, 0, err
	}
	var addresses [2]string
	for i := range addresses {
		var release func()
		if addresses[i], release, err = gateway.FreeAddress(); err != nil {
			return nil, 0, err
		}
		defer release() // the gateway keeps the address
	}
	config := filepath.Join(dir, "config.yaml")
	native, botwebhook := filepath.Join(bin, "native"), filepath.Join(bin, "botwebhook")
	text := fmt.Sprintf(gatewayConfig, addresses[0], addresses[1], filepath.Join(dir, "data"), native, botwebhook, sink, sink)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, 0, err
	}
	gw := &gateway.Gateway{
		Bin: filepath.Join(bin, "patchbay"), Config: config, Env: os.Environ(), Admin: addresses[1], Output: os.Stderr,
	}
	began := time.Now()
	if err := gw.Start(ctx); err != nil {
		gw.Kill()
		return nil, 0, err
	}
	start = time.Since(began)
	return &process{gw.PID(), addresses[0], sync.OnceFunc(func() {
		ending, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := gw.Stop(ending); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
		gw.Kill()
	})}, start, nil
}

// cpu returns the CPU time that the process and its children have used.
func (p *process) cpu() time.Duration {
	var sum time.Duration
	for _, one := range gateway.Family(p.pid) {
		sum += one.CPU
	}
	return sum
}

// printMemory prints the resident memory of the process and of each child.
func (p *process) printMemory(when string) {
	for _, one := range gateway.Family(p.pid) {
		fmt.Printf("memory_%s_%s_mb=%.1f\n", when, one.Name, float64(one.Memory())/(1<<20))
	}
}

// cpuModel returns the name of the machine's CPU.
func cpuModel() string {
	data, _ := os.ReadFile("/proc/cpuinfo") // empty on other systems
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func kernel() string {
	data, _ := os.ReadFile("/proc/sys/kernel/osrelease") // empty on other systems
	return strings.TrimSpace(string(data))
}
