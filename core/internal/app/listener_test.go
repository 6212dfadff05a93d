package app

import (
	"errors"
	"net"
	"testing"
	"time"
)

func TestConnectionsAreLimited(t *testing.T) {
	ln, err := listen("listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lim := limit(ln, 2)
	taken := make(chan net.Conn)
	ended := make(chan error, 1)
	go func() {
		for {
			c, err := lim.Accept()
			if err != nil {
				ended <- err
				return
			}
			taken <- c
		}
	}()
	next := func() net.Conn {
		t.Helper()
		select {
		case c := <-taken:
			return c
		case <-time.After(10 * time.Second):
			t.Fatal("no connection was taken")
			return nil
		}
	}
	for range 3 {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	first, second := next(), next()
	select {
	case <-taken:
		t.Fatal("a third connection was taken, want 2 at most")
	case <-time.After(50 * time.Millisecond):
	}
	_, _ = first.Close(), first.Close() // the second time counts for nothing
	third := next()
	select {
	case lim.(*limited).open <- struct{}{}:
		t.Error("a place is free with two connections open")
	default:
	}
	if err := lim.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close = %v, want net.ErrClosed", err)
	}
	_, _ = second.Close(), third.Close()
	if n := len(lim.(*limited).open); n != 0 {
		t.Errorf("%d places are taken after all is closed", n)
	}
}
