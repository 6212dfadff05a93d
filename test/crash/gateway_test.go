package crash

import (
	"slices"
	"testing"
	"time"

	"patchbay/test/harness"
)

// routes let an offer expire soon, since some of the agents never come.
const routes = `
  - name: ask-for-a-person
    from: customer
    when: owner_role == "bot" && mentions(["agent"])
    say: One moment, I am looking for a colleague.
    offer: {to: desk, within: 5s}
  - name: nobody-came
    event: offer_failed
    say: Nobody is free right now; I can go on helping.
  - name: agent-left
    event: disconnected
    from: agent
    say: You are back with the assistant.
    pass: home
`

// TestGatewayKilled ends the gateway with its adapters by SIGKILL at random moments, also while it starts.
func TestGatewayKilled(t *testing.T) {
	crashes := number(t, "PATCHBAY_CRASHES", 20)
	s := seed(t)
	tr := newTraffic(t, s)
	g := harness.NewGateway(t, tr.w, harness.Config{Routes: routes})
	tr.begin(60, 100, 150+5*crashes)
	rnd := chance(s, "crashes")
	var incidents []incident
	var restarts []time.Duration
	for n := range crashes {
		if n%6 == 3 { // a stop in order leaves a snapshot, which the next kills are replayed on
			g.Restart(t)
		}
		pause(tr.ctx, time.Duration(rnd.IntN(1200))*time.Millisecond)
		killed := time.Now()
		g.Kill(t)
		started := time.Now()
		g.Launch(t)
		if rnd.IntN(4) == 0 { // the next one comes during the start
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
	tr.until(t, g, func(e *evidence) bool {
		return e.steps("passed") > 0 && e.steps("fenced") > 0 && len(e.said) >= 10*crashes
	})
	tr.finish(t, g)
	v := judge(tr.gather(t, g, incidents))
	v.report(t)
	slices.Sort(restarts)
	t.Logf("crashes=%d %s restart_p50=%s restart_max=%s", len(incidents), v.tally,
		restarts[len(restarts)/2].Round(time.Millisecond), restarts[len(restarts)-1].Round(time.Millisecond))
	if v.tally.handovers == 0 || v.tally.fenced == 0 || v.tally.messages < 10*crashes {
		t.Errorf("too little happened to judge by: %s", v.tally)
	}
}
