package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a program that was started for the measurement.
type process struct {
	cmd  *exec.Cmd
	addr string
}

// part starts a part of this program and reads its address.
func part(ctx context.Context, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("start %v: %w", args, err)
	}
	return &process{cmd, strings.TrimSpace(line)}, nil
}

const gatewayConfig = `
listen: 127.0.0.1:0
admin: {listen: "127.0.0.1:0"}
store: {dir: %q}
limits: {opened_per_minute: 0}
log: {format: json}
adapters:
  native: {command: %q}
  botwebhook: {command: %q}
channels:
  livechat:
    adapter: native
    role: customer
    owner: faq
    allow: [127.0.0.0/8]
    settings: {organization: bench, chatbot: bench, access_token: bench-token, reply_url: "http://%s/forwarded"}
  faq:
    adapter: botwebhook
    role: bot
    allow: [127.0.0.0/8]
    delivery: {concurrency: 256}
    settings: {base_url: "http://%s", api_key: bench-key, webhook_token: bench-token}
`

// gateway starts the built gateway with a fresh store and waits until it is ready. Start is the time from exec
// to the first accepted request being possible.
func gateway(ctx context.Context, bin, dir, sink string) (p *process, start time.Duration, err error) {
	abs, err := filepath.Abs(bin)
	if err != nil {
		return nil, 0, err
	}
	config := filepath.Join(dir, "config.yaml")
	text := fmt.Sprintf(gatewayConfig, filepath.Join(dir, "data"), filepath.Join(abs, "native"), filepath.Join(abs, "botwebhook"), sink, sink)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, 0, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(abs, "patchbay"), "run", "-c", config)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StderrPipe()
	if err != nil {
		return nil, 0, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	lines := bufio.NewScanner(out)
	var last string
	for lines.Scan() {
		last = lines.Text()
		var entry struct{ Msg, Listen string }
		if json.Unmarshal([]byte(last), &entry) == nil && entry.Msg == "ready" {
			start = time.Since(began)
			go func() { // keep reading, so that the gateway never waits for us
				for lines.Scan() {
					if strings.Contains(lines.Text(), `"level":"ERROR"`) || strings.Contains(lines.Text(), `"level":"WARN"`) {
						fmt.Fprintln(os.Stderr, lines.Text())
					}
				}
			}()
			return &process{cmd, entry.Listen}, start, nil
		}
	}
	return nil, 0, fmt.Errorf("the gateway did not become ready: %s: %w", last, errors.Join(cmd.Wait(), lines.Err()))
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt)
	_ = p.cmd.Wait()
}

// family returns the process and its children.
func (p *process) family() []int {
	pids := []int{p.cmd.Process.Pid}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		f := statFields(path)
		if len(f) > 1 && f[1] == strconv.Itoa(p.cmd.Process.Pid) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// statFields returns the fields of a stat file after the program's name: state, parent, …
func statFields(path string) []string {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	i := strings.LastIndexByte(string(data), ')')
	return strings.Fields(string(data[i+1:]))
}

// ticks is the kernel's unit of CPU time in /proc, on every Linux.
const ticks = 100

// cpu returns the CPU time that the family has used.
func (p *process) cpu() time.Duration {
	var sum int
	for _, pid := range p.family() {
		f := statFields(fmt.Sprintf("/proc/%d/stat", pid))
		if len(f) < 13 {
			continue
		}
		user, _ := strconv.Atoi(f[11])
		system, _ := strconv.Atoi(f[12])
		sum += user + system
	}
	return time.Duration(sum) * time.Second / ticks
}

// memory returns the resident bytes of the process itself, and of each child by name.
func (p *process) memory() map[string]int {
	out := map[string]int{}
	for _, pid := range p.family() {
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		for _, line := range strings.Split(string(status), "\n") {
			if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
				kb, _ := strconv.Atoi(strings.Fields(rest)[0])
				out[strings.TrimSpace(string(name))] = kb << 10
			}
		}
	}
	return out
}

func cpuModel() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for _, line := range strings.Split(string(data), "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func kernel() string {
	data, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return strings.TrimSpace(string(data))
}
