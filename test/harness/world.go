package harness

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/native"
	"patchbay/sandbox/simulator"
)

// Names by which the vendors know the accounts of a World.
const (
	Organization = "d8ai"
	Chatbot      = "d8ai_chatbot"
	DeskChannel  = "202105284494222653" // AICC's id of the channel
	// Paths of the vendors' webhooks at the gateway.
	LivechatPath = "/mp/webhooks/native/messages/" + Organization + "/" + Chatbot
	BotsPath     = "/webhooks/botwebhook/faq"
	DeskPath     = "/webhooks/v1/messages"
)

// Retry is how the vendors of a World try a webhook call again: long enough for a restart.
var Retry = simulator.Retry{Attempts: 60, First: 50 * time.Millisecond, Max: 500 * time.Millisecond}

// Secrets are the credentials of a World; no two worlds have the same.
type Secrets struct {
	AccessToken, ReplyToken    string // live chat
	APIKey, WebhookToken       string // GPTBots
	AppKey, AppSecret, PushKey string // AICC
}

// All returns every secret that must not show up anywhere.
func (s *Secrets) All() []string {
	return []string{s.AccessToken, s.ReplyToken, s.APIKey, s.WebhookToken, s.AppSecret, s.PushKey}
}

// Vendors change how the pretend vendors of a World behave. Addresses and credentials are filled in.
type Vendors struct {
	Livechat native.Options
	Bots     botwebhook.Options
	Desk     aicc.Options
	Retry    *simulator.Retry // default Retry
	// Linger, if set, is called with each call of the gateway when that has had its effect, before the answer leaves.
	Linger func()
	// Polled, if set, is called with each poll of the desk, when that has had its effect, before its answer leaves.
	Polled func(Poll)
}

// Poll is one poll of the desk.
type Poll struct {
	Caller string // the access token; each process of the adapter gets one of its own, and keeps it for an hour
	User   string // the customer's id
	Answer []byte // the body
}

// watched shows the answers to polls.
func (v *Vendors) watched(h http.Handler) http.Handler {
	if v.Polled == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/poll") {
			h.ServeHTTP(w, r)
			return
		}
		c := &copier{ResponseWriter: w}
		h.ServeHTTP(c, r)
		v.Polled(Poll{r.Header.Get("Authorization"), r.URL.Query().Get("receiverId"), c.body.Bytes()})
	})
}

// copier keeps a body that it passes on.
type copier struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (c *copier) Write(b []byte) (int, error) {
	c.body.Write(b)
	return c.ResponseWriter.Write(b)
}

// around lets h take its time.
func (v *Vendors) around(h http.Handler) http.Handler {
	if v.Linger == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r) // a short answer leaves when the handler returns
		v.Linger()
	})
}

// World is three pretend vendors, each on a listener of its own.
type World struct {
	Livechat *native.Simulator
	Bots     *botwebhook.Simulator
	Desk     *aicc.Simulator
	Secrets  Secrets

	livechat, bots, desk *httptest.Server
}

// NewWorld starts the vendors. They end with the test.
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
	v.Livechat.Organization, v.Livechat.Chatbot = Organization, Chatbot
	v.Livechat.AccessToken, v.Livechat.ReplyToken = s.AccessToken, s.ReplyToken
	v.Bots.APIKey, v.Bots.WebhookToken, v.Bots.Retry = s.APIKey, s.WebhookToken, retry
	v.Desk.AppKey, v.Desk.AppSecret, v.Desk.PushKey = s.AppKey, s.AppSecret, s.PushKey
	v.Desk.ChannelID, v.Desk.Retry = DeskChannel, retry
	w := &World{
		Livechat: native.New(v.Livechat), Bots: botwebhook.New(v.Bots), Desk: aicc.New(v.Desk), Secrets: s,
	}
	w.livechat = httptest.NewServer(v.around(w.Livechat.Handler()))
	w.bots = httptest.NewServer(v.around(w.Bots.Handler()))
	w.desk = httptest.NewServer(v.around(v.watched(w.Desk.Handler())))
	t.Cleanup(w.close)
	return w
}

// Faults returns the faults of all vendors.
func (w *World) Faults() []*simulator.Faults {
	return []*simulator.Faults{&w.Livechat.Faults, &w.Bots.Faults, &w.Desk.Faults}
}

// Calm makes all vendors behave again, and releases what hangs.
func (w *World) Calm() {
	for _, f := range w.Faults() {
		f.Clear()
	}
}

// Point has the vendors call the gateway at base, "http://host:port".
func (w *World) Point(base string) {
	w.Livechat.SetGateway(base)
	w.Bots.SetWebhook(base + BotsPath)
	w.Desk.SetPushBase(base)
}

// LivechatURL is the website's base address: answers are posted below it, and its customers' files are there.
func (w *World) LivechatURL() string { return w.livechat.URL }

func (w *World) close() {
	w.Calm()
	w.Bots.Close()
	w.Desk.Close()
	w.Livechat.Close()
	for _, s := range []*httptest.Server{w.livechat, w.bots, w.desk} {
		s.CloseClientConnections()
		s.Close()
	}
}

// environment is what the configuration's references are resolved by.
func (w *World) environment() []string {
	return []string{
		"LIVECHAT_URL=" + w.livechat.URL, "GPTBOTS_URL=" + w.bots.URL, "AICC_URL=" + w.desk.URL,
		"NATIVE_ACCESS_TOKEN=" + w.Secrets.AccessToken, "NATIVE_REPLY_TOKEN=" + w.Secrets.ReplyToken,
		"GPTBOTS_API_KEY=" + w.Secrets.APIKey, "GPTBOTS_WEBHOOK_TOKEN=" + w.Secrets.WebhookToken,
		"AICC_APP_KEY=" + w.Secrets.AppKey, "AICC_APP_SECRET=" + w.Secrets.AppSecret, "AICC_PUSH_KEY=" + w.Secrets.PushKey,
	}
}
