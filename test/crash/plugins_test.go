package crash

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"patchbay/test/harness"
)

// channels are the adapters' channels.
var channels = map[string]string{"native": "livechat", "botwebhook": "faq", "aicc": "desk"}

// killsPerRun is how often an adapter is killed before the gateway is stopped in order and started again: the fifth death
// within two minutes would quarantine it.
const killsPerRun = 4

// TestPluginsKilled ends adapters by SIGKILL at random moments, one or two at once, while the gateway stays. Calls of
// other channels must not suffer.
func TestPluginsKilled(t *testing.T) {
	s := seed(t)
	tr := newTraffic(t, s)
	g := harness.NewGateway(t, tr.w, harness.Config{Routes: routes})
	tr.begin(60, 100, 250)
	k := &killer{traffic: tr, gateway: g, rnd: chance(s, "plugins")}
	for k.kills < 30 {
		if k.kills > 0 { // a stop in order is no incident: what it cuts off would be a finding
			from := time.Now()
			g.Restart(t)
			k.stops = append(k.stops, incident{from: from, to: time.Now()})
		}
		k.run(t)
	}
	tr.until(t, g, func(e *evidence) bool { return e.steps("passed") > 0 })
	tr.finish(t, g)
	v := judge(tr.gather(t, g, k.incidents))
	v.report(t)
	t.Logf("kills=%d %s away_max=%s", k.kills, v.tally, k.longest.Round(time.Millisecond))
	k.demandTraffic(t)
	if v.tally.handovers == 0 {
		t.Errorf("too little happened to judge by: %s", v.tally)
	}
	for _, l := range g.Logs() { // the vendors were well all the time
		if l.Is("circuit breaker changed", "to", "open") {
			t.Errorf("the death of an adapter was held against its vendor: %s", l.Raw)
		}
	}
}

// killer kills adapters.
type killer struct {
	*traffic
	gateway   *harness.Gateway
	rnd       *rand.Rand
	kills     int
	incidents []incident
	stops     []incident // orderly restarts
	longest   time.Duration
}

// run kills until every adapter has had its share of this run of the gateway.
func (k *killer) run(t *testing.T) {
	t.Helper()
	left := map[string]int{"native": killsPerRun, "botwebhook": killsPerRun, "aicc": killsPerRun}
	for left["native"]+left["botwebhook"]+left["aicc"] > 0 {
		pause(k.ctx, time.Duration(k.rnd.IntN(300))*time.Millisecond)
		var victims []string
		for _, name := range []string{"native", "botwebhook", "aicc"} {
			if left[name] > 0 && len(victims) < 2 && k.rnd.IntN(3) == 0 {
				victims = append(victims, name)
				left[name]--
			}
		}
		k.kill(t, victims)
	}
}

// kill ends these adapters and returns when others serve in their place.
func (k *killer) kill(t *testing.T, names []string) {
	t.Helper()
	line := len(k.gateway.Logs())
	victims := make([]harness.Process, len(names))
	for i, name := range names {
		victims[i] = k.gateway.Plugin(t, name)
	}
	killed := time.Now()
	for _, p := range victims {
		p.Kill()
	}
	for i, name := range names {
		harness.Eventually(t, harness.Patience, name+" serves again", func() string {
			for _, l := range k.gateway.Logs()[line:] {
				if pid, _ := l.Fields["pid"].(float64); l.Is("adapter ready", "adapter", name) && int(pid) != victims[i].PID {
					return ""
				}
			}
			return fmt.Sprintf("%d lines of log, none says so", len(k.gateway.Logs())-line)
		})
		now := time.Now()
		k.kills++
		k.longest = max(k.longest, now.Sub(killed))
		k.incidents = append(k.incidents, incident{killed, now, channels[name]})
	}
}

// demandTraffic demands that customers' calls failed only while their own adapter, or the whole gateway, was away, and that
// messages were taken while others were.
func (k *killer) demandTraffic(t *testing.T) {
	t.Helper()
	meanwhile := 0
	for _, s := range k.said.All() {
		if within(k.incidents, s.at, "faq", "desk") && !within(k.incidents, s.at, "livechat") {
			meanwhile++
		}
	}
	if meanwhile == 0 {
		t.Error("no message was taken while the adapter of another channel was away")
	}
	for _, r := range k.refused.All() {
		if !within(k.incidents, r.at, "livechat") && !within(k.stops, r.at, "") {
			t.Errorf("a customer's call failed at %s, while the live chat's adapter ran: status %d, %v", r.at.Format(clock), r.status, r.err)
		}
	}
	t.Logf("taken while another adapter was away: %d; refused: %d", meanwhile, k.refused.Len())
}

// within reports whether an incident of one of these channels was going on, or had just ended.
func within(incidents []incident, at time.Time, channels ...string) bool {
	return slices.ContainsFunc(incidents, func(i incident) bool {
		return slices.Contains(channels, i.channel) && at.After(i.from) && at.Before(i.to.Add(500*time.Millisecond))
	})
}
