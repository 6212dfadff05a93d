package ingress

import (
	"context"
	"strings"
	"sync"
	"testing"

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
		t.Errorf("response %d %q, want 503 in the vendor's format", w.Code, w.Body)
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
