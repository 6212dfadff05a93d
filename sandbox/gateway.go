package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// gateway is a gateway program that the sandbox runs as its child.
type gateway struct {
	bin, config   string
	listen, admin string // addresses
	store         string // path; "" is as configured
	log           string // path; "" is this process's standard error
	sandbox       string // base address of the sandbox

	cmd  *exec.Cmd
	done chan error // has the result of Wait once the program ended
}

// start runs the program and returns when it is ready.
func (g *gateway) start(ctx context.Context) error {
	output := os.Stderr
	if g.log != "" {
		file, err := os.OpenFile(g.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("open the gateway's log: %w", err)
		}
		defer file.Close() // the child has its own handle
		output = file
	}
	// Not CommandContext: it must be ended by SIGINT, and kill ends it in any case.
	cmd := exec.Command(g.bin, "run", "--config", g.config)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = output, output, ownGroup()
	cmd.Env = append(os.Environ(),
		"PATCHBAY_LISTEN="+g.listen, "PATCHBAY_ADMIN__LISTEN="+g.admin, "SANDBOX_URL="+g.sandbox)
	if g.store != "" {
		cmd.Env = append(cmd.Env, "PATCHBAY_STORE__DIR="+g.store)
	}
	started, done := make(chan error, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the child's life hangs on this thread's
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			done <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start gateway %s: %w", g.bin, err)
	}
	g.cmd, g.done = cmd, done
	return g.awaitReady(ctx)
}

func (g *gateway) awaitReady(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	status := "no answer yet"
	for {
		select {
		case err := <-g.done:
			g.done <- err
			if err == nil {
				err = errEnded
			}
			return fmt.Errorf("gateway ended before it was ready: %w", err)
		case <-ctx.Done():
			return fmt.Errorf("wait for http://%s/readyz (%s): %w", g.admin, status, ctx.Err())
		case <-tick.C:
		}
		code, err := get(ctx, "http://"+g.admin+"/readyz")
		if err == nil && code == http.StatusOK {
			return nil
		}
		if err == nil {
			status = fmt.Sprintf("last status %d", code)
		}
	}
}

var errEnded = errors.New("exit code 0")

func get(ctx context.Context, address string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	return resp.StatusCode, nil
}

// stop asks the program to end by SIGINT, and demands exit code 0 and that no process of its is left.
func (g *gateway) stop(ctx context.Context) error {
	if g.cmd == nil {
		return nil
	}
	family := descendants(g.cmd.Process.Pid)
	if err := g.cmd.Process.Signal(os.Interrupt); err != nil {
		return fmt.Errorf("send SIGINT to the gateway: %w", err)
	}
	select {
	case err := <-g.done:
		g.cmd = nil
		if err != nil {
			return fmt.Errorf("gateway did not end with exit code 0: %w", err)
		}
	case <-ctx.Done():
		return fmt.Errorf("gateway did not end after SIGINT: %w", ctx.Err())
	}
	if left := survivors(ctx, family); len(left) > 0 {
		for _, p := range left {
			p.kill()
		}
		return fmt.Errorf("%w: %v", errSurvivors, left)
	}
	return nil
}

var errSurvivors = errors.New("processes of the gateway are left")

// kill ends the program and its children if they still run.
func (g *gateway) kill() {
	if g.cmd == nil || g.cmd.Process == nil {
		return
	}
	family := descendants(g.cmd.Process.Pid)
	// Errors mean that a process is gone already, which is what kill wants.
	_ = g.cmd.Process.Kill()
	<-g.done
	for _, p := range family {
		p.kill()
	}
	g.cmd = nil
}

// logTail returns the last lines of the program's log.
func (g *gateway) logTail(lines int) string {
	content, err := os.ReadFile(g.log)
	if err != nil {
		return ""
	}
	all := bytes.Split(bytes.TrimRight(content, "\n"), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], []byte("\n")))
}
