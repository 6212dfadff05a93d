package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"patchbay/sandbox/gateway"
)

// announced is an output that reports when it has the addresses.
type announced struct{ ready chan struct{} }

func (a announced) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "/readyz") && strings.Contains(string(p), "/desk") {
		close(a.ready)
	}
	return len(p), nil
}

// runWith runs "sandbox run" on free ports with a fake gateway, until ctx ends.
func runWith(ctx context.Context, t *testing.T, mood string, out io.Writer) (ports []string, done <-chan error) {
	t.Helper()
	self := fake(t, mood)
	for range 3 {
		port, release, err := gateway.FreeAddress()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(release)
		ports = append(ports, port)
	}
	config := filepath.Join(t.TempDir(), "config.yaml")
	addresses := fmt.Sprintf("listen: %s\nadmin: {listen: '%s'}\n", ports[1], ports[2])
	if err := os.WriteFile(config, []byte(addresses), 0o600); err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() {
		result <- run(ctx, []string{"run", "--gateway-bin", self, "--config", config, "--listen", ports[0]}, out, io.Discard)
	}()
	return ports, result
}

func await(t *testing.T, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(time.Minute):
		t.Fatal("sandbox run did not end")
		return nil
	}
}

func TestRunServesUntilItIsStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := announced{make(chan struct{})}
	ports, done := runWith(ctx, t, "good", out)
	select {
	case <-out.ready:
	case err := <-done:
		t.Fatalf("ended: %v", err)
	}
	for _, address := range []string{"http://" + ports[0] + "/", "http://" + ports[0] + "/desk", "http://" + ports[2] + "/readyz"} {
		if status, _, err := gateway.Get(ctx, address); status != http.StatusOK {
			t.Errorf("%s: status %d, %v", address, status, err)
		}
	}
	stop()
	if err := await(t, done); err != nil {
		t.Errorf("run = %v, want nil", err)
	}
	if _, _, err := gateway.Get(t.Context(), "http://"+ports[2]+"/readyz"); err == nil {
		t.Error("the gateway is still there")
	}
}

func TestRunStoppedWhileTheGatewayStarts(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, done := runWith(ctx, t, "good", io.Discard)
	if err := await(t, done); err != nil {
		t.Errorf("run = %v, want nil", err)
	}
}

func TestRunReportsAGatewayThatEnds(t *testing.T) {
	_, done := runWith(t.Context(), t, "tired", io.Discard)
	if err := await(t, done); !errors.Is(err, gateway.ErrEnded) {
		t.Errorf("run = %v, want %v", err, gateway.ErrEnded)
	}
}
