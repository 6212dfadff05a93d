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

// readyOutput closes ready when the addresses of the pages and of the admin listener are written to it.
type readyOutput struct{ ready chan struct{} }

func (a readyOutput) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "/readyz") && strings.Contains(string(p), "/desk") {
		close(a.ready)
	}
	return len(p), nil
}

// runWith runs "sandbox run" with a fake gateway until ctx ends. addresses are those of the pages, of the gateway and
// of its admin listener. done receives the result.
func runWith(
	ctx context.Context, t *testing.T, behavior string, out io.Writer,
) (addresses []string, done <-chan error) {
	t.Helper()
	self := fakeGateway(t, behavior)
	for range 3 {
		port, release, err := gateway.FreeAddress()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(release)
		addresses = append(addresses, port)
	}
	config := filepath.Join(t.TempDir(), "config.yaml")
	text := fmt.Sprintf("listen: %s\nadmin: {listen: '%s'}\n", addresses[1], addresses[2])
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() {
		args := []string{"run", "--gateway-bin", self, "--config", config, "--listen", addresses[0]}
		result <- run(ctx, args, out, io.Discard)
	}()
	return addresses, result
}

func awaitEnd(t *testing.T, done <-chan error) error {
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
	out := readyOutput{make(chan struct{})}
	addresses, done := runWith(ctx, t, "serves", out)
	select {
	case <-out.ready:
	case err := <-done:
		t.Fatalf("ended: %v", err)
	}
	for _, address := range []string{addresses[0] + "/", addresses[0] + "/desk", addresses[2] + "/readyz"} {
		if status, _, err := gateway.Get(ctx, "http://"+address); status != http.StatusOK {
			t.Errorf("%s: status %d, %v", address, status, err)
		}
	}
	stop()
	if err := awaitEnd(t, done); err != nil {
		t.Errorf("run = %v, want nil", err)
	}
	if _, _, err := gateway.Get(t.Context(), "http://"+addresses[2]+"/readyz"); err == nil {
		t.Error("the gateway still responds")
	}
}

func TestRunStoppedWhileTheGatewayStarts(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, done := runWith(ctx, t, "serves", io.Discard)
	if err := awaitEnd(t, done); err != nil {
		t.Errorf("run = %v, want nil", err)
	}
}

func TestRunReportsAGatewayThatEnds(t *testing.T) {
	_, done := runWith(t.Context(), t, "exits", io.Discard)
	if err := awaitEnd(t, done); !errors.Is(err, gateway.ErrEnded) {
		t.Errorf("run = %v, want %v", err, gateway.ErrEnded)
	}
}
