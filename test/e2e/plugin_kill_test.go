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

// traffic sends messages of customers concurrently: half of the customers write to the bot, half to an agent.
type traffic struct {
	*system
	botUsers, agentUsers []string
	customerTexts        map[string][]string // texts of each customer
	agentTexts           map[string][]string // texts of the agent, by customer
	refused              atomic.Int64        // number of refused calls of customers
	killed               []time.Time         // times of the kills
}

func newTraffic(t *testing.T, s *system, n int) *traffic {
	t.Helper()
	c := &traffic{system: s, customerTexts: map[string][]string{}, agentTexts: map[string][]string{}}
	for i := range n {
		bot, agent := fmt.Sprintf("bot-%d", i), fmt.Sprintf("agent-%d", i)
		c.botUsers, c.agentUsers = append(c.botUsers, bot), append(c.agentUsers, agent)
		s.connectAgent(t, agent)
		c.agentTexts[agent] = []string{"This is Kim."}
	}
	return c
}

// exchange sends one message of each customer, and one message of the agent to each customer with an agent. It repeats
// refused calls.
func (c *traffic) exchange(t *testing.T, round string) {
	t.Helper()
	var calls sync.WaitGroup
	for _, user := range slices.Concat(c.botUsers, c.agentUsers) {
		text := fmt.Sprintf("%s sends %s", user, round)
		c.customerTexts[user] = append(c.customerTexts[user], text)
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
	for _, user := range c.agentUsers {
		text := fmt.Sprintf("Kim sends %s %s", user, round)
		c.agentTexts[user] = append(c.agentTexts[user], text)
		c.agentSays(t, user, text)
	}
	calls.Wait()
}

// expectAll waits until all messages have arrived in order. A vendor without idempotency keys can get one call twice
// for each kill.
func (c *traffic) expectAll(t *testing.T, kills int) {
	t.Helper()
	for _, user := range c.botUsers {
		var answers []string
		for _, text := range c.customerTexts[user] {
			answers = append(answers, "You said: "+text)
		}
		expectInOrder(t, "bot to "+user, answers, kills, func() []string { return c.textsFrom(user, "bot") })
	}
	for _, user := range c.agentUsers {
		expectInOrder(t, "agent to "+user, c.agentTexts[user], 0, func() []string { return c.textsFrom(user, "agent") })
		expectInOrder(t, user+" to the agent", append([]string{"I want a human"}, c.customerTexts[user]...), kills,
			func() []string { return c.deskTexts(user) })
	}
}

// expectInOrder waits until got returns the last text of want. Then got must return want, in which at most the given
// number of texts may be repeated immediately.
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

// killProcess kills a plugin process and records the time.
func (c *traffic) killProcess(t *testing.T, p harness.Process) {
	t.Helper()
	c.killed = append(c.killed, time.Now())
	p.Kill()
}

// expectNoEarlyRefusals checks that webhooks were refused only if their adapter was down for longer than the gateway
// holds calls.
func (c *traffic) expectNoEarlyRefusals(t *testing.T) {
	t.Helper()
	const holdTime = 3 * time.Second
	down := map[string]time.Duration{} // longest time by adapter
	for _, l := range c.Logs() {
		at, err := time.Parse(time.RFC3339Nano, l.Text("time"))
		if !l.Matches("adapter ready") || err != nil {
			continue
		}
		for _, killed := range slices.Backward(c.killed) {
			if killed.Before(at) {
				down[l.Text("adapter")] = max(down[l.Text("adapter")], at.Sub(killed))
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
		if n > 0 && down[name] < holdTime {
			t.Errorf("%d calls to %s were refused; it was down for at most %s, and calls are held for %s",
				n, name, down[name], holdTime)
		}
	}
}

// Each plugin process is killed while its calls hang, and the next process is killed when it is ready.
func TestKilledPluginProcessLosesNothing(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{Desk: aicc.Options{ConnectEvent: true}}, harness.Config{})
	c := newTraffic(t, s, 3)
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
			withTimeout(t, harness.Timeout, "calls hang", func(ctx context.Context) error {
				return k.faults.Hits.Wait(ctx, func(all []simulator.Hit) bool { return len(all) >= before+3 })
			})
			c.killProcess(t, pids[k.adapter])
			c.exchange(t, "two, "+k.adapter)
			c.expectAll(t, killsSoFar(k.adapter))

			second := s.awaitRestart(t, k.adapter, pids[k.adapter])
			c.killProcess(t, second) // delays the next start, unless a call gets the blame
			c.exchange(t, "three, "+k.adapter)
			pids[k.adapter] = s.awaitRestart(t, k.adapter, second)
			c.exchange(t, "four, "+k.adapter)
			c.expectAll(t, killsSoFar(k.adapter))

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
	for _, user := range slices.Concat(c.botUsers, c.agentUsers) {
		s.expectNothingPending(t, user)
	}
	c.expectNoEarlyRefusals(t)
	if n := s.Metric(t, "patchbay_dead_letters_total"); n != 0 {
		t.Errorf("%v dead letters, want none", n)
	}
	s.expectLoggedEnds(t, slices.Collect(maps.Keys(pids)))
}

// expectOthersUnaffected checks that all plugin processes are running, and that only the killed one was replaced.
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

// expectLoggedEnds checks that the log output has one line for each start and each end of a plugin process.
func (s *system) expectLoggedEnds(t *testing.T, adapters []string) {
	t.Helper()
	for _, name := range adapters {
		var reasons []string
		lines := 0
		for _, l := range s.Logs() {
			if strings.HasPrefix(l.Text("msg"), "adapter ") && l.Text("adapter") == name && l.Text("level") != "DEBUG" {
				lines++
			}
			if l.Matches("adapter ended", "adapter", name) {
				reasons = append(reasons, l.Text("reason"))
			}
		}
		if !slices.Equal(reasons, []string{"exited", "exited"}) {
			t.Errorf("logged ends of %s: %q, want exited twice", name, reasons)
		}
		if want := len(reasons) + 3; lines != want { // three instances became ready
			t.Errorf("%d log lines about %s, want %d: one for each start and end", lines, name, want)
		}
	}
}

// killsSoFar returns the number of kills at the end of an adapter's subtest.
func killsSoFar(adapter string) int {
	return 2 * (1 + slices.Index([]string{"botwebhook", "aicc", "native"}, adapter))
}

// awaitRestart waits until a plugin process has replaced a former one and is ready.
func (s *system) awaitRestart(t *testing.T, adapter string, former harness.Process) harness.Process {
	t.Helper()
	var p harness.Process
	harness.Eventually(t, harness.Timeout, "a new instance of "+adapter, func() string {
		p = s.PluginProcess(t, adapter)
		if p.PID == former.PID || s.Metric(t, "patchbay_adapter_up", "adapter", adapter) != 1 {
			return former.String() + " is not replaced"
		}
		return ""
	})
	return p
}

// killPlugin kills the plugin process of an adapter if one is running.
func (s *system) killPlugin(t *testing.T, adapter string) {
	t.Helper()
	for _, p := range s.PluginProcesses() {
		if p.Comm == adapter {
			p.Kill()
		}
	}
}
