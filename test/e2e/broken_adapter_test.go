package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"patchbay/test/harness"
)

// hostileBot returns a configuration in which the hostile adapter is the bot. The adapter behaves as a message
// requests: it answers "/reply" with "hello", and hangs in "/hang".
func hostileBot(t *testing.T) harness.Config {
	t.Helper()
	program := filepath.Join(t.TempDir(), "hostile")
	build := exec.Command("go", "build", "-o", program, "patchbay/core/internal/plugin/hostile")
	build.Dir = harness.Root()
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the hostile adapter: %v\n%s", err, out)
	}
	return harness.Config{
		Programs: map[string]string{"botwebhook": program},
		Define:   map[string]string{"faq": "adapter: botwebhook\nrole: bot\ndelivery: {timeout: 1s}"},
	}
}

// The message of one customer makes its call hang. Only this delivery is given up.
func TestOnlyTheHungDeliveryIsGivenUp(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, hostileBot(t))
	s.say(t, "ann", "/hang")
	sent := 0
	const limit = 2 * harness.Timeout
	began := time.Now()
	for s.Metric(t, "patchbay_dead_letters", "channel", "faq", "reason", "killed_adapter") == 0 {
		if time.Since(began) > limit {
			t.Fatalf("the hung delivery is not given up within %s", limit)
		}
		s.say(t, "ben", "/reply")
		sent++
		s.expect(t, "ben", "bot", "hello")
	}
	if got := s.textsFrom("ben", "bot"); len(got) != sent || slices.ContainsFunc(got, func(s string) bool { return s != "hello" }) {
		t.Errorf("ben got %q for %d messages, want one answer for each", got, sent)
	}
	s.say(t, "ann", "/reply")
	s.expect(t, "ann", "bot", "hello")
	for _, m := range []struct {
		want   float64
		name   string
		labels []string
	}{
		{2, "patchbay_adapter_calls_total", []string{"adapter", "botwebhook", "call", "deliver", "result", "hung"}},
		{2, "patchbay_adapter_restarts_total", []string{"adapter", "botwebhook", "reason", "hung"}},
		{2, "patchbay_adapter_restarts_total", []string{"adapter", "botwebhook"}},
		{1, "patchbay_dead_letters_total", nil},
		{0, "patchbay_breaker_state", []string{"channel", "faq"}},
	} {
		if got := s.Metric(t, m.name, m.labels...); got != m.want {
			t.Errorf("%s%v = %v, want %v", m.name, m.labels, got, m.want)
		}
	}
	if got := s.Run(t, "adapter", "list", "-o", "json"); !strings.Contains(got.Stdout, "deliver to faq did not end within 3s") {
		t.Errorf("adapter list:\n%s%s", got.Stdout, got.Stderr)
	}
}

// The gateway starts after an upgrade has broken one adapter. The other channels work.
func TestBrokenUpgradeStopsOnlyItsAdapter(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "aicc")
	install := func(text string) {
		t.Helper()
		if err := os.RemoveAll(program); err != nil {
			t.Fatal(err)
		}
		write := func() error { return os.WriteFile(program, []byte(text), 0o700) }
		if text == "" {
			write = func() error { return os.Symlink(harness.Binary("aicc"), program) }
		}
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
	install("")
	s := newSystem(t, harness.Vendors{}, harness.Config{Programs: map[string]string{"aicc": program}})
	s.connectAgent(t, "ann")
	s.Stop(t)
	install("#!/bin/sh\necho no such luck >&2; exit 1\n")
	s.Start(t)
	if _, body := s.Ready(); !strings.Contains(body, "[+] adapter aicc: degraded: ") ||
		!strings.HasSuffix(body, "\nready, degraded\n") {
		t.Errorf("readyz:\n%s", body)
	}
	if n := s.Metric(t, "patchbay_channel_available", "channel", "desk"); n != 0 {
		t.Errorf("desk is available: %v", n)
	}
	s.say(t, "ben", "hello")
	s.expect(t, "ben", "bot", greeting)
	for i := range 3 {
		s.say(t, "ann", fmt.Sprintf("message %d", i)) // waits for the desk
	}
	install("")
	if got := s.Run(t, "adapter", "restart", "aicc"); got.Code != 0 {
		t.Fatalf("restart: exit code %d\n%s%s", got.Code, got.Stdout, got.Stderr)
	}
	for i := range 3 {
		s.expectAtDesk(t, "ann", fmt.Sprintf("message %d", i))
	}
	s.agentSays(t, "ann", "I am back.")
	s.expect(t, "ann", "agent", "I am back.")
	if n := s.Metric(t, "patchbay_dead_letters"); n != 0 {
		t.Errorf("%v dead letters, want none", n)
	}
}
