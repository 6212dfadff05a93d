package harness

import (
	"bytes"
	"errors"
	"os/exec"
	"testing"
)

// Result is the result of a command.
type Result struct {
	Code           int
	Stdout, Stderr string
}

// Run runs a command of the gateway with its environment, which names the configuration.
func (g *Gateway) Run(t testing.TB, args ...string) Result {
	t.Helper()
	return Run(t, g.child.Env, args...)
}

// Run runs a command of the gateway in the given environment.
func Run(t testing.TB, environment []string, args ...string) Result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(Soon(t), Binary("patchbay"), args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = environment, &out, &errs
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited || cmd.ProcessState.ExitCode() < 0 {
		t.Fatalf("patchbay %v: %v", args, err)
	}
	return Result{Code: cmd.ProcessState.ExitCode(), Stdout: out.String(), Stderr: errs.String()}
}
