package plugin

import (
	"bufio"
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
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"

	"patchbay/sdk/protocol"
)

// process is one run of an adapter's program, in a process group of its own. It implements go-plugin's runner, so
// that the library neither reads stderr (its parser can be made to panic) nor decides how a process is killed.
type process struct {
	cmd    *exec.Cmd
	lines  *stderrDecoder
	stray  *strayWriter
	stdout *os.File // read ends
	stderr *os.File

	handshake *io.PipeReader // first line of stdout, for the library
	firstLine chan string    // the same, for diagnosis; one value, then closed
	exited    chan struct{}  // closed when the process was reaped
	readers   sync.WaitGroup
	exit      string // how it ended; read after exited

	mu      sync.Mutex // held while a signal is sent, so that none goes to a number that was given away
	started bool
	gone    bool // reaped, or about to be
	doomed  bool // kill was called
}

var _ runner.Runner = (*process)(nil)

// pipeGrace is how long output may follow the end of a process: what is still in the pipe, or written by a process
// that it left behind outside its group.
const pipeGrace = 250 * time.Millisecond

// Start implements runner.Runner. It must run on the supervisor's thread.
func (p *process) Start(context.Context) error {
	outR, outW, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("open stdout of the adapter: %w", err)
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		_ = outR.Close()
		_ = outW.Close()
		return fmt.Errorf("open stderr of the adapter: %w", err)
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = nil, outW, errW
	p.mu.Lock()
	if err = errStopped; !p.doomed {
		err = p.cmd.Start()
		p.started = err == nil
	}
	p.mu.Unlock()
	_ = outW.Close()
	_ = errW.Close()
	if err != nil {
		_ = outR.Close()
		_ = errR.Close()
		return err
	}
	p.stdout, p.stderr = outR, errR
	handshake, w := io.Pipe()
	p.handshake = handshake
	p.readers.Go(func() { p.lines.readFrom(p.stderr) })
	p.readers.Go(func() { p.readStdout(w) })
	go p.reap()
	return nil
}

// readStdout gives the first line to the library and reports the rest as stray.
func (p *process) readStdout(handshake *io.PipeWriter) {
	r := bufio.NewReaderSize(p.stdout, 16<<10)
	line, err := r.ReadSlice('\n')
	first := string(line)
	if err == nil || len(first) > 0 {
		p.firstLine <- strings.TrimSpace(first)
	}
	close(p.firstLine)
	_, _ = handshake.Write([]byte(first)) // returns when the library has read it or closed its end
	_ = handshake.Close()
	_, _ = io.Copy(p.stray, r)
	p.stray.flush()
}

// reap waits for the process, ends what is left of its group while the group's number is still reserved, and closes
// the pipes.
func (p *process) reap() {
	waitExit(p.cmd.Process.Pid)
	p.mu.Lock()
	p.gone = true
	p.killGroup()
	p.mu.Unlock()
	err := p.cmd.Wait()
	p.exit = describeExit(p.cmd.ProcessState, err)
	done := make(chan struct{})
	go func() {
		p.readers.Wait()
		close(done)
	}()
	t := time.NewTimer(pipeGrace)
	select {
	case <-done:
	case <-t.C: // somebody outside the group holds the pipes
	}
	t.Stop()
	_ = p.handshake.Close()
	_ = p.stdout.Close()
	_ = p.stderr.Close()
	<-done
	close(p.exited)
}

// killGroup sends SIGKILL to the process and all of its group.
func (p *process) killGroup() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }

// kill ends the process, and its group, without waiting. Before Start it makes that fail.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doomed = true
	if p.started && !p.gone {
		p.killGroup()
	}
}

// runner returns what the library calls to make its runner. The environment of the library (cookie, certificate) is
// added to env; sockets go to dir.
func (p *process) runner(env []string, dir string) func(hclog.Logger, *exec.Cmd, string) (runner.Runner, error) {
	return func(_ hclog.Logger, spec *exec.Cmd, _ string) (runner.Runner, error) {
		p.cmd.Env = append(append(env, spec.Env...), goplugin.EnvUnixSocketDir+"="+dir)
		return p, nil
	}
}

// Kill implements runner.Runner.
func (p *process) Kill(context.Context) error {
	p.kill()
	return nil
}

// Wait implements runner.Runner.
func (p *process) Wait(context.Context) error {
	<-p.exited
	return nil
}

// Stdout implements runner.Runner.
func (p *process) Stdout() io.ReadCloser { return p.handshake }

// Stderr implements runner.Runner: the library sees none of it.
func (p *process) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Name implements runner.Runner.
func (p *process) Name() string { return p.cmd.Path }

// ID implements runner.Runner.
func (p *process) ID() string { return strconv.Itoa(p.pid()) }

// pid returns the number of the process, 0 if it never ran.
func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.started {
		return 0
	}
	return p.cmd.Process.Pid
}

// Diagnose implements runner.Runner.
func (p *process) Diagnose(context.Context) string { return "" }

// PluginToHost implements runner.Runner: both sides see the same files.
func (p *process) PluginToHost(network, addr string) (string, string, error) {
	return network, addr, nil
}

// HostToPlugin implements runner.Runner.
func (p *process) HostToPlugin(network, addr string) (string, string, error) {
	return network, addr, nil
}

// checkHandshake explains a first line that is not the handshake of our protocol version. It is called after the
// library refused to connect; nil means that the line is not to blame.
func (p *process) checkHandshake() error {
	var line string
	select {
	case l, ok := <-p.firstLine:
		if !ok {
			return nil
		}
		line = l
	default:
		return nil
	}
	fields := strings.Split(line, "|")
	if len(fields) < 5 {
		return ended(reasonPermanent, "the program printed %.200q where the plugin handshake is expected; "+
			"nothing may be printed to stdout before serve.Main", line)
	}
	if fields[1] != strconv.Itoa(protocol.Version) {
		return ended(reasonPermanent, "the program speaks version %.20s of the plugin protocol, this gateway version %d; "+
			"build both with the same release", fields[1], protocol.Version)
	}
	if fields[4] != "grpc" {
		return ended(reasonPermanent, "the program speaks %.20q, not grpc; build it with serve.Main", fields[4])
	}
	return nil
}

func describeExit(state *os.ProcessState, err error) string {
	if state == nil {
		return fmt.Sprintf("ended in an unknown way: %v", err)
	}
	return state.String()
}
