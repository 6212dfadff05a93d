package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"syscall"

	"go.yaml.in/yaml/v4"
)

// Addresses returns the addresses of the gateway's public listener and admin listener, as programs on this machine
// reach them. Each is taken from the environment (PATCHBAY_LISTEN, PATCHBAY_ADMIN__LISTEN), else from the configuration
// file, else it is the gateway's default. Addresses does not check other settings of the file.
func Addresses(config string) (listen, admin string, err error) {
	var file struct {
		Listen string
		Admin  struct{ Listen string }
	}
	text, err := os.ReadFile(config)
	if err == nil {
		err = yaml.Unmarshal(text, &file)
	}
	if err != nil {
		return "", "", fmt.Errorf("read the gateway's addresses from %s: %w", config, err)
	}
	listen = cmp.Or(os.Getenv("PATCHBAY_LISTEN"), file.Listen, "127.0.0.1:8080")
	admin = cmp.Or(os.Getenv("PATCHBAY_ADMIN__LISTEN"), file.Admin.Listen, "127.0.0.1:9090")
	for setting, address := range map[string]*string{"listen": &listen, "admin.listen": &admin} {
		host, port, err := net.SplitHostPort(*address)
		if number, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil || number == 0 {
			const problem = "setting %s of %s: %q must be host:port with a fixed port, such as 127.0.0.1:8080"
			return "", "", fmt.Errorf(problem, setting, config, *address)
		}
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			*address = net.JoinHostPort("127.0.0.1", port)
		}
	}
	return listen, admin, nil
}

// FreeAddress returns an unused local address and reserves it until release is called. Until then, no other call of
// FreeAddress in any process returns it, even while no program listens on it. Its port is below 30,000, outside Linux's
// default range for outgoing connections.
func FreeAddress() (address string, release func(), err error) {
	for range 100 {
		port := 10_000 + rand.IntN(20_000)
		if release, err = reserve(port); !errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Sprintf("127.0.0.1:%d", port), release, err
		}
	}
	return "", nil, fmt.Errorf("no free port on 127.0.0.1 in 100 attempts: %w", err)
}

// reserve binds a socket to a port of 127.0.0.1 without listening. It fails if the port is in use or reserved. A
// program that sets SO_REUSEADDR, as Go's listeners do (socket(7)), can then listen on the port, but no other
// caller can reserve it.
func reserve(port int) (release func(), err error) {
	syscall.ForkLock.RLock() // so that no child process inherits the socket
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	syscall.CloseOnExec(fd)
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	release = func() { _ = syscall.Close(fd) }
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port}); err != nil {
		release()
		return nil, os.NewSyscallError("bind", err)
	}
	// This option is set after the bind. Before it, the option would allow the bind to a reserved port.
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		release()
		return nil, os.NewSyscallError("setsockopt", err)
	}
	return release, nil
}
