package harness

import (
	"bytes"
	"context"
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
	return Run(t, g.Environment(), args...)
}

// Run runs a command of the gateway in the given environment.
func Run(t testing.TB, environment []string, args ...string) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, Binary("patchbay"), args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = environment, &out, &errs
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("patchbay %v: %v", args, err)
	}
	return Result{Code: cmd.ProcessState.ExitCode(), Stdout: out.String(), Stderr: errs.String()}
}
