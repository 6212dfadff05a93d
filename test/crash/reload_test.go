package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"patchbay/test/harness"
)

// TestReloadsUnderLoad reloads the configuration while customers, bots and agents write. Half of the configurations are
// broken. No message may be lost, reordered, repeated or refused, and exactly one revision must decide on each message
// of a customer. PATCHBAY_RELOADS sets the number of reloads.
func TestReloadsUnderLoad(t *testing.T) {
	reloads := envInt(t, "PATCHBAY_RELOADS", 40)
	s := seed(t)
	tr := newTraffic(t, s)
	g := harness.NewGateway(t, tr.w, revisionConfig(t, 0, newRand(s, "first")))
	tr.start(30, 60, 100*reloads)
	rnd := newRand(s, "reloads")
	var applied, refused, replaced int
	var slowest time.Duration
	for n := 1; n <= reloads; n++ {
		pause(tr.ctx, time.Duration(rnd.IntN(60))*time.Millisecond)
		c := revisionConfig(t, n, rnd)
		broken := n%2 == 0 && n < reloads
		if broken {
			breakConfig(&c, rnd)
		}
		g.Configure(t, c)
		before := time.Now()
		r := g.Reload(t, false)
		slowest = max(slowest, time.Since(before))
		switch {
		case broken && r.Result != "refused", !broken && r.Result != "applied":
			t.Fatalf("reload %d, broken %v: %+v", n, broken, r)
		case broken:
			refused++
		default:
			applied++
			replaced += len(r.Replaced)
		}
	}
	tr.waitForTraffic(t, g, func(e *evidence) bool { return e.count("passed") > 0 && len(e.messages) >= reloads })
	tr.finish(t, g)
	e := tr.gather(t, g, nil)
	v := evaluate(e)
	v.report(t)
	decided := checkRevisions(t, e)
	t.Logf("applied=%d refused=%d replaced_processes=%d slowest=%s rules=%d %s", applied, refused, replaced,
		slowest.Round(time.Millisecond), decided, v.tally)
	if list := tr.refused.All(); len(list) > 0 {
		t.Errorf("%d calls were refused, the first with status %d: %v", len(list), list[0].status, list[0].err)
	}
	if got := g.Metric(t, "patchbay_config_reloads_total", "result", "applied"); int(got) != applied {
		t.Errorf("%v reloads are counted as applied, want %d", got, applied)
	}
	if replaced == 0 || v.tally.handovers == 0 {
		t.Errorf("too few events to check: %d processes replaced, %s", replaced, v.tally)
	}
	harness.Eventually(t, harness.Timeout, "three plugin processes are running", func() string {
		if n := len(g.PluginProcesses()); n != 3 {
			return fmt.Sprintf("%d are running", n)
		}
		return ""
	})
}

// revisionConfig returns a valid configuration. The name of its first rule contains n. Some configurations need new
// plugin processes. None removes the desk: the gateway would then send messages without an answer again, and the oracle
// would count them as repeated.
func revisionConfig(t *testing.T, n int, rnd *rand.Rand) harness.Config {
	t.Helper()
	mark := fmt.Sprintf("\n  - {name: rev-%d, from: customer, set: {revision: \"%d\"}, continue: true}", n, n)
	c := harness.Config{Routes: mark + routes, Settings: map[string][]string{}, Extra: map[string][]string{}}
	switch rnd.IntN(8) {
	case 0:
		c.Settings["faq"] = []string{fmt.Sprintf("custom_variables: {revision: \"%d\"}", n)}
	case 1:
		c.Settings["desk"] = []string{fmt.Sprintf("token_life: %ds", 600+n)}
	case 2:
		link := filepath.Join(t.TempDir(), "native")
		if err := os.Symlink(harness.Binary("native"), link); err != nil {
			t.Fatal(err)
		}
		c.Programs = map[string]string{"native": link}
	case 3:
		c.Extra["faq"] = []string{fmt.Sprintf("delivery: {concurrency: %d}", 1+rnd.IntN(16))}
	}
	return c
}

// breakConfig adds a mistake to a configuration.
func breakConfig(c *harness.Config, rnd *rand.Rand) {
	switch rnd.IntN(5) {
	case 0:
		c.Routes += "  - {name: broken, when: nobody == 1, drop: true}\n"
	case 1:
		c.Routes += "  - [\n"
	case 2: // a mistake that only the adapter finds
		c.Settings["desk"] = append(c.Settings["desk"], "poll_interval: 1ms", "inbound: poll")
	case 3:
		c.Programs = map[string]string{"botwebhook": "/nowhere/botwebhook"}
	case 4: // a change that needs a restart
		c.Limits = []string{"media: {keep: 25h}"}
	}
}

// checkRevisions checks that exactly one revision decided on each customer's message, and that no older revision
// decided after a newer one in a conversation. It returns the number of revisions that decided on a message.
func checkRevisions(t *testing.T, e *evidence) int {
	t.Helper()
	seen := map[string]bool{}
	for user, trails := range e.trails {
		for i := range trails {
			byEnvelope := map[string][]string{}
			newest := 0
			for _, entry := range trails[i].Entries {
				for _, rule := range strings.Split(entry.Rule, ", ") {
					var n int
					if _, err := fmt.Sscanf(rule, "rev-%d", &n); err != nil || entry.Step != "routed" || entry.Kind != "message" {
						continue
					}
					byEnvelope[entry.Envelope] = append(byEnvelope[entry.Envelope], rule)
					seen[rule] = true
					if n < newest {
						t.Errorf("%s: %s decided after rev-%d", user, rule, newest)
					}
					newest = max(newest, n)
				}
			}
			for _, accepted := range trails[i].Find("accepted") {
				if accepted.Channel != "livechat" || accepted.Kind != "message" {
					continue
				}
				if rules := byEnvelope[accepted.Envelope]; len(rules) != 1 {
					t.Errorf("%s: message %s was decided by %v, want one revision", user, accepted.VendorID, slices.Clone(rules))
				}
			}
		}
	}
	return len(seen)
}
