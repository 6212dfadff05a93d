package app

import (
	"log/slog"
	"testing"
	"time"

	"patchbay/core/internal/delivery"
)

// Offers skip a channel that its adapter has refused, and all channels of an adapter in quarantine. open() is false for
// these channels.
func TestChannelsWithoutServiceAreNotReachable(t *testing.T) {
	b := newStarter(t)
	b.start("", false) // its description is kept
	for mode, want := range map[string]map[string]bool{
		"":              {"good": true, "bad": true},
		"refuse-bad":    {"good": true, "bad": false},
		"wrong-version": {"good": false, "bad": false}, // a restart cannot repair it
	} {
		t.Run(mode, func(t *testing.T) {
			s := b.start(mode, false)
			engine := delivery.New(delivery.Options{
				Channels: laneChannels(b.cfg, s.plugins), Logger: slog.New(slog.DiscardHandler),
			})
			for name, reached := range want {
				if got := reachabilityCheck(b.cfg, s.plugins, engine)(name, time.Minute); got != reached {
					t.Errorf("channel %s is reachable: %v, want %v; %+v", name, got, reached, s.hosts["hostile"].Status())
				}
			}
		})
	}
}
