package plugin

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is one run of an adapter's program, in its own process group. It implements go-plugin's runner, so that
// go-plugin neither reads stderr (its parser can panic) nor decides how a process is killed.
type process struct {
	cmd    *exec.Cmd
	lines  *stderrDecoder
	stray  *strayWriter
	stdout *os.File // read ends
	stderr *os.File

	handshake *io.PipeReader // first line of stdout, for go-plugin
	firstLine chan string    // the same, for checkHandshake; one value, then closed
	exited    chan struct{}  // closed after the process was reaped
	readers   sync.WaitGroup
	exit      string // exit status; read after exited

	mu      sync.Mutex // held while a signal is sent, so that a reused process id gets none
	started bool
	reaped  bool // or about to be
	killed  bool // kill was called
}

// pipeGrace is the time for output that is still in the pipes after the end of a process, or that a child outside its
// group writes.
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
	if err = errStopped; !p.killed {
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

// readStdout passes the first line to go-plugin and logs the rest.
func (p *process) readStdout(handshake *io.PipeWriter) {
	r := bufio.NewReaderSize(p.stdout, 16<<10)
	line, err := r.ReadSlice('\n')
	first := string(line)
	if err == nil || len(first) > 0 {
		p.firstLine <- strings.TrimSpace(first)
	}
	close(p.firstLine)
	_, _ = handshake.Write([]byte(first)) // returns when go-plugin has read it or closed its end
	_ = handshake.Close()
	_, _ = io.Copy(p.stray, r)
	p.stray.flush()
}

// reap waits for the end of the process, kills the rest of its group while the group's id is still reserved, and closes
// the pipes.
func (p *process) reap() {
	waitExit(p.cmd.Process.Pid)
	p.mu.Lock()
	p.reaped = true
	p.killGroup()
	p.mu.Unlock()
	err := p.cmd.Wait()
	p.exit = exitText(p.cmd.ProcessState, err)
	done := make(chan struct{})
	go func() {
		p.readers.Wait()
		close(done)
	}()
	t := time.NewTimer(pipeGrace)
	select {
	case <-done:
	case <-t.C: // a process outside the group keeps the pipes open
	}
	t.Stop()
	_ = p.handshake.Close()
	_ = p.stdout.Close()
	_ = p.stderr.Close()
	<-done
	close(p.exited)
}

// killGroup sends SIGKILL to the process group.
func (p *process) killGroup() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }

// kill kills the process group and does not wait. Before Start, it makes Start fail.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = true
	if p.started && !p.reaped {
		p.killGroup()
	}
}

// pid returns the process id, or 0 if the process was not started.
func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.started {
		return 0
	}
	return p.cmd.Process.Pid
}

func exitText(state *os.ProcessState, err error) string {
	if state == nil {
		return fmt.Sprintf("exit status unknown: %v", err)
	}
	return state.String()
}
