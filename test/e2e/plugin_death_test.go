package e2e

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/native"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// crowd is a number of customers who send messages concurrently: half of them to the bot, half to an agent.
type crowd struct {
	*system
	bots, agents []string
	said         map[string][]string // messages by customer
	answered     map[string][]string // agent's messages by customer
	refused      atomic.Int64        // customers' calls
	killed       []time.Time         // times of the kills
}

func newCrowd(t *testing.T, s *system, n int) *crowd {
	t.Helper()
	c := &crowd{system: s, said: map[string][]string{}, answered: map[string][]string{}}
	for i := range n {
		bot, agent := fmt.Sprintf("bot-%d", i), fmt.Sprintf("agent-%d", i)
		c.bots, c.agents = append(c.bots, bot), append(c.agents, agent)
		s.connectAgent(t, agent)
		c.answered[agent] = []string{"This is Kim."}
	}
	return c
}

// exchange sends one message from each customer and each agent, and repeats refused calls.
func (c *crowd) exchange(t *testing.T, round string) {
	t.Helper()
	var calls sync.WaitGroup
	for _, user := range slices.Concat(c.bots, c.agents) {
		text := fmt.Sprintf("%s sends %s", user, round)
		c.said[user] = append(c.said[user], text)
		calls.Go(func() {
			ctx := harness.TestContext(t)
			status, body, err := c.Livechat.Say(ctx, user, text)
			for ; err == nil && status == http.StatusServiceUnavailable; status, body, err = c.Livechat.Say(ctx, user, text) {
				c.refused.Add(1)
			}
			if err != nil || status != http.StatusOK {
				t.Errorf("%q: status %d, %s, %v; want 200", text, status, body, err)
			}
		})
	}
	for _, user := range c.agents {
		text := fmt.Sprintf("Kim sends %s %s", user, round)
		c.answered[user] = append(c.answered[user], text)
		c.agentSays(t, user, text)
	}
	calls.Wait()
}

// expectAll waits until all messages have arrived, in order. A vendor without idempotency keys can get one call
// twice for each death.
func (c *crowd) expectAll(t *testing.T, deaths int) {
	t.Helper()
	for _, user := range c.bots {
		var echo []string
		for _, text := range c.said[user] {
			echo = append(echo, "You said: "+text)
		}
		expectInOrder(t, "bot to "+user, echo, deaths, func() []string { return c.textsFrom(user, "bot") })
	}
	for _, user := range c.agents {
		expectInOrder(t, "agent to "+user, c.answered[user], 0, func() []string { return c.textsFrom(user, "agent") })
		expectInOrder(t, user+" to the agent", append([]string{"I want a human"}, c.said[user]...), deaths,
			func() []string { return c.deskTexts(user) })
	}
}

// expectInOrder waits for the last text of want and checks that got returns want, with at most duplicates
// repetitions of the text before.
func expectInOrder(t *testing.T, what string, want []string, duplicates int, got func() []string) {
	t.Helper()
	harness.Eventually(t, harness.Timeout, what+": all messages", func() string {
		if all := got(); len(all) == 0 || all[len(all)-1] != want[len(want)-1] {
			return fmt.Sprintf("got %d of %d", len(all), len(want))
		}
		return ""
	})
	all := got()
	unique := slices.Compact(slices.Clone(all))
	if !slices.Equal(unique, want) || len(all)-len(unique) > duplicates {
		t.Errorf("%s: %q, want %q with at most %d duplicates", what, all, want, duplicates)
	}
}

// killProcess kills an adapter's plugin process.
func (c *crowd) killProcess(t *testing.T, p harness.Process) {
	t.Helper()
	c.killed = append(c.killed, time.Now())
	p.Kill()
}

// expectNoEarlyRefusals checks that no webhook was refused unless its adapter was away longer than the gateway
// holds calls.
func (c *crowd) expectNoEarlyRefusals(t *testing.T) {
	t.Helper()
	const holdTime = 3 * time.Second
	away := map[string]time.Duration{} // longest time
	for _, l := range c.Logs() {
		at, err := time.Parse(time.RFC3339Nano, l.Text("time"))
		if !l.Matches("adapter ready") || err != nil {
			continue
		}
		for _, killed := range slices.Backward(c.killed) {
			if killed.Before(at) {
				away[l.Text("adapter")] = max(away[l.Text("adapter")], at.Sub(killed))
				break
			}
		}
	}
	refused := map[string]int{"native": int(c.refused.Load())}
	for name, pushed := range map[string][]simulator.Outcome{
		"botwebhook": c.Bots.Outcomes.All(), "aicc": c.Desk.Outcomes.All(),
	} {
		for _, o := range pushed {
			refused[name] += max(o.Attempts-1, 0)
		}
	}
	for name, n := range refused {
		if n > 0 && away[name] < holdTime {
			t.Errorf("%d calls to %s were refused; it was away for at most %s, and calls are held for %s",
				n, name, away[name], holdTime)
		}
	}
}

// Each adapter is killed while its calls hang, under traffic, and again before it has recovered.
func TestKilledPluginProcessLosesNothing(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{Desk: aicc.Options{ConnectEvent: true}}, harness.Config{})
	c := newCrowd(t, s, 3)
	pids := map[string]harness.Process{}
	for _, name := range []string{"native", "botwebhook", "aicc"} {
		pids[name] = s.PluginProcess(t, name)
	}
	for _, k := range []struct {
		adapter, endpoint string
		faults            *simulator.Faults
	}{
		{"botwebhook", botwebhook.EndpointMessage, &s.Bots.Faults},
		{"aicc", aicc.EndpointSend, &s.Desk.Faults},
		{"native", native.EndpointReply, &s.Livechat.Faults},
	} {
		t.Run(k.adapter, func(t *testing.T) {
			k.faults.Add(simulator.Fault{Kind: simulator.Hang, Endpoint: k.endpoint, Count: 3})
			before := k.faults.Hits.Len()
			c.exchange(t, "one, "+k.adapter)
			within(t, harness.Timeout, "calls hang", func(ctx context.Context) error {
				return k.faults.Hits.Wait(ctx, func(all []simulator.Hit) bool { return len(all) >= before+3 })
			})
			c.killProcess(t, pids[k.adapter])
			c.exchange(t, "two, "+k.adapter)
			c.expectAll(t, deathsSoFar(k.adapter))

			second := s.awaitRestart(t, k.adapter, pids[k.adapter])
			c.killProcess(t, second) // the next start is delayed, unless the death is blamed on one call
			c.exchange(t, "three, "+k.adapter)
			pids[k.adapter] = s.awaitRestart(t, k.adapter, second)
			c.exchange(t, "four, "+k.adapter)
			c.expectAll(t, deathsSoFar(k.adapter))

			harness.Eventually(t, harness.Timeout, "readyz", func() string {
				if status, body := s.Ready(); status != http.StatusOK || !strings.HasSuffix(body, "\nready\n") {
					return body
				}
				return ""
			})
			if n := s.Metric(t, "patchbay_adapter_restarts_total", "adapter", k.adapter); n != 2 {
				t.Errorf("restarts of %s: %v, want 2", k.adapter, n)
			}
			s.expectOthersUnaffected(t, k.adapter, pids)
		})
	}
	for _, user := range slices.Concat(c.bots, c.agents) {
		s.expectNothingPending(t, user)
	}
	c.expectNoEarlyRefusals(t)
	if n := s.Metric(t, "patchbay_dead_letters_total"); n != 0 {
		t.Errorf("%v dead letters, want none", n)
	}
	s.expectLoggedEnds(t, slices.Collect(maps.Keys(pids)))
}

// expectOthersUnaffected checks that all plugin processes run, and that only the killed adapter has a new one.
func (s *system) expectOthersUnaffected(t *testing.T, killed string, pids map[string]harness.Process) {
	t.Helper()
	for name, p := range pids {
		if !p.Running() {
			t.Errorf("%s ended when %s was killed", p, killed)
		}
		if name != killed && s.PluginProcess(t, name).PID != p.PID {
			t.Errorf("%s was replaced when %s was killed", p, killed)
		}
	}
}

// expectLoggedEnds checks that the log has one line for each start and end of the adapters' instances.
func (s *system) expectLoggedEnds(t *testing.T, adapters []string) {
	t.Helper()
	for _, name := range adapters {
		var away []string
		states := 0
		for _, l := range s.Logs() {
			if strings.HasPrefix(l.Text("msg"), "adapter ") && l.Text("adapter") == name && l.Text("level") != "DEBUG" {
				states++
			}
			if l.Matches("adapter ended", "adapter", name) {
				away = append(away, l.Text("reason"))
			}
		}
		if !slices.Equal(away, []string{"exited", "exited"}) {
			t.Errorf("logged ends of %s: %q, want exited twice", name, away)
		}
		if want := len(away) + 3; states != want { // three instances were ready
			t.Errorf("%d log lines about %s, want %d: one for each start and end", states, name, want)
		}
	}
}

// deathsSoFar returns how often adapters have died that deliver to the bot or the desk, up to the end of an
// adapter's subtest.
func deathsSoFar(adapter string) int {
	return 2 * (1 + slices.Index([]string{"botwebhook", "aicc", "native"}, adapter))
}

// awaitRestart waits for the plugin process that replaces a former one.
func (s *system) awaitRestart(t *testing.T, adapter string, former harness.Process) harness.Process {
	t.Helper()
	var p harness.Process
	harness.Eventually(t, harness.Timeout, "a new instance of "+adapter, func() string {
		if p = s.PluginProcess(t, adapter); p.PID == former.PID || s.Metric(t, "patchbay_adapter_up", "adapter", adapter) != 1 {
			return former.String() + " is not replaced"
		}
		return ""
	})
	return p
}

// killPlugin kills the adapter's plugin process if one is running.
func (s *system) killPlugin(t *testing.T, adapter string) {
	t.Helper()
	for _, p := range s.PluginProcesses() {
		if p.Comm == adapter {
			p.Kill()
		}
	}
}
