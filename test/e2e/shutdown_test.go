package e2e

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"patchbay/test/harness"
)

// If a load balancer checks /readyz, it sends no request to a closed port while the gateway shuts down.
func TestNoRequestIsRefusedDuringAShutdown(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{Limits: []string{"shutdown: {delay: 3s}"}})
	var ready atomic.Bool
	ready.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed, sent, checked := make(chan error, 8), make(chan int, 8), make(chan struct{})
	go func() { // the load balancer's health check
		defer close(checked)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ready.Load() && ctx.Err() == nil {
			status, _ := s.Get("/readyz")
			ready.Store(status == http.StatusOK)
			<-tick.C
		}
	}()
	for worker := range 4 {
		go func() {
			n := 0
			for ; ready.Load() && ctx.Err() == nil; n++ {
				status, body, err := s.Livechat.Say(ctx, fmt.Sprint("user-", worker), fmt.Sprint("message ", n))
				if err != nil || status != http.StatusOK {
					failed <- fmt.Errorf("message %d of worker %d: status %d, body %s, error %v", n, worker, status, body, err)
					break
				}
			}
			sent <- n
		}()
	}
	s.expect(t, "user-0", "bot", "You said: message 3") // the load is running
	s.Stop(t)
	<-checked
	total := 0
	for range 4 {
		total += <-sent
	}
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	t.Logf("%d messages sent", total)
}
