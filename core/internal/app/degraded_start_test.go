package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/config"
	"patchbay/core/internal/plugin"
	"patchbay/sdk/protocol/pluginpb"
)

// starter starts the adapters of one configuration repeatedly, as restarts of the gateway do.
type starter struct {
	t     *testing.T
	modes string // path of the file with the modes of the hostile adapter
	store string
	cfg   *config.Config
}

// newStarter returns a starter with the hostile adapter twice: as hostile, with the channels good and bad, and as
// other.
func newStarter(t *testing.T) *starter {
	b := &starter{t: t, modes: filepath.Join(t.TempDir(), "modes"), store: t.TempDir()}
	b.configure("hello")
	return b
}

func (b *starter) configure(greeting string) {
	b.t.Helper()
	b.cfg = loadConfig(b.t, fmt.Sprintf(`
store: {dir: %q}
adapters:
  hostile: {command: %q, env: ["HOSTILE_FILE=%s"]}
  other: {command: %q}
channels:
  customers: {adapter: other, role: customer, owner: good, path: /c}
  good: {adapter: hostile, role: bot, path: /g}
  bad: {adapter: hostile, role: bot, path: /b, settings: {greeting: %q}}
`, b.store, hostilePath, b.modes, hostilePath, greeting))
}

// startResult is the result of one start.
type startResult struct {
	*plugins
	found Findings
}

// start starts the adapters in the given mode, and keeps their descriptions if it succeeds. The adapters stop when the
// test ends.
func (b *starter) start(mode string, strict bool) *startResult {
	b.t.Helper()
	if err := os.WriteFile(b.modes, []byte(mode), 0o600); err != nil {
		b.t.Fatal(err)
	}
	p := startPlugins(b.cfg, nil, &Options{Logger: slog.New(slog.DiscardHandler), Strict: strict}, "", nil)
	b.t.Cleanup(p.stop)
	p.readKept(keptDir(b.cfg))
	s := &startResult{p, p.configure(b.t.Context(), b.cfg)}
	if len(s.found.Problems) == 0 {
		p.keep(b.cfg)
	}
	return s
}

// deliver returns the result of a delivery to the adapter: "ok", "not ready" or the error.
func (s *startResult) deliver(t *testing.T, channel string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	_, err := s.hosts["hostile"].Deliver(ctx, &pluginpb.DeliverCall{Channel: channel})
	return fmt.Sprint(err)
}

func (s *startResult) missingChannels() string {
	var out []string
	for name := range s.unavailable {
		out = append(out, name)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestStartWithoutAnAdapter(t *testing.T) {
	for mode, kept := range map[string]struct{ strict, missing string }{
		"exit-at-start":  {"adapters.hostile.command: the program could not be started", "bad good"},
		"panic-at-start": {"adapters.hostile.command: the program could not be started", "bad good"},
		"wrong-version":  {"adapters.hostile.command: the program could not be started", "bad good"},
		"crash-bad":      {"channels.bad.adapter: configure bad", "bad"},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			b := newStarter(t)
			if s := b.start(mode, true); len(s.found.Problems) == 0 ||
				!strings.Contains(s.found.Problems[0].String(), kept.strict) {
				t.Errorf("strict: %v, want %s", s.found.Problems, kept.strict)
			}
			s := b.start(mode, false)
			if len(s.found.Problems) > 0 || s.missingChannels() != kept.missing || s.endpoints["customers"] == nil {
				t.Errorf("first start: problems %v, unavailable %v", s.found.Problems, s.unavailable)
			}
			if s := b.start("", false); len(s.found.Problems) > 0 || len(s.unavailable) > 0 {
				t.Fatalf("without a fault: problems %v, unavailable %v", s.found.Problems, s.unavailable)
			}
			s = b.start(mode, false)
			if len(s.found.Problems) > 0 || len(s.unavailable) > 0 || len(s.endpoints["bad"].GetPaths()) != 1 ||
				len(s.capabilities(&b.cfg.Channels[2]).GetParts()) != 1 {
				t.Errorf("second start: problems %v, unavailable %v, %v", s.found.Problems, s.unavailable, s.endpoints["bad"])
			}
			if err := s.deliver(t, "bad"); !strings.Contains(err, plugin.ErrNotReady.Error()) {
				t.Errorf("deliver: %s", err)
			}
		})
	}
}

func TestRefusedChannelAtStart(t *testing.T) {
	b := newStarter(t)
	if s := b.start("refuse-bad", true); len(s.found.Problems) != 1 {
		t.Errorf("strict: problems %v, unavailable %v", s.found.Problems, s.unavailable)
	}
	if s := b.start("refuse-bad", false); len(s.found.Problems) > 0 || s.missingChannels() != "bad" {
		t.Errorf("a configuration that no process has accepted: problems %v, unavailable %v", s.found.Problems, s.unavailable)
	}
	if s := b.start("other-setting", false); len(s.found.Problems) != 2 {
		t.Errorf("settings that were never valid: problems %v, unavailable %v", s.found.Problems, s.unavailable)
	}
	b.start("", false)
	s := b.start("refuse-bad", false)
	if len(s.found.Problems) > 0 || s.endpoints["bad"] == nil || s.hosts["hostile"].Serves("bad") ||
		!s.hosts["hostile"].Serves("good") {
		t.Errorf("the same configuration: problems %v, unavailable %v", s.found.Problems, s.unavailable)
	}
	if s := b.start("other-setting", false); len(s.found.Problems) > 0 || len(s.endpoints) != 3 {
		t.Errorf("a new required setting: problems %v, unavailable %v", s.found.Problems, s.unavailable)
	}
	b.configure("changed")
	if s := b.start("refuse-bad", false); len(s.found.Problems) > 0 || s.missingChannels() != "bad" {
		t.Errorf("a changed configuration: problems %v, unavailable %v", s.found.Problems, s.unavailable)
	}
}

func TestAdapterThatIsReadyTooLateIsConfigured(t *testing.T) {
	b := newStarter(t)
	b.start("", false)
	p := startPlugins(b.cfg, nil, &Options{Logger: slog.New(slog.DiscardHandler)}, "", nil)
	t.Cleanup(p.stop)
	p.readKept(keptDir(b.cfg))
	h := p.hosts["hostile"]
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := h.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	p.handleMissing(b.cfg, "hostile", h, "not started")
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !h.Serves("good") {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the channel stays refused")
		}
	}
	if err := h.Wait(ctx); err != nil || !h.Serves("good") || !h.Serves("bad") {
		t.Errorf("not served: %v", err)
	}
}

func TestDamagedKeptDescriptionIsIgnored(t *testing.T) {
	b := newStarter(t)
	b.start("", false)
	if err := os.WriteFile(keptPath(keptDir(b.cfg), "hostile"), []byte(`{"description":"AAAA"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := b.start("exit-at-start", false); len(s.found.Problems) > 0 || s.missingChannels() != "bad good" {
		t.Errorf("problems %v, unavailable %v", s.found.Problems, s.unavailable)
	}
}

// If the adapter has no description, the gateway does not know whether it opens threads.
func TestUnavailableChannelGetsNoThreadWithoutAnOpen(t *testing.T) {
	b := newStarter(t)
	s := b.start("exit-at-start", false)
	lanes := laneChannels(b.cfg, s.plugins)
	if c := policy(b.cfg, s.plugins, nil).Channels["good"]; c == nil || !c.Opens || lanes[1].Unavailable == "" {
		t.Errorf("channel %+v, lane %+v", c, lanes[1])
	}
	if reachabilityCheck(b.cfg, s.plugins, nil)("good", 0) {
		t.Error("an unavailable channel is reachable for offers")
	}
}
