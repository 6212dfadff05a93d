// Command hostile is an adapter that misbehaves on request. The tests of package plugin run it to show that no adapter
// can harm the gateway or another adapter.
//
// The environment variable HOSTILE, or the file that HOSTILE_FILE names, selects faults of the whole process; see modes.
// The path of a call selects a fault of that call; see faults. Without either, the adapter echoes.
package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"patchbay/sdk/protocol"
	"patchbay/sdk/serve"
)

// modes are the values of HOSTILE; several are separated by commas.
var modes = map[string]func(){
	"exit-at-start":  func() { fmt.Fprintln(os.Stderr, "cannot find my teapot"); os.Exit(7) },
	"panic-at-start": func() { panic("bad morning") },
	"hang-handshake": func() { hang() },
	"noise":          func() { fmt.Println("hello, I am printed too early") },
	"wrong-cookie":   func() { _ = os.Setenv(protocol.CookieKey, "wrong") },
	"wrong-version":  func() { fmt.Println("1|99|unix|/nowhere|grpc|"); hang() },
	"half-handshake": halfHandshake,
	"ignore-sigterm": func() { signal.Ignore(syscall.SIGTERM) },
	"grandchild":     func() { startGrandchild(nil) },
	"grandchild-far": func() { startGrandchild(&syscall.SysProcAttr{Setsid: true}) },
	"bad-log":        writeBadLog,
	"flood":          flood,
	// The adapter itself reads these.
	"hang-configure": func() {},
	"hang-drain":     func() {},
	"hang-bad":       func() {},
	"crash-bad":      func() {},
	"refuse-bad":     func() {},
	"other-path":     func() {},
	"other-limit":    func() {},
	"other-setting":  func() {},
	"other-version":  func() {},
	"unhealthy":      func() {},
	"stray":          func() {},
}

func main() {
	for _, m := range activeModes() {
		start, ok := modes[m]
		if !ok {
			fmt.Fprintf(os.Stderr, "unknown mode %q\n", m)
			os.Exit(2)
		}
		start()
	}
	serve.Main(&adapter{})
}

func activeModes() []string {
	modes := os.Getenv("HOSTILE")
	if path := os.Getenv("HOSTILE_FILE"); path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			panic(err)
		}
		modes = string(data)
	}
	if modes == "" {
		return nil
	}
	return strings.Split(modes, ",")
}

func isActive(mode string) bool { return slices.Contains(activeModes(), mode) }

// hang never returns. Only SIGKILL ends it.
func hang() {
	signal.Ignore(syscall.SIGTERM)
	for {
		time.Sleep(time.Hour) // without a timer the runtime may report a deadlock
	}
}

// halfHandshake announces a socket whose connections are never accepted.
func halfHandshake() {
	path := filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "deaf")
	if _, err := net.Listen("unix", path); err != nil {
		panic(err)
	}
	fmt.Printf("1|%d|unix|%s|grpc|\n", protocol.Version, path)
	hang()
}

// startGrandchild starts a process that keeps this one's stderr open.
func startGrandchild(attr *syscall.SysProcAttr) {
	c := exec.Command("sleep", "300")
	c.Stderr = os.Stderr
	c.SysProcAttr = attr
	if err := c.Start(); err != nil {
		panic(err)
	}
	if path := os.Getenv("HOSTILE_PIDFILE"); path != "" {
		if err := os.WriteFile(path, fmt.Append(nil, c.Process.Pid), 0o600); err != nil {
			panic(err)
		}
	}
}

func writeBadLog() {
	for _, line := range []string{
		`{"@message":1}`, `{"@level":[],"@message":{}}`, `{"@timestamp":0,"@message":"x"}`, `{"msg":`, `{}`, "\x00\xff",
		`{"level":"WARN","msg":"hostile warning","n":1.5,"deep":{"a":{"b":true}}}`, strings.Repeat("long ", 100_000),
	} {
		fmt.Fprintln(os.Stderr, line)
	}
}

func flood() {
	go func() {
		for {
			fmt.Fprintln(os.Stderr, `{"level":"INFO","msg":"flood"}`)
		}
	}()
}
