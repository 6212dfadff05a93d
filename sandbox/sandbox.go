package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/native"
	"patchbay/sandbox/simulator"
)

// Options configure a Sandbox.
type Options struct {
	Listen       string // address; port 0 takes a free one
	Gateway      string // base address of the gateway
	ConnectEvent bool
	Credentials  Credentials
	Logger       *slog.Logger
}

// Sandbox is all pretend vendors and their pages on one listener.
type Sandbox struct {
	Livechat *native.Simulator
	Bots     *botwebhook.Simulator
	Desk     *aicc.Simulator

	o        Options
	listener net.Listener
	chats    simulator.Logs[entry] // by user id
}

// retry is how the pretend vendors try again when the gateway is away: long enough for a restart.
var retry = simulator.Retry{Attempts: 12, First: 100 * time.Millisecond, Max: 5 * time.Second}

// New listens and returns a sandbox, which Run serves and closes.
func New(o Options) (*Sandbox, error) {
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s (choose another address with --listen): %w", o.Listen, err)
	}
	c := o.Credentials
	s := &Sandbox{o: o, listener: listener}
	s.Livechat = native.New(native.Options{
		Gateway: o.Gateway, Organization: organization, Chatbot: chatbot,
		AccessToken: c.NativeAccessToken, ReplyToken: c.NativeReplyToken, Observe: s.addAnswer,
	})
	s.Bots = botwebhook.New(botwebhook.Options{
		APIKey: c.GPTBotsAPIKey, Webhook: o.Gateway + botHook, WebhookToken: c.GPTBotsWebhookToken, Retry: retry,
	})
	s.Desk = aicc.New(aicc.Options{
		AppKey: c.AICCAppKey, AppSecret: c.AICCAppSecret, ChannelID: aiccChannel,
		PushBase: o.Gateway, PushKey: c.AICCPushKey, ConnectEvent: o.ConnectEvent, Retry: retry,
	})
	return s, nil
}

// URL returns the base address that the sandbox listens on.
func (s *Sandbox) URL() string { return "http://" + s.listener.Addr().String() }

// Handler returns the pages and the pretend vendors.
func (s *Sandbox) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/gptbots/", http.StripPrefix("/gptbots", s.Bots.Handler()))
	mux.Handle("/aicc/", http.StripPrefix("/aicc", s.Desk.Handler()))
	mux.Handle("/livechat/", http.StripPrefix("/livechat", s.Livechat.Handler()))

	pages := http.NewServeMux()
	addFiles(pages)
	pages.HandleFunc("POST /chat/messages", s.chatSay)
	pages.HandleFunc("POST /chat/files", s.chatPicture)
	pages.HandleFunc("GET /chat/events", s.chatEvents)
	pages.HandleFunc("POST /desk/{action}", s.deskAct)
	pages.HandleFunc("POST /desk/files", s.deskPicture)
	pages.HandleFunc("GET /desk/files/{id...}", s.deskFile)
	pages.HandleFunc("GET /desk/events", s.deskEvents)
	pages.HandleFunc("POST /faults", s.orderFault)
	pages.HandleFunc("DELETE /faults", s.clearFaults)
	mux.Handle("/", guard(contentPolicy(s.o.Gateway), pages))
	return mux
}

// Run serves until ctx ends, then closes everything and returns nil.
func (s *Sandbox) Run(ctx context.Context) error {
	// Streams and log followers end with this context; Shutdown cannot end them.
	streams, endStreams := context.WithCancel(context.Background())
	srv := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second,
		BaseContext: func(net.Listener) context.Context { return streams },
		ErrorLog:    slog.NewLogLogger(s.o.Logger.Handler(), slog.LevelWarn),
	}
	var wg sync.WaitGroup
	s.report(streams, &wg)
	failed := make(chan error, 1)
	wg.Go(func() { failed <- srv.Serve(s.listener) })
	s.o.Logger.Info("sandbox is ready", "chat", s.URL()+"/", "desk", s.URL()+"/desk", "gateway", s.o.Gateway)

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("serve %s: %w", s.URL(), err)
	}
	endStreams()
	grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if stopErr := srv.Shutdown(grace); stopErr != nil {
		err = errors.Join(err, fmt.Errorf("stop listener: %w", stopErr), srv.Close())
	}
	s.Bots.Close()
	s.Desk.Close()
	s.Livechat.Close()
	wg.Wait()
	return err
}

// report logs refused calls and given up webhook calls, until ctx ends.
func (s *Sandbox) report(ctx context.Context, wg *sync.WaitGroup) {
	for name, v := range s.vendors() {
		wg.Go(func() {
			v.Problems.Follow(ctx, func(text string) {
				s.o.Logger.Warn("gateway's call refused", "vendor", name, "problem", text)
			})
		})
		wg.Go(func() {
			v.Outcomes.Follow(ctx, func(o simulator.Outcome) {
				if !o.Accepted {
					s.o.Logger.Warn("webhook call given up", "vendor", name, "url", o.Call.URL,
						"attempts", o.Attempts, "status", o.Status, "error", o.Err)
				}
			})
		})
	}
}

// vendors are the simulated vendors by name.
func (s *Sandbox) vendors() map[string]*simulator.Vendor {
	return map[string]*simulator.Vendor{"livechat": s.Livechat.Vendor, "gptbots": s.Bots.Vendor, "aicc": s.Desk.Vendor}
}
