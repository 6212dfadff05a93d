package ingress

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"patchbay/sdk/protocol/pluginpb"
)

// twoAdapters returns the options of a handler with the adapters "bot" and "native".
func twoAdapters(bot, native *fake) Options {
	return native.options(bot.endpoint(), Endpoint{
		Adapter: "native", Receiver: native, Channels: []string{"web"}, Pattern: "/v1/messages",
	})
}

func TestFullAdapterDoesNotAffectOthers(t *testing.T) {
	const slots = 3
	entered, release := make(chan struct{}, slots), make(chan struct{})
	bot := &fake{receive: func(context.Context, *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
		entered <- struct{}{}
		<-release
		return &pluginpb.ReceiveResult{}, nil
	}}
	o := twoAdapters(bot, &fake{})
	o.Concurrency = slots
	h := newHandler(t, o)
	var running sync.WaitGroup
	for range slots {
		running.Go(func() { serve(h, request("POST", "/x/hooks/7", "{}")) })
		<-entered
	}
	w := serve(h, request("POST", "/x/hooks/8", "{}"))
	if w.Code != 503 || w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), `"code":503`) {
		t.Errorf("answer %d %q, want 503 in the vendor's form", w.Code, w.Body)
	}
	if w := serve(h, request("POST", "/v1/messages", "{}")); w.Code != 200 {
		t.Errorf("another adapter: status %d, want 200", w.Code)
	}
	close(release)
	running.Wait()
	bot.receive = nil
	if w := serve(h, request("POST", "/x/hooks/7", "{}")); w.Code != 200 {
		t.Errorf("after the load: status %d, want 200", w.Code)
	}
}

func TestBodyMemoryIsLimitedPerAdapter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := twoAdapters(&fake{}, &fake{})
		o.BodyBytes = 20
		h := newHandler(t, o)
		r, w := io.Pipe()
		slow := request("POST", "/x/hooks/7", "")
		slow.Body, slow.ContentLength = r, 16
		answered := make(chan int)
		go func() { answered <- serve(h, slow).Code }()
		expect := func(what, path string, want int) {
			t.Helper()
			if w := serve(h, request("POST", path, strings.Repeat("x", 16))); w.Code != want {
				t.Errorf("%s: status %d %s, want %d", what, w.Code, w.Body, want)
			}
		}
		send := func(s string) {
			t.Helper()
			if _, err := w.Write([]byte(s)); err != nil {
				t.Fatal(err)
			}
		}
		send("12")
		expect("16 bytes, while a slow caller has sent 2 of 16", "/x/hooks/8", 200)
		send("345678")
		synctest.Wait() // until the bytes are counted
		expect("16 bytes, while the slow caller has sent 8 of 16", "/x/hooks/8", 503)
		expect("16 bytes for another adapter", "/v1/messages", 200)
		_ = w.Close()
		if code := <-answered; code != 200 {
			t.Errorf("slow caller: status %d, want 200", code)
		}
		expect("16 bytes after the slow caller", "/x/hooks/8", 200)
	})
}
