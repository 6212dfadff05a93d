package ingress

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"context"
	"patchbay/core/internal/inbound"
)

// pipeServer is a listener for connections of net.Pipe, which work in a synctest bubble.
type pipeServer struct {
	t     *testing.T
	conns chan net.Conn
	close sync.Once
}

func (p *pipeServer) Accept() (net.Conn, error) {
	if c, ok := <-p.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p *pipeServer) Close() error {
	p.close.Do(func() { close(p.conns) })
	return nil
}

func (p *pipeServer) Addr() net.Addr { return &net.TCPAddr{} }

// addressedConn is a connection with the remote address from.
type addressedConn struct {
	net.Conn
	from string
}

func (a addressedConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(mustAddrPort(a.from)) }

// newPipeServer runs a server with the handler until the test ends. It must be called in a synctest bubble.
func newPipeServer(t *testing.T, h http.Handler) *pipeServer {
	t.Helper()
	p := &pipeServer{t: t, conns: make(chan net.Conn)}
	srv := &http.Server{Handler: h, ReadTimeout: 15 * time.Second}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(p) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	return p
}

// caller is the caller of a request. It sends the body in pieces.
type caller struct {
	p    *pipeServer
	conn net.Conn
}

// call sends the head of a request and the first bytes of its body of the given size.
func (p *pipeServer) call(from, path string, size int, sent string) *caller {
	p.t.Helper()
	client, server := net.Pipe()
	p.t.Cleanup(func() { _ = client.Close() })
	p.conns <- addressedConn{server, from}
	c := &caller{p, client}
	c.send(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, size, sent))
	return c
}

func (c *caller) send(s string) {
	c.p.t.Helper()
	if _, err := c.conn.Write([]byte(s)); err != nil {
		c.p.t.Fatal(err)
	}
	synctest.Wait() // the handler must count the bytes first
}

// status waits for the response.
func (c *caller) status() int {
	c.p.t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(c.conn), nil)
	if err != nil {
		c.p.t.Fatal(err)
	}
	_ = resp.Body.Close()
	_ = c.conn.Close()
	return resp.StatusCode
}

// expect sends a complete request and compares its status.
func (p *pipeServer) expect(name, from, path string, size, want int) {
	p.t.Helper()
	if got := p.call(from, path, size, strings.Repeat("x", size)).status(); got != want {
		p.t.Errorf("%s: status %d, want %d", name, got, want)
	}
}

const (
	attacker = "192.0.2.1:1000"
	vendorIP = "203.0.113.7:2000"
)

func TestSlowBodiesMakeRoomForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := twoAdapters(&fake{}, &fake{})
		o.BodyBytes = 64
		p := newPipeServer(t, newHandler(t, o))
		var slow []*caller
		for i := range 8 { // from eight networks, so that the adapter's limit counts
			slow = append(slow, p.call(fmt.Sprintf("192.0.2.%d:9", i+1), fmt.Sprint("/x/hooks/", i), 16, "12345678"))
		}
		p.expect("honest call", vendorIP, "/x/hooks/8", 16, 200)
		p.expect("another adapter", vendorIP, "/v1/messages", 16, 200)
		for i, want := range []int{503, 503, 503, 503, 503, 503} {
			if got := slow[i].status(); got != want {
				t.Errorf("slow caller %d: status %d, want %d", i, got, want)
			}
		}
		for i, c := range slow[6:] {
			c.send("12345678")
			if got := c.status(); got != 200 {
				t.Errorf("slow caller %d, after it sent the rest: status %d, want 200", i+6, got)
			}
		}
	})
}

func TestOneNetworkCannotUseTheMemoryOfOthers(t *testing.T) {
	for name, from := range map[string][2]string{
		"IPv4": {attacker, attacker}, "IPv6 of one /64": {"[2001:db8::1]:9", "[2001:db8::ffff:1]:9"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				entered, release := make(chan struct{}, 3), make(chan struct{})
				f := &fake{accept: func(context.Context, []*inbound.Envelope) error {
					entered <- struct{}{}
					<-release
					return nil
				}}
				o := f.options()
				o.BodyBytes = 128 // 32 for one network
				p := newPipeServer(t, newHandler(t, o))
				full := strings.Repeat("x", 16)
				first, second := p.call(from[0], "/x/hooks/1", 16, full), p.call(from[1], "/x/hooks/2", 16, full)
				<-entered
				<-entered
				p.expect("third body of the network", from[0], "/x/hooks/3", 16, 503)
				honest := p.call(vendorIP, "/x/hooks/4", 16, full)
				close(release)
				for i, c := range []*caller{first, second, honest} {
					if got := c.status(); got != 200 {
						t.Errorf("call %d: status %d, want 200", i, got)
					}
				}
			})
		})
	}
}

func TestOnePathCannotUseTheMemoryOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		other := f.endpoint()
		other.Pattern, other.Channels = "/other", []string{"faq2"}
		o := f.options(f.endpoint(), other)
		o.BodyBytes = 64 // 32 for one path
		p := newPipeServer(t, newHandler(t, o))
		var slow []*caller
		for i := range 4 {
			slow = append(slow, p.call(fmt.Sprintf("192.0.2.%d:9", i+1), "/x/hooks/7", 16, "12345678"))
		}
		fifth := p.call(attacker, "/x/hooks/7", 16, "1")
		if got := slow[0].status(); got != 503 {
			t.Errorf("oldest body of the full path: status %d, want 503", got)
		}
		p.expect("another path", vendorIP, "/x/other", 16, 200)
		fifth.send(strings.Repeat("x", 15))
		if got := fifth.status(); got != 200 {
			t.Errorf("a body that completes: status %d, want 200", got)
		}
	})
}

func TestBodyWithoutAnyRoomIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		p := newPipeServer(t, newHandler(t, f.options()))
		slow := p.call(attacker, "/x/hooks/7", 16, "")
		time.Sleep(14 * time.Second)
		slow.send(strings.Repeat("x", 16))
		if got := slow.status(); got != 200 {
			t.Errorf("slow body without others: status %d, want 200", got)
		}
	})
}
