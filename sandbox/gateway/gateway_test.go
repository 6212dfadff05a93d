package gateway

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// startScript starts a shell script as the gateway. It returns when the script has printed its first output or ended.
func startScript(t *testing.T, script string) *Gateway {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "patchbay")
	if err := os.WriteFile(bin, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	g := &Gateway{Bin: bin, Env: []string{"PATH=" + os.Getenv("PATH")}, Admin: "127.0.0.1:1", Output: w}
	err = g.Launch()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Kill() })
	_, _ = r.Read(make([]byte, 1))
	return g
}

const waitLoop = "echo waits\nwhile :; do sleep 0.01; done"

func TestStopRequiresACleanEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		script string
		within time.Duration
		want   error
	}{
		"exit code 0":      {"trap 'exit 0' INT\n" + waitLoop, time.Minute, nil},
		"exit code 3":      {"trap 'exit 3' INT\n" + waitLoop, time.Minute, ErrEnded},
		"ignores SIGINT":   {"trap '' INT\n" + waitLoop, 200 * time.Millisecond, context.DeadlineExceeded},
		"leaves a process": {"export PATCHBAY_PARENT=$$\nsleep 60 &\nsleep 0.2\ntrap 'exit 0' INT\n" + waitLoop, 3 * time.Second, ErrProcessesRemain},
		"process ends":     {"export PATCHBAY_PARENT=$$\nsleep 1 &\nsleep 0.2\ntrap 'exit 0' INT\n" + waitLoop, time.Minute, nil},
	} {
		t.Run(name, func(t *testing.T) {
			g := startScript(t, tt.script)
			ctx, cancel := context.WithTimeout(t.Context(), tt.within)
			defer cancel()
			if err := g.Stop(ctx); !errors.Is(err, tt.want) {
				t.Errorf("Stop = %v, want %v", err, tt.want)
			}
		})
	}
}

func TestAwaitReadyReportsAnEnd(t *testing.T) {
	err := startScript(t, "exit 5").AwaitReady(t.Context())
	if !errors.Is(err, ErrEnded) || !strings.Contains(err.Error(), "exit status 5") {
		t.Errorf("AwaitReady = %v, want %v with exit status 5", err, ErrEnded)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := startScript(t, waitLoop).AwaitReady(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("AwaitReady = %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestKillReturnsTheRemainingProcesses(t *testing.T) {
	g := startScript(t, "export PATCHBAY_PARENT=$$\nsleep 60 &\nsleep 0.2\n"+waitLoop)
	var sleeps []Process
	for _, p := range g.Kill() {
		if p.Comm == "sleep" {
			sleeps = append(sleeps, p)
		}
	}
	if len(sleeps) == 0 || g.Running() || g.ExitCode() != -1 {
		t.Errorf("remaining processes %v, running %t, exit code %d", sleeps, g.Running(), g.ExitCode())
	}
	for range 100 {
		if !sleeps[0].Running() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%s is still running after Kill", sleeps[0])
}
