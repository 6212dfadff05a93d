package e2e

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"patchbay/test/harness"
)

// Many callers without credentials send half of a large body and then nothing. They have the vendor's address. The
// gateway must accept the vendor's webhooks all the time.
func TestSlowBodiesDoNotLockOutAVendor(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, hostileBot(t))
	const callers, size = 250, 1 << 20
	head := fmt.Sprintf("POST /hostile HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size)
	half := append([]byte(head), bytes.Repeat([]byte("x"), size/2)...)
	conns := make([]net.Conn, callers)
	var opening sync.WaitGroup
	for i := range conns {
		opening.Go(func() {
			c, err := net.Dial("tcp", strings.TrimPrefix(s.Public, "http://"))
			if err != nil {
				t.Error(err)
				return
			}
			conns[i] = c
			_ = c.SetDeadline(time.Now().Add(harness.Timeout))
			_, _ = c.Write(half) // the gateway may have closed the connection
		})
	}
	for i := range 200 {
		if status, body := post(t, s, fmt.Sprint("answer ", i)); status != 200 {
			t.Errorf("webhook %d: %d %s, want 200", i, status, body)
		}
	}
	opening.Wait()
	for i := range 200 {
		if status, body := post(t, s, fmt.Sprint("later answer ", i)); status != 200 {
			t.Errorf("later webhook %d: %d %s, want 200", i, status, body)
		}
	}
	if n := s.Metric(t, "patchbay_http_requests_refused_total", "adapter", "botwebhook", "reason", "busy"); n == 0 {
		t.Error("no slow body was refused: the callers reached no limit")
	}
	for _, c := range conns {
		if c != nil {
			_ = c.Close()
		}
	}
}
