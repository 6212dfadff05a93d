package crash

import (
	"slices"
	"testing"
	"time"

	"patchbay/test/harness"
)

// routes contains the rules of most tests. Offers expire soon, because some agents never accept.
const routes = `
  - name: offer-to-desk
    from: customer
    when: owner_role == "bot" && mentions(["agent"])
    say: One moment, I am looking for an agent.
    offer: {to: desk, within: 5s}
  - name: no-agent
    event: offer_failed
    say: No agent is free right now; I can continue to help.
  - name: agent-left
    event: disconnected
    from: agent
    say: You are back with the assistant.
    pass: home
`

// TestGatewayKills kills the gateway with SIGKILL at random moments, also during its starts. Its plugin processes end
// with it.
func TestGatewayKills(t *testing.T) {
	t.Parallel()
	crashes := envInt(t, "PATCHBAY_CRASHES", 20)
	s := seed(t)
	tr := newTraffic(t, s)
	g := harness.NewGateway(t, tr.w, harness.Config{Routes: routes})
	tr.start(60, 100, 150+5*crashes)
	rnd := newRand(s, "crashes")
	var incidents []incident
	var restarts []time.Duration
	for n := range crashes {
		if n%6 == 3 { // an orderly stop writes a snapshot, and the next starts use it
			g.Restart(t)
		}
		pause(tr.ctx, time.Duration(rnd.IntN(1200))*time.Millisecond)
		killed := time.Now()
		g.Kill(t)
		started := time.Now()
		g.Launch(t)
		if rnd.IntN(4) == 0 { // kill again during the start
			incidents = append(incidents, incident{from: killed, to: time.Now()})
			pause(tr.ctx, time.Duration(rnd.IntN(300))*time.Millisecond)
			killed = time.Now()
			g.Kill(t)
			started = time.Now()
			g.Launch(t)
		}
		g.AwaitReady(t)
		restarts = append(restarts, time.Since(started))
		incidents = append(incidents, incident{from: killed, to: time.Now()})
	}
	tr.waitForTraffic(t, g, func(e *evidence) bool {
		return e.count("passed") > 0 && e.count("fenced") > 0 && len(e.messages) >= 10*crashes
	})
	tr.finish(t, g)
	v := evaluate(tr.gather(t, g, incidents))
	v.report(t)
	slices.Sort(restarts)
	t.Logf("crashes=%d %s restart_p50=%s restart_max=%s", len(incidents), v.tally,
		restarts[len(restarts)/2].Round(time.Millisecond), restarts[len(restarts)-1].Round(time.Millisecond))
	if v.tally.handovers == 0 || v.tally.fenced == 0 || v.tally.messages < 10*crashes {
		t.Errorf("too few events to check: %s", v.tally)
	}
}
