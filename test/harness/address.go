package harness

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
)

// FreeAddress returns an unused address, and reserves it for the test: no other caller gets it, in no process, also while
// the test's gateway is stopped. It is below the ports that the system gives to outgoing connections.
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
	t.Fatal("no free port on 127.0.0.1 among 100 tries")
	return ""
}

// reserve binds a socket that does not listen to a port of 127.0.0.1. It fails if the port is in use or reserved.
// Afterwards a program may listen there that sets SO_REUSEADDR, as Go's listeners do (socket(7)), and no other caller can
// reserve it.
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
	// Not earlier: with it, a port that is only reserved could be bound.
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		release()
		return nil, os.NewSyscallError("setsockopt", err)
	}
	return release, nil
}
