package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/native"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// polling contains the settings of a desk that the gateway polls.
var polling = []string{"inbound: poll", "poll_interval: 200ms"}

func newDeskSystem(t *testing.T, o aicc.Options, settings ...string) *system {
	t.Helper()
	return newSystem(t, harness.Vendors{Desk: o}, harness.Config{Settings: map[string][]string{"desk": settings}})
}

// Deployments of AICC differ in their signatures, tokens and events, and some have a robot or must be polled.
func TestDeploymentsOfTheDeskWorkTheSame(t *testing.T) {
	t.Parallel()
	robot := func(question string) string { return "robot: " + question }
	tests := []struct {
		name     string
		o        aicc.Options
		settings []string
	}{
		{"time with milliseconds", aicc.Options{Stamp: aicc.StampMillis}, nil},
		{"time as a number", aicc.Options{Stamp: aicc.StampEpoch}, nil},
		{"host without its port", aicc.Options{BareHost: true}, nil},
		{"three signed headers", aicc.Options{SignHeaders: []string{"content-length", "content-type", "host"}}, nil},
		{"tokens in quotes", aicc.Options{QuoteTokens: true}, nil},
		{"connect events", aicc.Options{ConnectEvent: true}, nil},
		{"robot before the agents", aicc.Options{Robot: robot, Greeting: "I am a robot."}, []string{"transfer: true"}},
		{"polled", aicc.Options{PushOff: true}, polling},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newDeskSystem(t, tt.o, tt.settings...)
			s.connectAgent(t, "ann")
			s.say(t, "ann", "Hello Kim")
			s.expectAtDesk(t, "ann", "Hello Kim")
			if err := s.Desk.Hangup(deskID("ann")); err != nil {
				t.Fatal(err)
			}
			s.expectHandover(t, "ann", "Assistant")
			s.expectNothingPending(t, "ann")
			s.expectNoProblems(t)
		})
	}
}

func TestRuleReadsTheReasonOfADeclinedOffer(t *testing.T) {
	t.Parallel()
	for text, refusal := range map[string]simulator.Fault{
		"reason outside_hours":   {Code: 12, Text: aicc.ReasonClosed},
		"reason no_agent":        {Code: 13, Text: aicc.ReasonNoCCUCS},
		"reason robot_not_ready": {Code: 13, Text: aicc.ReasonRobotInit},
		"reason no_channel":      {Code: 13, Text: aicc.ReasonNoChannel},
		"reason send_failed":     {Code: 13, Text: aicc.ReasonSend},
		"reason failed":          {Code: 90001, Text: "whatever"},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, harness.Vendors{}, harness.Config{Routes: `
  - name: ask-for-an-agent
    from: customer
    when: owner_role == "bot" && mentions(["human"])
    offer: {to: desk, within: 60s}
  - name: offer-failed
    event: offer_failed
    when: '"reason " + reason == "` + text + `"'
    say: Not now.
`})
			refusal.Kind, refusal.Endpoint = simulator.Refuse, aicc.EndpointSend
			s.Desk.Faults.Add(refusal)
			s.say(t, "ann", "I want a human")
			s.expect(t, "ann", "system", "Not now.")
		})
	}
}

func TestOfflineMessageIsSentAfterATimeout(t *testing.T) {
	t.Parallel()
	s := newDeskSystem(t, aicc.Options{}, "offline_messages: true")
	s.connectAgent(t, "ann")
	if err := s.Desk.TimeOut(deskID("ann"), true); err != nil {
		t.Fatal(err)
	}
	s.expect(t, "ann", "system", "No agent answered in time. You can leave a message.")
	s.say(t, "ann", "Call me back")
	s.expectAtDesk(t, "ann", "Call me back")
	if c, _ := s.Desk.Chat(deskID("ann")); c.State != aicc.StateOffline {
		t.Errorf("the chat is %s, want %s", c.State, aicc.StateOffline)
	}
}

func TestBothPushKeysAreAcceptedDuringAKeyChange(t *testing.T) {
	t.Parallel()
	next := strings.Repeat("k9", 22)[:43]
	s := newSystem(t, harness.Vendors{}, harness.Config{
		Verify: `{mode: signature, secret_key: ` + next + `, previous_secret_key: "${env:AICC_PUSH_KEY}"}`})
	s.connectAgent(t, "ann")
	s.Desk.SetPushKey(next)
	s.agentSays(t, "ann", "Signed by the new key.")
	s.expect(t, "ann", "agent", "Signed by the new key.")
	s.expectNoProblems(t)
}

const logo = "\x89PNG\r\n\x1a\nlogo"

// downloadMedium downloads the only medium of an answer.
func downloadMedium(t *testing.T, a native.Answer) string {
	t.Helper()
	var body struct {
		Payload struct{ Media []struct{ URL string } }
	}
	if err := json.Unmarshal(a.Body, &body); err != nil || len(body.Payload.Media) != 1 {
		t.Fatalf("answer %s: %v", a.Body, err)
	}
	r, err := http.NewRequestWithContext(harness.TestContext(t), http.MethodGet, body.Payload.Media[0].URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("download %s: %s, %v", body.Payload.Media[0].URL, resp.Status, err)
	}
	return string(content)
}

func TestAgentsImagesReachTheCustomerInEachForm(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		o        aicc.Options
		settings []string
	}{
		"as a stream":         {aicc.Options{}, nil},
		"as a link":           {aicc.Options{FileLinks: aicc.FileLinkOnly}, nil},
		"as both":             {aicc.Options{FileLinks: aicc.FileLinkToo}, nil},
		"by its type, polled": {aicc.Options{StrictFileType: true, PushOff: true}, polling},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newDeskSystem(t, tc.o, tc.settings...)
			s.connectAgent(t, "ann")
			s.Desk.AddLibraryFile("logo", "png", []byte(logo))
			if _, err := s.Desk.SayMedia(deskID("ann"), "IMAGE", "logo"); err != nil {
				t.Fatal(err)
			}
			hasImage := func(a native.Answer) bool { return len(a.Payload.Media) == 1 }
			if got := downloadMedium(t, s.expectAnswer(t, "ann", "the library's image", hasImage)); got != logo {
				t.Errorf("the link returns %q, want %q", got, logo)
			}
			if _, err := s.Desk.SendFile(deskID("ann"), "IMAGE", "png", []byte(logo+"2")); err != nil {
				t.Fatal(err)
			}
			if got := downloadMedium(t, s.expectAnswer(t, "ann", "the agent's image", hasImage)); got != logo+"2" {
				t.Errorf("the link returns %q, want %q", got, logo+"2")
			}
		})
	}
}
