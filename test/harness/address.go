package harness

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
)

// FreeAddress returns an address on which nobody listens, and keeps it for the test: no other caller gets it, in no process, also
// while the test's gateway is away. It lies below the ports that the system gives to outgoing connections.
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

// reserve binds a socket that does not listen to a port of 127.0.0.1. It fails if the port is anybody's, listening or reserved.
// Afterwards somebody may listen there who sets SO_REUSEADDR, as Go's listeners do (socket(7): only a socket that
// listens keeps them out), and nobody else may reserve it.
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
	// Not before: with it, one that is only reserved could be bound.
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		release()
		return nil, os.NewSyscallError("setsockopt", err)
	}
	return release, nil
}
