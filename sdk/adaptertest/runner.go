package adaptertest

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
)

// process runs an adapter's program in a process group of its own. It implements go-plugin's runner, so that the library
// does not read stderr.
type process struct {
	cmd    *exec.Cmd
	said   *transcript
	stdout *os.File // read end
	exited chan struct{}

	mu      sync.Mutex
	started bool
	ended   bool
	forced  bool // the library had to kill it
}

var _ runner.Runner = (*process)(nil)

// pipeGrace is how long processes that were left behind may hold stderr.
const pipeGrace = 250 * time.Millisecond

func newProcess(o *Options, said *transcript) *process {
	p := &process{cmd: exec.Command(o.Command, o.Args...), said: said, exited: make(chan struct{})}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Stderr, p.cmd.WaitDelay = said, pipeGrace
	return p
}

// runner gives the process the library's environment, with sockets in dir.
func (p *process) runner(env []string, dir string) func(hclog.Logger, *exec.Cmd, string) (runner.Runner, error) {
	return func(_ hclog.Logger, spec *exec.Cmd, _ string) (runner.Runner, error) {
		p.cmd.Env = append(append(env, spec.Env...), plugin.EnvUnixSocketDir+"="+dir)
		return p, nil
	}
}

// Start implements runner.Runner.
func (p *process) Start(context.Context) error {
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("open stdout of the adapter: %w", err)
	}
	p.cmd.Stdout = w
	p.mu.Lock()
	err = p.cmd.Start()
	p.started = err == nil
	p.mu.Unlock()
	_ = w.Close()
	if err != nil {
		_ = r.Close()
		return err
	}
	p.stdout = r
	go func() {
		_ = p.cmd.Wait()
		p.mu.Lock()
		p.ended = true
		p.mu.Unlock()
		close(p.exited)
	}()
	return nil
}

// signal sends a signal to the process and its group, as long as they have not been reaped.
func (p *process) signal(s syscall.Signal, group bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.started || p.ended {
		return
	}
	pid := p.cmd.Process.Pid
	if group {
		pid = -pid
	}
	_ = syscall.Kill(pid, s)
}

// pid returns the number of the process, 0 if it never ran.
func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.started {
		return 0
	}
	return p.cmd.Process.Pid
}

// within reports whether the process ends within d.
func (p *process) within(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-p.exited:
		return true
	case <-t.C:
		return false
	}
}

// Kill implements runner.Runner.
func (p *process) Kill(context.Context) error {
	p.mu.Lock()
	p.forced = !p.ended
	p.mu.Unlock()
	p.signal(syscall.SIGKILL, true)
	return nil
}

// byItself reports whether the process ends within d without being killed.
func (p *process) byItself(d time.Duration) bool {
	if !p.within(d) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.forced
}

// Wait implements runner.Runner.
func (p *process) Wait(context.Context) error {
	<-p.exited
	return nil
}

// Stdout implements runner.Runner. What is printed there is kept, too.
func (p *process) Stdout() io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{io.TeeReader(p.stdout, p.said), p.stdout}
}

// Stderr implements runner.Runner: the library sees none of it.
func (p *process) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Name implements runner.Runner.
func (p *process) Name() string { return p.cmd.Path }

// ID implements runner.Runner.
func (p *process) ID() string { return strconv.Itoa(p.pid()) }

// Diagnose implements runner.Runner.
func (p *process) Diagnose(context.Context) string { return "" }

// PluginToHost implements runner.Runner.
func (p *process) PluginToHost(network, addr string) (string, string, error) {
	return network, addr, nil
}

// HostToPlugin implements runner.Runner.
func (p *process) HostToPlugin(network, addr string) (string, string, error) {
	return network, addr, nil
}

// maxTranscript bounds what is kept of a process's output.
const maxTranscript = 8 << 20

// transcript keeps what processes print. It is safe for concurrent use, and never fails.
type transcript struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := maxTranscript - len(t.text); room > 0 {
		t.text = append(t.text, b[:min(room, len(b))]...)
	}
	return len(b), nil
}

// String returns all that was printed.
func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// lastLines returns the end of what was printed, on one line.
func (t *transcript) lastLines() string {
	text := strings.TrimSpace(t.String())
	for _, mark := range []string{"panic: ", "fatal error: "} {
		if i := strings.LastIndex(text, mark); i >= 0 {
			text = text[i:]
			return strings.ReplaceAll(text[:min(len(text), 300)], "\n", "; ")
		}
	}
	return strings.ReplaceAll(text[max(0, len(text)-300):], "\n", "; ")
}
