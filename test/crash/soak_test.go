package crash

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// maxGrowth is the number of bytes by which the gateway's memory may grow in addition to doubling.
const maxGrowth = 64 << 20

// TestSoak runs traffic with faults for PATCHBAY_SOAK seconds: adapters are killed, vendors fail, and the gateway is
// killed once. No message may be lost. Goroutines and open files may at most double. Memory may double and grow by
// maxGrowth.
func TestSoak(t *testing.T) {
	t.Parallel()
	total := time.Duration(envInt(t, "PATCHBAY_SOAK", 5)) * time.Second
	s := seed(t)
	tr := newTraffic(t, s)
	g := harness.NewGateway(t, tr.w, harness.Config{Routes: routes})
	tr.start(40, 30, 1<<20)
	k := &adapterKiller{traffic: tr, gateway: g, rnd: newRand(s, "soak")}
	half, end, interval := time.Now().Add(total/2), time.Now().Add(total), min(total/10, 10*time.Second)
	k.disturb(t, half, interval)
	killed := time.Now()
	g.Kill(t)
	g.Start(t)
	k.incidents = append(k.incidents, incident{from: killed, to: time.Now()})
	before := measureUsage(t, g)
	k.disturb(t, end, interval)
	after := measureUsage(t, g)
	tr.w.ClearFaults() // otherwise the breaker of the desk can stay open: it allows one call, with a fault, in 10 s
	tr.waitForTraffic(t, g, func(e *evidence) bool { return e.count("passed") > 0 })
	tr.finish(t, g)
	v := evaluate(tr.gather(t, g, k.incidents))
	v.report(t)
	t.Logf("duration=%s faults=%d kills=%d before=%+v after=%+v %s", total, k.faults, k.kills+1, before, after, v.tally)
	if after.memory > 2*before.memory+maxGrowth || after.goroutines > 2*before.goroutines || after.files > 2*before.files {
		t.Errorf("the gateway's usage grew from %+v to %+v", before, after)
	}
	if perSecond := float64(v.tally.messages) / total.Seconds(); perSecond < 10 {
		t.Errorf("%.1f messages per second were accepted, want at least 10", perSecond)
	}
}

// disturb causes one fault per interval until the given time.
func (k *adapterKiller) disturb(t *testing.T, until time.Time, interval time.Duration) {
	t.Helper()
	for pause(k.ctx, min(interval, time.Until(until))) && time.Now().Before(until) {
		k.faults++
		vendor := []*simulator.Faults{&k.w.Bots.Faults, &k.w.Desk.Faults, &k.w.Livechat.Faults}[k.rnd.IntN(3)]
		switch k.rnd.IntN(4) {
		case 0:
			k.kill(t, []string{[]string{"native", "botwebhook", "aicc"}[k.rnd.IntN(3)]})
		case 1:
			vendor.Add(simulator.Fault{Kind: simulator.Reset, Count: burst(k.rnd)})
		default:
			vendor.Add(simulator.Fault{Kind: simulator.Status, Status: 503, Count: burst(k.rnd)})
		}
	}
}

// burst returns a random number of failing calls.
func burst(rnd *rand.Rand) int { return 1 + rnd.IntN(6) }

// usage contains the resources that the gateway's process uses.
type usage struct{ memory, goroutines, files float64 }

func (u usage) String() string {
	return fmt.Sprintf("{%.0f MiB, %.0f goroutines, %.0f files}", u.memory/(1<<20), u.goroutines, u.files)
}

func measureUsage(t *testing.T, g *harness.Gateway) usage {
	t.Helper()
	m := g.Scrape(t)
	u := usage{
		harness.Sum(m["process_resident_memory_bytes"]), harness.Sum(m["go_goroutines"]), harness.Sum(m["process_open_fds"]),
	}
	if u.memory == 0 || u.goroutines == 0 || u.files == 0 {
		t.Fatalf("the usage in the metrics is incomplete: %+v", u)
	}
	return u
}
