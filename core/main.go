// Command patchbay is a message gateway: it receives messages from any vendor, routes them by rules, and delivers
// them in the format of the receiving vendor. See docs/architecture.md.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"patchbay/core/internal/cli"
)

// version is set by the linker, see the Makefile.
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, cli.Process{
		Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr, Version: version,
		Unhook: stop,
	})
	stop()
	os.Exit(code)
}
