package examples

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"patchbay/core/conversationtest"
	"patchbay/sandbox/aicc"
	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/native"
	"patchbay/sandbox/simulator"
	"patchbay/sdk/envelope"
	"patchbay/test/harness"
)

// exampleWorld is a conversationtest.Driver: it runs the configuration of an example with a simulator for each channel.
type exampleWorld struct {
	*testing.T
	*harness.Gateway
	desk      *aicc.Simulator
	chats     map[string]*native.Simulator
	bots      map[string]*botwebhook.Simulator
	proxies   map[string]*native.Proxy // their answers do not reach the gateway
	observers map[string]*harness.Observer
	customers map[string]*exampleCustomer

	down    map[string]bool // whether the calls to a channel fail or wait, by channel
	hours   *exampleHours   // nil if no channel has opening hours
	timeout time.Duration   // of a step: harness.Timeout and the times before the steps so far
}

// exampleCustomer is a customer of a test.
type exampleCustomer struct {
	channel, user string
	// seen contains the numbers of entries that earlier steps have observed: texts by channel, and trail entries in "".
	// The test also counts notices, dead letters and trails.
	seen map[string]int
}

// thread returns the customer's id at bots and desks.
func (c *exampleCustomer) thread() string {
	return envelope.ShortID(c.channel, native.Organization+"/"+native.Chatbot+"/"+c.user)
}

// newExampleWorld starts a gateway with the channels and rules of an example. It replaces the settings of channels by
// those for simulators, and opening hours by hours around the present.
func newExampleWorld(t *testing.T, path string, test *conversationtest.Test) *exampleWorld {
	t.Helper()
	w := &exampleWorld{
		T: t, chats: map[string]*native.Simulator{}, bots: map[string]*botwebhook.Simulator{},
		proxies: map[string]*native.Proxy{}, observers: map[string]*harness.Observer{},
		customers: map[string]*exampleCustomer{}, down: map[string]bool{}, timeout: harness.Timeout,
	}
	var example struct {
		Channels              map[string]map[string]yaml.Node
		Conversations, Routes yaml.Node
	}
	data, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(data, &example)
	}
	if err != nil {
		t.Fatal(err)
	}
	world := harness.NewWorld(t, harness.Vendors{Desk: aicc.Options{ConnectEvent: true}})
	w.desk = world.Desk
	c := harness.Config{
		Omit: []string{"livechat", "faq", "desk"}, Define: map[string]string{}, Conversations: "{}",
		Routes: yamlBelowKey(t, example.Routes),
	}
	if !example.Conversations.IsZero() {
		c.Conversations = yamlBelowKey(t, example.Conversations)
	}
	for name, ch := range example.Channels {
		settings := w.vendor(world, name, ch["adapter"].Value, ch["role"].Value)
		lines := toYAML(t, map[string]any{"settings": settings, "allow": []string{"127.0.0.0/8"}})
		if w.chats[name] != nil { // the channels have one account, so that their paths must differ
			lines += toYAML(t, map[string]any{"path": "/" + name})
		}
		for key, value := range ch {
			switch key {
			case "settings":
			case "hours":
				var present string
				w.hours, present = newExampleHours(t, name, &value, test)
				lines += "hours: " + present + "\n"
			default:
				lines += toYAML(t, map[string]any{key: &value})
			}
		}
		c.Define[name] = lines
	}
	w.Gateway = harness.NewGateway(t, world, c)
	for name, s := range w.chats {
		s.SetGateway(w.Public + "/" + name)
	}
	for _, s := range w.bots {
		s.SetGateway(w.Public)
	}
	return w
}

// yamlBelowKey returns the YAML of a mapping or list, to be placed after its key.
func yamlBelowKey(t *testing.T, v yaml.Node) string { return "\n" + indent(toYAML(t, &v)) }

func toYAML(t *testing.T, v any) string {
	t.Helper()
	out, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n  ")
}

// vendor starts the simulator of a channel and returns the settings of the channel.
func (w *exampleWorld) vendor(world *harness.World, name, adapter, role string) map[string]any {
	switch {
	case adapter == "aicc":
		return map[string]any{
			"base_url": "${env:AICC_URL}", "token_url": "${env:AICC_URL}/apigovernance/api/oauth/tokenByAkSk",
			"app_key": "${env:AICC_APP_KEY}", "app_secret": "${env:AICC_APP_SECRET}", "channel_id": harness.DeskChannel,
			"verify": map[string]string{"mode": "signature", "secret_key": "${env:AICC_PUSH_KEY}"},
		}
	case adapter == "botwebhook":
		s := botwebhook.New(botwebhook.Options{
			Channel: name, APIKey: "key", WebhookToken: "token", Retry: harness.Retry,
			Answer: func(botwebhook.Conversation, []botwebhook.Message) []botwebhook.Answer { return nil },
		})
		w.bots[name] = s
		return map[string]any{"base_url": w.serve(s.Vendor, s.Handler()), "api_key": "key", "webhook_token": "token"}
	case role == "observer":
		s := harness.NewObserver("token")
		w.observers[name] = s
		return map[string]any{"reply_url": w.serve(s.Vendor, s.Handler()) + "/copies", "reply_token": "token"}
	case role == "bot":
		s := native.NewProxy(native.ProxyOptions{AccessToken: "access", WebhookToken: "token", Retry: harness.Retry})
		w.proxies[name] = s
		return map[string]any{
			"organization": native.Organization, "chatbot": native.Chatbot, "access_token": "access",
			"base_url": w.serve(s.Vendor, s.Handler()), "answer_token": "token",
		}
	}
	s := native.New(native.Options{AccessToken: world.Secrets.AccessToken, ReplyToken: "reply"})
	w.chats[name] = s
	return map[string]any{
		"organization": native.Organization, "chatbot": native.Chatbot, "access_token": world.Secrets.AccessToken,
		"reply_url": w.serve(s.Vendor, s.Handler()) + "/replies", "reply_token": "reply",
	}
}

// serve serves a simulator until the test ends, and returns its base address.
func (w *exampleWorld) serve(v *simulator.Vendor, h http.Handler) string {
	srv := httptest.NewServer(h)
	w.Cleanup(func() { v.Faults.Clear(); v.Close(); srv.CloseClientConnections(); srv.Close() })
	return srv.URL
}

// maxWait is the maximum time before a step for which the test waits.
const maxWait = 31 * time.Second

func unsupportedError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", conversationtest.ErrUnsupported, fmt.Sprintf(format, args...))
}

// Do implements conversationtest.Driver. It waits until the expectations of the step are met, at most for w.timeout.
func (w *exampleWorld) Do(_ context.Context, s *conversationtest.Step) (*conversationtest.Observed, error) {
	acts := s.From != "" || s.Channel != "" || s.Operator != ""
	switch {
	case w.hours != nil:
		w.down[w.hours.channel] = !w.hours.open[w.hours.next]
		if err := w.hours.await(s); err != nil {
			return nil, err
		}
	case s.At != nil || s.After > maxWait || s.After > 0 && acts:
		return nil, unsupportedError("its time")
	default:
		w.timeout += s.After // a later step waits for these times
	}
	if s.SenderName != "" || s.SenderRole != "" || len(s.Parts) > 0 {
		return nil, unsupportedError("its sender or its parts")
	}
	if err := w.act(s); err != nil {
		return nil, err
	}
	c := w.customers[s.Customer]
	if c == nil {
		return &conversationtest.Observed{}, nil
	}
	deadline := time.Now().Add(w.timeout)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		trail := w.trails(w.T)[c.thread()]
		o, next := w.observe(c, s, &trail)
		if w.isIdle(&trail) && len(s.Expect.Compare(o)) == 0 || time.Now().After(deadline) {
			c.seen = next
			return o, nil
		}
		<-tick.C
	}
}

func (w *exampleWorld) act(s *conversationtest.Step) error {
	switch {
	case s.Channel != "":
		return w.setCalls(s)
	case s.Operator != "":
		args := []string{"conversation", s.Operator, w.trails(w.T)[w.customers[s.Customer].thread()].ID}
		if s.To != "" {
			args = append(args, s.To)
		}
		if r := w.Gateway.Run(w.T, args...); r.Code != 0 {
			return errors.New(r.Stderr)
		}
		return nil
	case s.From == "":
		return nil
	}
	if chat := w.chats[s.From]; chat != nil {
		return w.actAsCustomer(chat, s)
	}
	c := w.customers[s.Customer]
	if c == nil {
		return fmt.Errorf("customer %s has not written yet", s.Customer)
	}
	switch {
	case w.bots[s.From] != nil:
		return w.actAsBot(w.bots[s.From], c, s)
	case s.From == "desk":
		return w.actAsAgent(c, s)
	}
	return unsupportedError("%s %s", s.From, s.Event)
}

func (w *exampleWorld) actAsCustomer(chat *native.Simulator, s *conversationtest.Step) error {
	if s.Event != "" {
		return unsupportedError("the event %s of a customer", s.Event)
	}
	user := s.Customer
	if s.SenderID != "" {
		user = s.SenderID
	}
	if w.customers[s.Customer] == nil {
		w.customers[s.Customer] = &exampleCustomer{channel: s.From, user: user, seen: map[string]int{}}
	}
	var opts []native.Option
	for name, value := range s.Attributes {
		if name != "native.custom_payload" || !strings.HasPrefix(value, "{") {
			return unsupportedError("the attribute %s", name)
		}
		opts = append(opts, func(m *native.Message) {
			m.Payload.UserData = &native.UserData{CustomPayload: []byte(value)}
		})
	}
	return harness.Say(harness.TestContext(w.T), chat, user, s.Text, opts...)
}

func (w *exampleWorld) actAsBot(bot *botwebhook.Simulator, c *exampleCustomer, s *conversationtest.Step) error {
	if s.Event != "" {
		return unsupportedError("the event %s of a bot", s.Event)
	}
	var threads []botwebhook.Conversation
	harness.Eventually(w.T, harness.Timeout, "a conversation at "+s.From, func() string {
		if threads = bot.Conversations(c.thread()); len(threads) < max(s.Thread, 1) {
			return fmt.Sprintf("%d conversations", len(threads))
		}
		return ""
	})
	n := len(threads)
	if s.Thread > 0 {
		n = s.Thread
	}
	return bot.Answer(threads[n-1].ID, botwebhook.Answer{Text: s.Text})
}

func (w *exampleWorld) actAsAgent(c *exampleCustomer, s *conversationtest.Step) error {
	user := c.thread()
	state := func(want ...aicc.State) {
		harness.Eventually(w.T, w.timeout, "the customer at the desk", func() string {
			chat, _ := w.desk.Chat(user)
			if slices.Contains(want, chat.State) {
				return ""
			}
			return "the chat is " + string(chat.State)
		})
	}
	switch s.Event {
	case conversationtest.EventConnected:
		state(aicc.StateWaiting)
		return w.desk.Accept(user, "Kim")
	case conversationtest.EventDisconnected:
		return w.desk.Hangup(user)
	case "":
		state(aicc.StateWaiting, aicc.StateActive)
		if chat, _ := w.desk.Chat(user); chat.State == aicc.StateWaiting {
			before := len(w.customerTexts(c))
			if err := w.desk.Accept(user, "Kim"); err != nil {
				return err
			}
			harness.Eventually(w.T, harness.Timeout, "the desk's text about the acceptance", func() string {
				if c.seen[c.channel] = len(w.customerTexts(c)); c.seen[c.channel] == before {
					return "not yet"
				}
				return ""
			})
		}
		_, err := w.desk.Say(user, s.Text)
		return err
	}
	return unsupportedError("the event %s of an agent", s.Event)
}

// setCalls sets the outcome of the calls to a channel.
func (w *exampleWorld) setCalls(s *conversationtest.Step) error {
	down := simulator.Fault{Kind: simulator.Status, Status: http.StatusServiceUnavailable}
	refused := simulator.Fault{Kind: simulator.Status, Status: http.StatusBadRequest}
	var faults *simulator.Faults
	switch {
	case w.bots[s.Channel] != nil:
		faults = &w.bots[s.Channel].Faults
	case w.observers[s.Channel] != nil:
		faults = &w.observers[s.Channel].Faults
	case s.Channel == "desk" && s.Calls == conversationtest.CallsDeclined && s.Reason == "outside_hours":
		w.desk.SetOpen(false)
		return nil
	case s.Channel == "desk" && s.Calls == conversationtest.CallsDelivered:
		w.desk.SetOpen(true)
		return nil
	default:
		return unsupportedError("calls to %s that are %s", s.Channel, s.Calls)
	}
	w.down[s.Channel] = s.Calls != conversationtest.CallsDelivered
	switch s.Calls {
	case conversationtest.CallsDelivered:
		faults.Clear()
	case conversationtest.CallsWaiting:
		faults.Add(down)
	case "permanent":
		faults.Add(refused)
	default:
		return unsupportedError("calls to %s that are %s", s.Channel, s.Calls)
	}
	return nil
}
