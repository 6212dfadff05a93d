package e2e

import (
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"

	"github.com/google/go-cmp/cmp"

	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/native"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// causeEvents causes the events that metrics count and that are logged. It returns texts that must not be logged.
func (s *system) causeEvents(t *testing.T) (canaries []string) {
	t.Helper()
	canary := func() string {
		c := "canary" + rand.Text()
		canaries = append(canaries, c)
		return c
	}
	hello := canary()
	s.say(t, "ann", hello, native.WithMessageID("id-1"), native.WithData(canary()))
	s.say(t, "ann", hello, native.WithMessageID("id-1"))
	s.expect(t, "ann", "bot", "You said: "+hello)
	old := s.botCall(t, hello).Conversation.ID

	s.connectAgent(t, "ann")
	toAgent, fenced := canary(), canary()
	s.say(t, "ann", toAgent)
	s.expectAtDesk(t, "ann", toAgent)
	if err := s.Bots.Answer(old, botwebhook.Answer{Text: fenced}); err != nil {
		t.Fatal(err)
	}
	fromAgent := canary()
	s.agentSays(t, "ann", fromAgent)
	s.expect(t, "ann", "agent", fromAgent)
	if err := s.Desk.Hangup(deskID("ann")); err != nil {
		t.Fatal(err)
	}
	s.expectHandover(t, "ann", "Assistant")

	s.Bots.Faults.Add(simulator.Fault{
		Kind: simulator.Status, Endpoint: botwebhook.EndpointMessage, Status: http.StatusNotFound, Count: 1,
	})
	s.say(t, "ben", canary())
	s.Livechat.Faults.Add(simulator.Fault{Kind: simulator.Reset, Endpoint: native.EndpointReply, Count: 1})
	after := canary()
	s.say(t, "ben", after)
	s.expect(t, "ben", "bot", "You said: "+after)
	for _, invalid := range []native.Option{
		func(m *native.Message) { m.AccessToken = canary() },
		func(m *native.Message) { m.Payload.UserInfo.ID = canary() },
		func(m *native.Message) { m.Body = []byte(`{"payload":"` + canary() + `"`) },
	} {
		status, _, err := s.Livechat.Say(harness.TestContext(t), "eve", canary(), invalid)
		if err != nil || status == http.StatusOK {
			t.Errorf("an invalid call: status %d, %v", status, err)
		}
	}
	if err := s.Bots.PushRaw(old, []byte(`{"message_id":"x","`+canary()+`":1}`)); err != nil {
		t.Fatal(err)
	}
	// The trails have no delay. The metrics count dead letters at intervals.
	for user, step := range map[string]string{"ann": "fenced", "ben": "dead"} {
		harness.Eventually(t, harness.Timeout, step+" in the trail of "+user, func() string {
			if len(s.TraceOne(t, user).Find(step)) == 0 {
				return "not yet"
			}
			return ""
		})
	}
	return canaries
}

func TestMetricsMatchTheGoldenFileAndPassPromtool(t *testing.T) {
	t.Parallel()
	once := harness.Retry
	once.Attempts = 1
	s := newSystem(t, harness.Vendors{Retry: &once}, harness.Config{})
	s.causeEvents(t)
	checkWithPromtool(t, s)
	var got []string
	families := s.Scrape(t)
	for name, f := range families {
		ofAdapter := strings.HasPrefix(name, "patchbay_plugin_") && name != "patchbay_plugin_scrape_up"
		if strings.HasPrefix(name, "patchbay_") && !ofAdapter {
			got = append(got, describeFamily(f))
		}
	}
	slices.Sort(got)
	golden, err := os.ReadFile(filepath.Join(harness.Root(), "core", "internal", "telemetry", "testdata", "metrics.golden"))
	if err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(strings.Split(strings.TrimSpace(string(golden)), "\n"), func(line string) bool {
		// This system has no subscription and serves no media.
		return strings.HasPrefix(line, "patchbay_subscription_up ") || strings.HasPrefix(line, "patchbay_media_served_total ")
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	for _, name := range []string{"go_goroutines", "process_resident_memory_bytes"} {
		if families[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
}

func checkWithPromtool(t *testing.T, s *system) {
	t.Helper()
	promtool, err := exec.Command("./promtool.sh").Output()
	if err != nil {
		if exit, ok := err.(*exec.ExitError); ok {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		t.Fatalf("find promtool: %v", err)
	}
	status, page := s.Get("/metrics")
	if status != http.StatusOK {
		t.Fatalf("/metrics: %d: %s", status, page)
	}
	check := exec.Command(strings.TrimSpace(string(promtool)), "check", "metrics")
	check.Stdin = strings.NewReader(page)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// describeFamily returns the name, type and labels of a metric in the format of the golden file.
func describeFamily(f *dto.MetricFamily) string {
	labels := map[string]bool{}
	for _, m := range f.GetMetric() {
		for _, l := range m.GetLabel() {
			labels[l.GetName()] = true
		}
	}
	names := strings.Join(slices.Sorted(maps.Keys(labels)), ",")
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", f.GetName(), strings.ToLower(f.GetType().String()), names))
}

// The log level is debug, at which the gateway logs most.
func TestLogsAndPagesContainNoTextsAndNoSecrets(t *testing.T) {
	t.Parallel()
	once := harness.Retry
	once.Attempts = 1
	s := newSystem(t, harness.Vendors{Retry: &once}, harness.Config{Limits: []string{"log: {level: debug}"}})
	private := append(s.causeEvents(t), s.Secrets.AccessToken, s.Secrets.ReplyToken, s.Secrets.APIKey, s.Secrets.WebhookToken,
		s.Secrets.AppSecret, s.Secrets.PushKey)
	first := s.PluginProcess(t, "native")
	first.Kill()
	s.awaitRestart(t, "native", first)
	_, ready := s.Ready()
	_, metrics := s.Get("/metrics")
	_, trace := s.Get("/api/trace?id=ann&id=ben")
	_, dead := s.Get("/api/dead-letters")
	s.Stop(t)
	pages := map[string]string{"readyz": ready, "metrics": metrics, "trace": trace, "dead letters": dead}
	for i, l := range s.Logs() {
		pages[fmt.Sprintf("line %d of the log output", i)] = l.Raw
		if l.Fields == nil || l.Text("level") == "" || l.Text("msg") == "" || l.Text("time") == "" {
			t.Errorf("line %d of the log output is not a JSON object with time, level and msg: %s", i, l.Raw)
		}
	}
	for where, text := range pages {
		for _, p := range private {
			if strings.Contains(text, p) {
				t.Errorf("%s contains %q: %s", where, p, text)
			}
		}
	}
}

func TestOrdinaryMessagesAreNotLogged(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	s.connectAgent(t, "carl")
	s.say(t, "ann", "hello")
	s.expect(t, "ann", "bot", greeting)
	before := len(s.Logs())
	for i := range 20 {
		text := fmt.Sprintf("message %d", i)
		s.say(t, "ann", text)
		s.expect(t, "ann", "bot", "You said: "+text)
		s.say(t, "carl", text)
		s.expectAtDesk(t, "carl", text)
		s.agentSays(t, "carl", text)
		s.expect(t, "carl", "agent", text)
	}
	s.expectNothingPending(t, "ann")
	s.Stop(t) // logs a line after all others
	var lines []string
	for _, l := range s.Logs()[before:] {
		if l.Matches("stopping") {
			break
		}
		lines = append(lines, l.Raw)
	}
	if len(lines) > 0 {
		t.Errorf("60 ordinary messages caused %d log lines:\n%s", len(lines), strings.Join(lines, "\n"))
	}
}
