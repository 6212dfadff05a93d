package crash

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"patchbay/test/harness"
)

// channels contains the channel of each adapter.
var channels = map[string]string{"native": "livechat", "botwebhook": "faq", "aicc": "desk"}

// killsPerRun is the maximum number of kills of an adapter between two restarts of the gateway. The fifth crash within
// two minutes would lead to quarantine.
const killsPerRun = 4

// TestAdapterKills kills the processes of one or two adapters at a time, at random moments. Calls of other channels
// must not fail.
func TestAdapterKills(t *testing.T) {
	s := seed(t)
	tr := newTraffic(t, s)
	g := harness.NewGateway(t, tr.w, harness.Config{Routes: routes})
	tr.start(60, 100, 250)
	k := &adapterKiller{traffic: tr, gateway: g, rnd: newRand(s, "plugins")}
	for k.kills < 30 {
		if k.kills > 0 { // an orderly stop is not an incident, because it must not interrupt a call
			from := time.Now()
			g.Restart(t)
			k.restarts = append(k.restarts, incident{from: from, to: time.Now()})
		}
		k.run(t)
	}
	tr.waitForTraffic(t, g, func(e *evidence) bool { return e.count("passed") > 0 })
	tr.finish(t, g)
	v := evaluate(tr.gather(t, g, k.incidents))
	v.report(t)
	t.Logf("kills=%d %s down_max=%s", k.kills, v.tally, k.longest.Round(time.Millisecond))
	k.checkRequests(t)
	if v.tally.handovers == 0 {
		t.Errorf("too few events to check: %s", v.tally)
	}
	for _, l := range g.Logs() { // the vendors did not fail
		if l.Matches("circuit breaker opened") {
			t.Errorf("a circuit breaker opened after a crash of an adapter: %s", l.Raw)
		}
	}
}

// adapterKiller kills plugin processes and records the incidents.
type adapterKiller struct {
	*traffic
	gateway   *harness.Gateway
	rnd       *rand.Rand
	kills     int
	faults    int
	incidents []incident
	restarts  []incident    // orderly restarts
	longest   time.Duration // from a kill until the new process is ready
}

// run kills the process of each adapter killsPerRun times.
func (k *adapterKiller) run(t *testing.T) {
	t.Helper()
	remaining := map[string]int{"native": killsPerRun, "botwebhook": killsPerRun, "aicc": killsPerRun}
	for remaining["native"]+remaining["botwebhook"]+remaining["aicc"] > 0 {
		pause(k.ctx, time.Duration(k.rnd.IntN(300))*time.Millisecond)
		var names []string
		for _, name := range []string{"native", "botwebhook", "aicc"} {
			if remaining[name] > 0 && len(names) < 2 && k.rnd.IntN(3) == 0 {
				names = append(names, name)
				remaining[name]--
			}
		}
		k.kill(t, names)
	}
}

// kill kills the processes of adapters and returns when the next processes are ready.
func (k *adapterKiller) kill(t *testing.T, names []string) {
	t.Helper()
	line := len(k.gateway.Logs())
	old := make([]harness.Process, len(names))
	for i, name := range names {
		old[i] = k.gateway.PluginProcess(t, name)
	}
	killed := time.Now()
	for _, p := range old {
		p.Kill()
	}
	for i, name := range names {
		harness.Eventually(t, harness.Timeout, name+" is ready again", func() string {
			for _, l := range k.gateway.Logs()[line:] {
				if pid, _ := l.Fields["pid"].(float64); l.Matches("adapter ready", "adapter", name) && int(pid) != old[i].PID {
					return ""
				}
			}
			return fmt.Sprintf("not in the %d log lines since the kill", len(k.gateway.Logs())-line)
		})
		now := time.Now()
		k.kills++
		k.longest = max(k.longest, now.Sub(killed))
		k.incidents = append(k.incidents, incident{killed, now, channels[name]})
	}
}

// checkRequests checks that customers' calls failed only while the adapter of livechat or the gateway was down, and
// that messages were accepted while other adapters were down.
func (k *adapterKiller) checkRequests(t *testing.T) {
	t.Helper()
	accepted := 0
	for _, s := range k.sent.All() {
		if duringIncident(k.incidents, s.at, "faq", "desk") && !duringIncident(k.incidents, s.at, "livechat") {
			accepted++
		}
	}
	if accepted == 0 {
		t.Error("no message was accepted while the adapter of another channel was down")
	}
	for _, r := range k.refused.All() {
		if !duringIncident(k.incidents, r.at, "livechat") && !duringIncident(k.restarts, r.at, "") {
			t.Errorf("a customer's call failed at %s while the live chat's adapter was running: status %d, %v",
				r.at.Format(clock), r.status, r.err)
		}
	}
	t.Logf("accepted while another adapter was down: %d; refused: %d", accepted, k.refused.Len())
}

// duringIncident reports whether at is in an incident of one of these channels, or at most 500 ms after it.
func duringIncident(incidents []incident, at time.Time, channels ...string) bool {
	return slices.ContainsFunc(incidents, func(i incident) bool {
		return slices.Contains(channels, i.channel) && at.After(i.from) && at.Before(i.to.Add(500*time.Millisecond))
	})
}
