package gateway

import (
	"errors"
	"net"
	"strconv"
	"syscall"
	"testing"
)

// The caller can listen on the address repeatedly. Until the release, no other call reserves it.
func TestFreeAddressStaysReserved(t *testing.T) {
	address, release, err := FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		expectReserved(t, address)
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		expectReserved(t, address)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	release()
	release, err = reserve(port(t, address))
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	release()
}

// expectReserved checks that the address cannot be reserved a second time.
func expectReserved(t *testing.T, address string) {
	t.Helper()
	if _, err := reserve(port(t, address)); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("second reservation: error %v, want %v", err, syscall.EADDRINUSE)
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
