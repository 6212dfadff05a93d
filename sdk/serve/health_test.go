package serve

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"

	"patchbay/sdk/protocol/pluginpb"
)

// healthStream records the states that WatchHealth sends.
type healthStream struct {
	grpc.ServerStream
	ctx  context.Context
	mu   sync.Mutex
	sent []string
}

func (s *healthStream) Context() context.Context { return s.ctx }

func (s *healthStream) Send(r *pluginpb.WatchHealthResponse) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var channels []string
	for _, c := range r.GetUnhealthy() {
		channels = append(channels, c.GetChannel()+": "+c.GetText())
	}
	s.sent = append(s.sent, strings.Join(channels, ", "))
	return nil
}

func TestWatchHealthSendsTheStateAndThenChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		problems := map[string]error{}
		svc := newService(&scripted{health: func(ch string) error {
			mu.Lock()
			defer mu.Unlock()
			if ch == "b" && problems[ch] != nil {
				panic(problems[ch])
			}
			return problems[ch]
		}}, noLogger)
		for _, name := range []string{"b", "a"} {
			if _, err := svc.Configure(t.Context(), &pluginpb.ConfigureRequest{Channel: &pluginpb.ChannelConfig{Name: name}}); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		stream := &healthStream{ctx: ctx}
		ended := make(chan error, 1)
		go func() { ended <- svc.WatchHealth(nil, stream) }()
		set := func(ch string, err error) {
			mu.Lock()
			problems[ch] = err
			mu.Unlock()
			time.Sleep(3 * healthInterval) // virtual
		}
		set("a", nil)
		set("a", errors.New("ill"))
		set("b", errors.New("worse"))
		set("a", nil)
		cancel()
		<-ended
		want := []string{"", "a: ill", "a: ill, b: the adapter panicked: worse", "b: the adapter panicked: worse"}
		if diff := cmp.Diff(want, stream.sent); diff != "" {
			t.Error(diff)
		}
	})
}
