package app

import (
	"net"
	"sync"
	"syscall"
)

// maxConnections bounds the callers' connections; more wait in the system's queue until one ends.
const maxConnections = 16384

// connections returns how many the public listener takes: at most half of the files that the process may open, so
// that callers can't keep the store and the adapters from theirs.
func connections() int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return maxConnections
	}
	return int(min(maxConnections, max(uint64(files.Cur)/2, 1)))
}

// limited is a listener with at most cap(open) connections at a time.
type limited struct {
	net.Listener
	open   chan struct{}
	closed chan struct{}
	once   sync.Once
}

func limit(ln net.Listener, n int) net.Listener {
	return &limited{Listener: ln, open: make(chan struct{}, n), closed: make(chan struct{})}
}

// Accept implements net.Listener. It waits until fewer connections are open.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.open <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.open
		return nil, err
	}
	return &counted{Conn: c, end: sync.OnceFunc(func() { <-l.open })}, nil
}

// Close implements net.Listener, also for an Accept that waits.
func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// counted is a connection that gives its place back when it is closed.
type counted struct {
	net.Conn
	end func()
}

// Close implements net.Conn.
func (c *counted) Close() error {
	defer c.end()
	return c.Conn.Close()
}
