// Package harness runs the built gateway with simulated vendors. Tests use processes, sockets, a configuration file and
// a store on disk, and no internal package of the gateway. A World contains the vendors. A Gateway is the program under
// test, which a test can stop, kill and start again on its store. Both end with their test. The test fails if a plugin
// process is running after the end of its gateway.
package harness

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/native"
	"patchbay/sandbox/simulator"
)

// DeskChannel is AICC's id of the channel desk.
const DeskChannel = "202105284494222653"

// Retry configures the retries of webhook calls in a World. They last longer than a restart of the gateway.
var Retry = simulator.Retry{Attempts: 60, First: 50 * time.Millisecond, Max: 500 * time.Millisecond}

// Secrets contains the credentials of a World. NewWorld generates them at random.
type Secrets struct {
	AccessToken, ReplyToken    string // live chat
	APIKey, WebhookToken       string // GPTBots
	AppKey, AppSecret, PushKey string // AICC
}

// Vendors contains the options of the vendors of a World. NewWorld sets the credentials and the retries.
type Vendors struct {
	Livechat native.Options
	Bots     botwebhook.Options
	Desk     aicc.Options
	Retry    *simulator.Retry // default Retry
	// Wrap, if set, is called with the handler of each vendor. The vendor is served with the returned handler.
	Wrap func(h http.Handler) http.Handler
}

// World contains the three simulated vendors, each on a separate listener.
type World struct {
	Livechat *native.Simulator
	Bots     *botwebhook.Simulator
	Desk     *aicc.Simulator
	Secrets  Secrets

	livechat, bots, desk *httptest.Server
}

// NewWorld starts the vendors. They are closed at the end of the test.
func NewWorld(t testing.TB, v Vendors) *World {
	t.Helper()
	s := Secrets{
		AccessToken: "native-" + rand.Text(), ReplyToken: "reply-" + rand.Text(), APIKey: "api-" + rand.Text(),
		WebhookToken: "hook-" + rand.Text(), AppKey: "app-" + rand.Text(), AppSecret: "secret-" + rand.Text(),
		PushKey: (rand.Text() + rand.Text())[:43],
	}
	retry := Retry
	if v.Retry != nil {
		retry = *v.Retry
	}
	v.Livechat.AccessToken, v.Livechat.ReplyToken = s.AccessToken, s.ReplyToken
	v.Bots.APIKey, v.Bots.WebhookToken, v.Bots.Retry = s.APIKey, s.WebhookToken, retry
	v.Desk.AppKey, v.Desk.AppSecret, v.Desk.PushKey = s.AppKey, s.AppSecret, s.PushKey
	v.Desk.ChannelID, v.Desk.Retry = DeskChannel, retry
	w := &World{
		Livechat: native.New(v.Livechat), Bots: botwebhook.New(v.Bots), Desk: aicc.New(v.Desk), Secrets: s,
	}
	serve := func(h http.Handler) *httptest.Server {
		if v.Wrap != nil {
			h = v.Wrap(h)
		}
		return httptest.NewServer(h)
	}
	w.livechat, w.bots, w.desk = serve(w.Livechat.Handler()), serve(w.Bots.Handler()), serve(w.Desk.Handler())
	t.Cleanup(w.close)
	return w
}

func (w *World) vendors() []*simulator.Vendor {
	return []*simulator.Vendor{w.Livechat.Vendor, w.Bots.Vendor, w.Desk.Vendor}
}

// ClearFaults removes the faults of all vendors and releases the hanging calls.
func (w *World) ClearFaults() {
	for _, v := range w.vendors() {
		v.Faults.Clear()
	}
}

// SetGateway sets the base address of the gateway at all vendors, "http://host:port".
func (w *World) SetGateway(base string) {
	for _, v := range w.vendors() {
		v.SetGateway(base)
	}
}

// LivechatURL returns the base address of the website, which receives answers and serves the customers' files.
func (w *World) LivechatURL() string { return w.livechat.URL }

func (w *World) close() {
	w.ClearFaults()
	for _, v := range w.vendors() {
		v.Close()
	}
	for _, s := range []*httptest.Server{w.livechat, w.bots, w.desk} {
		s.CloseClientConnections()
		s.Close()
	}
}

// environment returns the environment variables that the configuration refers to.
func (w *World) environment() []string {
	return []string{
		"LIVECHAT_URL=" + w.livechat.URL, "GPTBOTS_URL=" + w.bots.URL, "AICC_URL=" + w.desk.URL,
		"NATIVE_ACCESS_TOKEN=" + w.Secrets.AccessToken, "NATIVE_REPLY_TOKEN=" + w.Secrets.ReplyToken,
		"GPTBOTS_API_KEY=" + w.Secrets.APIKey, "GPTBOTS_WEBHOOK_TOKEN=" + w.Secrets.WebhookToken,
		"AICC_APP_KEY=" + w.Secrets.AppKey, "AICC_APP_SECRET=" + w.Secrets.AppSecret, "AICC_PUSH_KEY=" + w.Secrets.PushKey,
	}
}
