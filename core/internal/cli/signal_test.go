package cli_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"patchbay/core/internal/cli"
)

// A second signal must end a command that does not react to the first one. The command in this test is a start that
// waits for its configuration from a pipe.
func TestFirstSignalRestoresHandlingDuringStart(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "config.yaml")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, signal := context.WithCancel(t.Context())
	unhooked, done := make(chan struct{}), make(chan int)
	go func() {
		done <- cli.Main(ctx, cli.Process{
			Args: []string{"run", "--config", pipe}, Stdout: io.Discard, Stderr: os.Stderr, Version: "1.2.3",
			Unhook: func() { close(unhooked) },
		})
	}()
	signal()
	select {
	case <-unhooked:
	case <-time.After(time.Minute):
		t.Error("a second signal would be ignored")
	}
	writer, err := os.OpenFile(pipe, os.O_WRONLY, 0) // ends the read
	if err != nil {
		t.Fatal(err)
	}
	writer.Close()
	if code := <-done; code == 0 {
		t.Errorf("Main = %d, want a failure", code)
	}
}
