// Command patchbay is a message gateway: it takes a message in from any vendor, decides by rules who gets it, and
// hands it over in that vendor's own dialect. See docs/architecture.md.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"patchbay/core/internal/cli"
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, cli.Process{
		Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr, Version: version,
		Unhook: stop, // from the first signal on, a second one ends the process at once
	})
	stop()
	os.Exit(code)
}
