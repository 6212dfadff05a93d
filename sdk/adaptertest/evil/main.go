// Command evil is an adapter that misbehaves on request. The gateway's tests run it to prove that no adapter can
// harm the gateway or another adapter.
//
// The environment variable EVIL chooses what goes wrong with the process as a whole; see modes. A call chooses what goes
// wrong with it by its path; see deeds. Without either it is a well-behaved adapter that echoes.
//
// With EVIL_FLAW it is another adapter, the exam's pupil, which has that one flaw; "none" is a pupil that passes.
package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"patchbay/sdk/protocol"
	"patchbay/sdk/serve"
)

// modes are the values of EVIL, comma separated if several apply.
var modes = map[string]func(){
	"exit-at-start":  func() { fmt.Fprintln(os.Stderr, "can't find my teapot"); os.Exit(7) },
	"panic-at-start": func() { panic("bad morning") },
	"hang-handshake": func() { hang() },
	"noise":          func() { fmt.Println("hello, I am printed too early") },
	"wrong-cookie":   func() { _ = os.Setenv(protocol.CookieKey, "wrong") },
	"wrong-version":  func() { fmt.Println("1|99|unix|/nowhere|grpc|"); hang() },
	"half-handshake": halfHandshake,
	"ignore-sigterm": func() { signal.Ignore(syscall.SIGTERM) },
	"grandchild":     func() { leaveBehind(nil) },
	"grandchild-far": func() { leaveBehind(&syscall.SysProcAttr{Setsid: true}) },
	"bad-log":        badLog,
	"flood":          flood,
	// The following are looked at by the adapter itself.
	"hang-configure": func() {},
	"hang-drain":     func() {},
	"sick":           func() {},
	"stray":          func() {},
}

func main() {
	for _, m := range active() {
		f, ok := modes[m]
		if !ok {
			fmt.Fprintf(os.Stderr, "unknown mode %q\n", m)
			os.Exit(2)
		}
		f()
	}
	if flaw == "stays" {
		stay()
	}
	if flaw != "" {
		if os.Getenv(protocol.CookieKey) == "" {
			startedByHand()
		}
		if flaw == "immortal" { // any parent is its gateway
			_ = os.Setenv(protocol.ParentEnv, strconv.Itoa(os.Getppid()))
		}
		serve.Main(newPupil())
		return
	}
	serve.Main(&adapter{})
}

func active() []string {
	if os.Getenv("EVIL") == "" {
		return nil
	}
	return strings.Split(os.Getenv("EVIL"), ",")
}

func is(mode string) bool { return slices.Contains(active(), mode) }

// stay has a child be the pupil, and is there when it has ended.
func stay() {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "EVIL_FLAW=none", protocol.ParentEnv+"="+strconv.Itoa(os.Getpid()))
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	signal.Ignore(syscall.SIGTERM)
	_ = c.Run() // however it ended
	hang()
}

// hang never returns, and survives everything but SIGKILL.
func hang() {
	signal.Ignore(syscall.SIGTERM)
	<-make(chan struct{})
}

// halfHandshake names a socket that nobody accepts on.
func halfHandshake() {
	path := filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "deaf")
	if _, err := net.Listen("unix", path); err != nil {
		panic(err)
	}
	fmt.Printf("1|%d|unix|%s|grpc|\n", protocol.Version, path)
	hang()
}

// leaveBehind starts a process that holds this one's stderr for long.
func leaveBehind(attr *syscall.SysProcAttr) {
	c := exec.Command("sleep", "300")
	c.Stderr = os.Stderr
	c.SysProcAttr = attr
	if err := c.Start(); err != nil {
		panic(err)
	}
	if path := os.Getenv("EVIL_PIDFILE"); path != "" {
		if err := os.WriteFile(path, fmt.Append(nil, c.Process.Pid), 0o600); err != nil {
			panic(err)
		}
	}
}

func badLog() {
	for _, line := range []string{
		`{"@message":1}`, `{"@level":[],"@message":{}}`, `{"@timestamp":0,"@message":"x"}`, `{"msg":`, `{}`, "\x00\xff",
		`{"level":"WARN","msg":"evil warning","n":1.5,"deep":{"a":{"b":true}}}`, strings.Repeat("long ", 100_000),
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
