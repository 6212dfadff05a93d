package adaptertest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin"

	"patchbay/sdk/protocol"
)

// checkExit ends processes in every way. The exam goes on with a new one.
func checkExit(x *exam) {
	shutdown := x.assert("exit.shutdown", "it ends when the gateway ends it")
	sigterm := x.assert("exit.sigterm", "it ends on SIGTERM, after its calls")
	orphans := x.assert("exit.orphans", "it leaves no process behind")
	alone := x.assert("exit.alone", "it ends when its gateway is gone")
	byHand := x.assert("exit.by-hand", "started by hand, it says what it is for and ends with 1")
	defer func() {
		if err := x.restart(); err != nil {
			shutdown.failf("%v", err)
		}
	}()
	x.work()
	left := x.started()
	ok := x.prog.stop()
	shutdown.check(ok, "it was still there 2s after it was shut down: end when plugin.GRPCController.Shutdown is called")
	orphans.check(!anyRunning(left), "processes that it started were still there after its end: end and await them")
	for _, pid := range left {
		if running(pid) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	x.prog = nil
	if err := x.start(); err != nil {
		sigterm.failf("%v", err)
		return
	}
	x.work()
	x.prog.process.signal(syscall.SIGTERM, false)
	sigterm.check(x.prog.process.within(2*endTimeout), "it was still there %s after SIGTERM", 2*endTimeout)
	x.prog.kill()
	x.prog = nil
	x.checkByHand(byHand)
	x.checkAlone(alone)
}

// checkAlone starts the program with a gateway that is not its parent.
func (x *exam) checkAlone(a *Assertion) {
	dir, err := os.MkdirTemp("", "pbexam")
	if !a.check(err == nil, "%v", err) {
		return
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(x.ctx, endTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, x.opts.Command, x.opts.Args...)
	cmd.WaitDelay = pipeGrace
	cmd.Env = append(environment(x.opts), protocol.CookieKey+"="+protocol.CookieValue,
		"PLUGIN_PROTOCOL_VERSIONS="+strconv.Itoa(protocol.Version),
		plugin.EnvUnixSocketDir+"="+dir, protocol.ParentEnv+"=1")
	_ = cmd.Run() // the context says whether it ended by itself
	a.check(ctx.Err() == nil,
		"with %s of a process that is not its parent, it was still there after %s: end when the parent is another",
		protocol.ParentEnv, endTimeout)
}

// work makes a few calls, so that what ends is a process that has worked.
func (x *exam) work() {
	for _, in := range x.data.in {
		_, _ = x.receive(in) // whatever comes of it is another section's matter
	}
	if ex := x.data.main("deliver"); ex != nil && x.able("deliver") {
		x.vendor.play(newStage(ex, false))
		_, _ = x.perform(ex, callTimeout)
	}
}

// started returns the processes that the adapter started.
func (x *exam) started() []int {
	u, _ := usageOf(x.prog.process.pid())
	return u.children
}

// anyRunning reports whether one of these processes is still there after a moment.
func anyRunning(pids []int) bool {
	deadline := time.NewTimer(soon)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		n := 0
		for _, pid := range pids {
			if running(pid) {
				n++
			}
		}
		if n == 0 {
			return false
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return true
		}
	}
}

// checkByHand starts the program without the gateway's environment.
func (x *exam) checkByHand(a *Assertion) {
	ctx, cancel := context.WithTimeout(x.ctx, endTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, x.opts.Command, x.opts.Args...)
	cmd.Env, cmd.WaitDelay = x.opts.Env, pipeGrace
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // the code says it
	code := -1
	if cmd.ProcessState != nil {
		code = cmd.ProcessState.ExitCode()
	}
	a.check(code == 1 && strings.TrimSpace(errs.String()) != "" && out.Len() == 0,
		"it ended with %d, %d bytes on stdout and %d on stderr: without PATCHBAY_PLUGIN in the environment, say on stderr what the "+
			"program is for and exit with 1", code, out.Len(), errs.Len())
}
