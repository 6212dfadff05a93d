package harness

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
)

// FreeAddress returns an unused address and reserves it until the end of the test. No other caller in any process
// gets it, even while the test's gateway is stopped. Its port is below the system's ports for outgoing connections.
func FreeAddress(t testing.TB) string {
	t.Helper()
	for range 100 {
		port := 10_000 + rand.IntN(20_000)
		release, err := reserve(port)
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			t.Fatalf("reserve port %d: %v", port, err)
		}
		t.Cleanup(release)
		return fmt.Sprintf("127.0.0.1:%d", port)
	}
	t.Fatal("no free port on 127.0.0.1 in 100 attempts")
	return ""
}

// reserve binds a socket to a port of 127.0.0.1 without listening. It fails if the port is in use or reserved. A
// program that sets SO_REUSEADDR, as Go's listeners do (socket(7)), can then listen on the port, but no other
// caller can reserve it.
func reserve(port int) (release func(), err error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	release = func() { _ = syscall.Close(fd) }
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port}); err != nil {
		release()
		return nil, os.NewSyscallError("bind", err)
	}
	// After the bind: before it, this option would allow to bind a reserved port.
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		release()
		return nil, os.NewSyscallError("setsockopt", err)
	}
	return release, nil
}
