// Package gateway runs the gateway's program as a child process, and finds the plugin processes that it starts.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// ErrEnded means that the gateway ended before it should, or with an exit code other than 0. ErrProcessesRemain means
// that plugin processes are still running after the gateway has ended.
var (
	ErrEnded           = errors.New("gateway ended")
	ErrProcessesRemain = errors.New("plugin processes of the gateway are still running")
)

// Gateway runs the gateway's program as a child process. Change the exported fields only while it is not running.
type Gateway struct {
	Bin, Config string    // paths
	Env         []string  // environment
	Admin       string    // address of the admin listener, host:port
	Output      io.Writer // receives standard output and standard error

	cmd    *exec.Cmd
	exited chan struct{} // closed when the program has ended
}

// Start runs the program and returns when it is ready.
func (g *Gateway) Start(ctx context.Context) error {
	if err := g.Launch(); err != nil {
		return err
	}
	return g.AwaitReady(ctx)
}

// Launch starts the program and does not wait until it is ready.
func (g *Gateway) Launch() error {
	cmd := exec.Command(g.Bin, "run", "--config", g.Config)
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = g.Env, g.Output, g.Output, childAttributes()
	started, exited := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // the child ends with the thread that started it
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // ProcessState has the result
			close(exited)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start gateway %s: %w", g.Bin, err)
	}
	g.cmd, g.exited = cmd, exited
	return nil
}

// AwaitReady returns when the admin listener reports that the gateway is ready. It returns an error if the program or
// ctx ends first.
func (g *Gateway) AwaitReady(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	status := "no response"
	for {
		select {
		case <-g.exited:
			return fmt.Errorf("%w before it was ready: %s", ErrEnded, g.cmd.ProcessState)
		case <-ctx.Done():
			return fmt.Errorf("wait for http://%s/readyz (%s): %w", g.Admin, status, ctx.Err())
		case <-tick.C:
		}
		code, body, err := Get(ctx, "http://"+g.Admin+"/readyz?verbose")
		if code == http.StatusOK {
			return nil
		}
		if err == nil {
			status = fmt.Sprintf("status %d: %s", code, body)
		}
	}
}

// Get makes a GET request and returns the status and the body of the response. It waits at most 20 s.
func Get(ctx context.Context, address string) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return Call(ctx, http.MethodGet, address, "")
}

// Call makes a request with http.DefaultClient and returns the status and the body of the response.
func Call(ctx context.Context, method, address, content string) (status int, body []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(content))
	if err != nil {
		return 0, nil, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// PID returns the id of the program's process.
func (g *Gateway) PID() int { return g.cmd.Process.Pid }

// Running returns whether the program was started and has not ended.
func (g *Gateway) Running() bool {
	if g.exited == nil {
		return false
	}
	select {
	case <-g.exited:
		return false
	default:
		return true
	}
}

// Exited is closed when the program has ended.
func (g *Gateway) Exited() <-chan struct{} { return g.exited }

// ExitCode returns the exit code of a program that has ended, or -1 if a signal ended it.
func (g *Gateway) ExitCode() int { return g.cmd.ProcessState.ExitCode() }

// PluginProcesses returns the plugin processes that are running.
func (g *Gateway) PluginProcesses() []Process { return pluginProcesses(g.PID()) }

// Terminate sends a signal to the program and returns when the program and its plugin processes have ended. It returns
// an error if ctx ends first.
func (g *Gateway) Terminate(ctx context.Context, signal os.Signal) error {
	if err := g.cmd.Process.Signal(signal); err != nil {
		return fmt.Errorf("send %s to the gateway: %w", signal, err)
	}
	select {
	case <-g.exited:
	case <-ctx.Done():
		return fmt.Errorf("gateway did not end after %s: %w", signal, ctx.Err())
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		remaining := g.PluginProcesses()
		if len(remaining) == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: %v", ErrProcessesRemain, remaining)
		}
	}
}

// Stop terminates the program with SIGINT. It returns an error if the exit code is not 0.
func (g *Gateway) Stop(ctx context.Context) error {
	if err := g.Terminate(ctx, os.Interrupt); err != nil {
		return err
	}
	if code := g.ExitCode(); code != 0 {
		return fmt.Errorf("%w with exit code %d after SIGINT", ErrEnded, code)
	}
	return nil
}

// Kill kills the program, and then the plugin processes that are still running. It returns these.
func (g *Gateway) Kill() []Process {
	if g.cmd == nil {
		return nil
	}
	if g.Running() {
		_ = g.cmd.Process.Kill() // fails only if it has ended
		<-g.exited
	}
	remaining := g.PluginProcesses()
	for _, p := range remaining {
		p.Kill()
	}
	return remaining
}
