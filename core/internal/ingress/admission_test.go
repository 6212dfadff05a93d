package ingress

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"patchbay/sdk/protocol/pluginpb"
)

// two returns a handler with the endpoints of two adapters: "bot" and "native".
func two(t *testing.T, bot, native *fake, change func(*Options)) *Handler {
	t.Helper()
	o := Options{
		Endpoints: []Endpoint{bot.endpoint(), {Adapter: "native", Receiver: native, Channels: []string{"web"}, Pattern: "/v1/messages"}},
		Writer:    native, Observer: native, Logger: slog.New(slog.DiscardHandler),
	}
	change(&o)
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestBlockedAdapterLeavesOthersAlone(t *testing.T) {
	const slots = 3
	entered, release := make(chan struct{}, slots), make(chan struct{})
	bot := &fake{receive: func(context.Context, *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
		entered <- struct{}{}
		<-release
		return &pluginpb.ReceiveResult{}, nil
	}}
	h := two(t, bot, &fake{}, func(o *Options) { o.Concurrency = slots })
	var running sync.WaitGroup
	for range slots {
		running.Go(func() { serve(h, request("POST", "/x/hooks/7", "{}")) })
		<-entered
	}
	if w := serve(h, request("POST", "/x/hooks/8", "{}")); w.Code != 503 {
		t.Errorf("the blocked adapter's next caller is answered %d, want 503", w.Code)
	}
	if w := serve(h, request("POST", "/v1/messages", "{}")); w.Code != 200 {
		t.Errorf("another adapter's caller is answered %d, want 200", w.Code)
	}
	close(release)
	running.Wait()
}

func TestBodiesInMemoryAreBound(t *testing.T) {
	h := two(t, &fake{}, &fake{}, func(o *Options) { o.BodyBytes = 20 })
	r, w := io.Pipe()
	slow := request("POST", "/x/hooks/7", "")
	slow.Body, slow.ContentLength = r, 16
	answered := make(chan int)
	go func() { answered <- serve(h, slow).Code }()
	step := func(what, path, body string, want int) {
		t.Helper()
		if w := serve(h, request("POST", path, body)); w.Code != want {
			t.Errorf("%s: status %d %s, want %d", what, w.Code, w.Body, want)
		}
	}
	if _, err := w.Write([]byte("12")); err != nil {
		t.Fatal(err)
	}
	step("16 bytes, while a slow caller has sent 2 of 16", "/x/hooks/8", strings.Repeat("x", 16), 200)
	if _, err := w.Write([]byte("345678")); err != nil { // returns when it is read, and so counted but for the last
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("9")); err != nil {
		t.Fatal(err)
	}
	step("16 bytes, while it has sent at least 8", "/x/hooks/8", strings.Repeat("x", 16), 503)
	step("16 bytes for another adapter", "/v1/messages", strings.Repeat("x", 16), 200)
	_ = w.Close()
	if code := <-answered; code != 200 {
		t.Errorf("the slow caller is answered %d, want 200", code)
	}
	step("16 bytes after it", "/x/hooks/8", strings.Repeat("x", 16), 200)
}
