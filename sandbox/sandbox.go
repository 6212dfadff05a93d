package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/native"
	"patchbay/sandbox/simulator"
)

// defaultPushKey is the default of AICC_PUSH_KEY in the repository's config.yaml. A key has 43 letters and digits.
const defaultPushKey = "sandboxAiccPushKey0123456789abcdefghijklmno"

// Options configure a Sandbox.
type Options struct {
	Listen  string // address; port 0 means a free port
	Gateway string // base address of the gateway
	Logger  *slog.Logger
}

// Sandbox serves all simulated vendors and their pages on one listener.
type Sandbox struct {
	Livechat *native.Simulator
	Bots     *botwebhook.Simulator
	Desk     *aicc.Simulator

	o        Options
	listener net.Listener
	chats    simulator.Logs[entry] // by user id
}

// New listens and returns a sandbox, which Run serves and closes.
func New(o Options) (*Sandbox, error) {
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s (choose another address with --listen): %w", o.Listen, err)
	}
	// The retries last longer than a restart of the gateway.
	retry := simulator.Retry{Attempts: 12, First: 100 * time.Millisecond, Max: 5 * time.Second}
	s := &Sandbox{o: o, listener: listener}
	s.Livechat = native.New(native.Options{
		AccessToken: secret("NATIVE_ACCESS_TOKEN"), ReplyToken: secret("NATIVE_REPLY_TOKEN"), Observe: s.addAnswer,
	})
	s.Bots = botwebhook.New(botwebhook.Options{
		APIKey: secret("GPTBOTS_API_KEY"), WebhookToken: secret("GPTBOTS_WEBHOOK_TOKEN"), Retry: retry,
	})
	s.Desk = aicc.New(aicc.Options{
		ChannelID: "202105284494222653", PushKey: cmp.Or(os.Getenv("AICC_PUSH_KEY"), defaultPushKey),
		AppKey: secret("AICC_APP_KEY"), AppSecret: secret("AICC_APP_SECRET"), Retry: retry,
		ConnectEvent: true, // with it, the gateway delivers held messages before the agent's first answer
	})
	for name, vendor := range s.vendors() {
		vendor.SetGateway(o.Gateway)
		vendor.Logger = o.Logger.With("vendor", name)
	}
	return s, nil
}

// URL returns the base address that the sandbox listens on.
func (s *Sandbox) URL() string { return "http://" + s.listener.Addr().String() }

// Handler returns the handler of the pages and of the simulated vendors.
func (s *Sandbox) Handler() http.Handler {
	mux := http.NewServeMux()
	for prefix, vendor := range map[string]http.Handler{
		"/gptbots": s.Bots.Handler(), "/aicc": s.Desk.Handler(), "/livechat": s.Livechat.Handler(),
	} {
		mux.Handle(prefix+"/", http.StripPrefix(prefix, vendor))
	}
	mux.Handle("/", s.pages())
	return mux
}

// Run serves until ctx ends, then closes everything and returns nil.
func (s *Sandbox) Run(ctx context.Context) error {
	// This context ends the event streams. Otherwise they would continue until the pages are closed.
	streams, endStreams := context.WithCancel(context.Background())
	srv := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second,
		BaseContext: func(net.Listener) context.Context { return streams },
		ErrorLog:    slog.NewLogLogger(s.o.Logger.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(s.listener) }()
	s.o.Logger.Info("sandbox is ready", "chat", s.URL()+"/", "desk", s.URL()+"/desk", "gateway", s.o.Gateway)

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("serve %s: %w", s.URL(), err)
	}
	endStreams()
	err = errors.Join(err, srv.Close())
	for _, vendor := range s.vendors() {
		vendor.Close()
	}
	return err
}

// vendors returns the simulated vendors by name.
func (s *Sandbox) vendors() map[string]*simulator.Vendor {
	return map[string]*simulator.Vendor{"livechat": s.Livechat.Vendor, "gptbots": s.Bots.Vendor, "aicc": s.Desk.Vendor}
}

// secret returns a credential from the environment, or the public default of the repository's config.yaml.
func secret(name string) string {
	return cmp.Or(os.Getenv(name), "sandbox-"+strings.ToLower(strings.ReplaceAll(name, "_", "-")))
}
