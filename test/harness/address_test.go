package harness

import (
	"errors"
	"net"
	"strconv"
	"syscall"
	"testing"
)

// TestFreeAddressIsKept: whoever has it may listen, stop and listen again; until then and in between it is nobody else's.
func TestFreeAddressIsKept(t *testing.T) {
	var address string
	t.Run("its test", func(t *testing.T) {
		address = FreeAddress(t)
		for range 2 {
			taken(t, address)
			l, err := net.Listen("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			taken(t, address)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
	release, err := reserve(port(t, address))
	if err != nil {
		t.Fatalf("after its test: %v", err)
	}
	release()
}

// taken demands that nobody else gets the address.
func taken(t *testing.T, address string) {
	t.Helper()
	if _, err := reserve(port(t, address)); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("it is reserved again: error %v, want %v", err, syscall.EADDRINUSE)
	}
}

func port(t *testing.T, address string) int {
	t.Helper()
	_, p, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(p)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
